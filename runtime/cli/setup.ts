/** `vigie setup`: the set-up page of a node that has no configuration. */

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { boardName, readBoardFacts } from '../config/device-profile/facts.ts';
import { SystemClock } from '../core/clock.ts';
import { InputError, UsageError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { CONFIG_DIRECTORY, REPORT } from '../first-boot/places.ts';
import { readReport } from '../first-boot/report.ts';
import { isCode, makeCode } from '../first-boot/setup/code.ts';
import { saveDrop } from '../first-boot/setup/save.ts';
import type { CliCommand } from './command.ts';
import { version } from './version.ts';

export const setup: CliCommand = {
  name: 'setup',
  summary: 'serve the page on which a node without configuration is set up',
  help: `Usage: vigie setup [--host ADDRESS] [--port PORT] [--drop DIR] [--code-file FILE]

Serves a page that takes a configuration, checks it as 'vigie check' does with every error
at its line, asks for the secrets that it names, and saves it. It asks for a code first, which
works once, and ends when a configuration was saved. It is not encrypted: use it on a network
that you trust. Images serve it by themselves while they have no configuration.

Options:
  --host ADDRESS    address to listen on (default ::, all of them)
  --port PORT       TCP port (default 8080; images: 80)
  --drop DIR        where to save vigie.yaml, secrets/ and files/ (default ./vigie-setup)
  --code-file FILE  the code; deleted once it was used (default: a new code, printed here)

Exit status: 0 saved, 1 failure, 2 the command line was not understood.

Example, for a look at it: vigie setup --host 127.0.0.1
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        host: { type: 'string', default: '::' },
        port: { type: 'string', default: '8080' },
        drop: { type: 'string', default: 'vigie-setup' },
        'code-file': { type: 'string' },
      },
    });
    if (positionals.length > 0) throw new UsageError('usage', `unexpected argument '${positionals[0]}'`);
    const port = readPort(values.port);
    const folder = resolve(values.drop);
    const codeFile = values['code-file'];
    const code = codeFile === undefined ? makeCode() : readCode(codeFile);
    if (codeFile === undefined) process.stdout.write(`The code: ${code}\n`);
    const report = readReport(REPORT);
    const { SetupServer } = await import('../first-boot/setup/setup-server.ts');
    const server = new SetupServer({
      host: values.host,
      port,
      code,
      facts: {
        hostname: report?.node.hostname ?? 'this machine',
        version: version(),
        board: boardName(readBoardFacts()),
        problems: report?.problems ?? [],
      },
      known: { secrets: new Set(report?.secrets), files: new Set(filesThere()) },
      clock: new SystemClock(),
      log: createLog('info'),
      onCodeUsed: () => codeFile !== undefined && rmSync(codeFile, { force: true }),
      save: (text, brought) => saveDrop(folder, text, brought),
    });
    await server.listen();
    const saved = await Promise.race([server.saved.then(() => true), asked().then(() => false)]);
    await server.stop();
    if (saved) process.stdout.write(`saved in ${folder}\n`);
    return 0;
  },
};

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError('usage', `--port takes a number from 0 to 65535, not '${text}'`);
}

function readCode(file: string): string {
  const fix = 'a code works once; start the node again for a new one (vigie first-boot makes it)';
  if (!existsSync(file)) throw new InputError('setup-code', `there is no set-up code in ${file}: ${fix}`);
  const code = readFileSync(file, 'utf8').trim();
  if (!isCode(code)) throw new InputError('setup-code', `${file} holds no set-up code: ${fix}`);
  return code;
}

function filesThere(): string[] {
  try {
    return readdirSync(CONFIG_DIRECTORY);
  } catch {
    return [];
  }
}

function asked(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => done());
  });
}
