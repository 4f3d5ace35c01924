/** `vigie run`: the node itself, until a signal ends it. */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError, InputError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './defaults.ts';
import { runNodes } from './run/node-loop.ts';
import { Service } from './run/service.ts';

/** As sysexits.h has it; vigie.service names it. */
const EXIT_CONFIGURATION = 78;

export const run: CliCommand = {
  name: 'run',
  summary: 'run the node',
  help: `Usage: vigie run [--config FILE] [--data-dir DIR] [--safe]

Reads the sensors, analyses them, keeps what must not be lost on disk and delivers it.
Logs are JSON lines on standard output.

Options:
  --config FILE    configuration (default ${DEFAULT_CONFIG})
  --data-dir DIR   outbox, baselines and other state (default: $STATE_DIRECTORY, else ${DEFAULT_DATA})
  --safe           safe mode: status page, broker and updates, but no sources, cameras and
                   analysis; it says why, and ends with status 10 when the node should be
                   tried again. vigie-safe.service starts it when the node does not stay up

Signals:
  SIGTERM, SIGINT  stop within 5 s; nothing accepted is lost
  SIGHUP           reload the configuration; the log says what needs a restart

Under systemd (docs/service.md) it says when it is ready, how it does (systemctl status vigie)
and, on evidence of progress alone, that it lives.

Exit status: 0 stopped on request, 1 failure, 2 the command line was not understood,
78 the configuration cannot run and none that ran before is kept.

Example:
  vigie run --config vigie.yaml --data-dir ./data
`,
  outlivesReader: true,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string' }, 'data-dir': { type: 'string' }, safe: { type: 'boolean' } },
    });
    const file = resolve(values.config ?? DEFAULT_CONFIG);
    const dataDir = resolve(values['data-dir'] ?? process.env.STATE_DIRECTORY ?? DEFAULT_DATA);
    const service = new Service(process.env);
    try {
      if (values.safe) {
        const { runSafe } = await import('./run/safe.ts');
        return await runSafe({ file, dataDir, service, env: process.env });
      }
      const { late } = await runNodes({ file, dataDir, service });
      // Who is late may hold the process for ever.
      if (late.length > 0) process.exit(1);
      return 0;
    } catch (error) {
      service.lastWords.say(describeError(error));
      throw error;
    }
  },
  // Trying it again does not mend it: the service manager goes to safe mode at once.
  exitCode: (error) =>
    error instanceof InputError && error.code === 'config-invalid' ? EXIT_CONFIGURATION : 1,
};
