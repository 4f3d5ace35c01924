/** `vigie run`: the node itself, until a signal ends it. */

import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadChecked } from '../config/checked-config.ts';
import { createLog } from '../core/log.ts';
import type { VigieNode } from '../node.ts';
import type { CliCommand } from './command.ts';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './defaults.ts';
import { version } from './version.ts';

/** Node.js keeps compiled code at a clean end alone, and many a node only ever loses its power. */
const FLUSH_AFTER_MS = 60_000;

export const run: CliCommand = {
  name: 'run',
  summary: 'run the node',
  help: `Usage: vigie run [--config FILE] [--data-dir DIR]

Reads the sensors, analyses them, keeps what must not be lost on disk and delivers it.
Logs are JSON lines on standard output.

Options:
  --config FILE    configuration (default ${DEFAULT_CONFIG})
  --data-dir DIR   outbox, baselines and other state (default: $STATE_DIRECTORY, else ${DEFAULT_DATA})

Signals:
  SIGTERM, SIGINT  stop within 5 s; nothing accepted is lost
  SIGHUP           reload the configuration; the log says what needs a restart

Exit status: 0 stopped on request, 1 failure, 2 the command line was not understood.

Example:
  vigie run --config vigie.yaml --data-dir ./data
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string' }, 'data-dir': { type: 'string' } },
    });
    const file = resolve(values.config ?? DEFAULT_CONFIG);
    const dataDir = resolve(values['data-dir'] ?? process.env.STATE_DIRECTORY ?? DEFAULT_DATA);
    // Whoever read the log is gone: that must not end the node.
    process.stdout.on('error', () => {});
    // Unhandled, a SIGHUP that comes while the node is put together would end it.
    let node: VigieNode | undefined;
    let reloadAsked = false;
    process.on('SIGHUP', () => {
      if (node) void node.reload();
      else reloadAsked = true;
    });
    const loadConfig = () => loadChecked(file, dataDir, version());
    // Side by side: where the check takes a child process, the modules are loaded meanwhile.
    const [running, { wire }] = await Promise.all([loadConfig(), import('../wire.ts')]);
    const log = createLog(running.config.log.level);
    node = await wire({ running, loadConfig, dataDir, version: version(), log });
    const stopped = stopOnSignal(node);
    await node.start();
    if (reloadAsked) void node.reload();
    log.info({ event: 'node.started', version: version(), file, dataDir }, 'the node runs');
    setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
    const late = await stopped;
    log.info(
      { event: 'node.stopped', late },
      late.length > 0 ? `stopped, without waiting for ${late.join(', ')}` : 'stopped',
    );
    // Who is late may hold the process for ever.
    if (late.length > 0) process.exit(1);
    return 0;
  },
};

/**
 * Resolves once the node stopped on SIGTERM or SIGINT, with the names of those who did not stop in time. Further
 * signals change nothing: Ctrl-C below npm comes twice.
 */
function stopOnSignal(node: VigieNode): Promise<readonly string[]> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(node.stop()));
  });
}
