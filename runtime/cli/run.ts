/** `vigie run`: the node itself, until a signal ends it. */

import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadChecked } from '../config/checked-config.ts';
import { PushedConfiguration } from '../config/pushed/pushed.ts';
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
  outlivesReader: true,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string' }, 'data-dir': { type: 'string' } },
    });
    const file = resolve(values.config ?? DEFAULT_CONFIG);
    const dataDir = resolve(values['data-dir'] ?? process.env.STATE_DIRECTORY ?? DEFAULT_DATA);
    const pushed = new PushedConfiguration(file, dataDir);
    // Unhandled, a SIGHUP that comes while the node is put together would end it.
    const asked = new Asked();
    let late: readonly string[] = [];
    while (asked.next !== 'end') {
      asked.next = 'end';
      const source = pushed.begin();
      const loadConfig = () => loadChecked(source.file, dataDir, version(), source.directory);
      // Side by side: where the check takes a child process, the modules are loaded meanwhile.
      const [running, { wire }] = await Promise.all([loadConfig(), import('../wire.ts')]);
      const log = createLog(running.config.log.level);
      const restart = (reason: string) => asked.restart(reason);
      const node = await wire({
        running,
        configFile: source.file,
        loadConfig,
        dataDir,
        version: version(),
        log,
        pushed,
        restart,
      });
      if (asked.ended) break;
      const stopped = asked.run(node);
      await node.start();
      asked.reloadIfAsked();
      log.info({ event: 'node.started', version: version(), file: source.file, dataDir }, 'the node runs');
      setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
      late = await stopped;
      const why = asked.next === 'end' ? '' : `, to start again: ${asked.why}`;
      log.info(
        { event: 'node.stopped', late },
        late.length > 0 ? `stopped, without waiting for ${late.join(', ')}${why}` : `stopped${why}`,
      );
      // What did not let go of its files would meet itself.
      if (late.length > 0) break;
    }
    // Who is late may hold the process for ever.
    if (late.length > 0) process.exit(1);
    return 0;
  },
};

/** What was asked of the process: by signals, or by the node itself. Further signals change nothing: Ctrl-C below npm comes twice. */
class Asked {
  next: 'end' | 'restart' = 'restart';
  why = '';
  #node: VigieNode | undefined;
  #stopped: ((late: readonly string[]) => void) | undefined;
  #reload = false;
  #end = false;

  constructor() {
    process.on('SIGHUP', () => {
      if (this.#node) void this.#node.reload();
      else this.#reload = true;
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        this.#end = true;
        this.next = 'end';
        this.#stop();
      });
    }
  }

  get ended(): boolean {
    return this.#end;
  }

  /** @returns the names of those who did not stop in time, once the node stopped. */
  run(node: VigieNode): Promise<readonly string[]> {
    this.#node = node;
    return new Promise((resolve) => {
      this.#stopped = resolve;
    });
  }

  restart(reason: string): void {
    if (this.#end) return;
    this.next = 'restart';
    this.why = reason;
    // Whoever asks is a part of the node, and may have to end first.
    setImmediate(() => this.#stop());
  }

  reloadIfAsked(): void {
    if (this.#reload) void this.#node?.reload();
    this.#reload = false;
  }

  #stop(): void {
    const [node, stopped] = [this.#node, this.#stopped];
    this.#node = undefined;
    this.#stopped = undefined;
    if (node && stopped) void node.stop().then(stopped);
  }
}
