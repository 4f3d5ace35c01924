/** `vigie diag`: everything that helps to help, in one file, without secrets. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SystemClock } from '../core/clock.ts';
import { StorageError, UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './defaults.ts';

const LINES = 20_000;
const MOST_LINES = 1_000_000;

export const diag: CliCommand = {
  name: 'diag',
  summary: 'make a support bundle: state, logs, configuration, metrics, versions, without secrets',
  help: `Usage: vigie diag [--output FILE] [--config FILE] [--data-dir DIR] [--lines N]

Writes one archive (.tar.gz) for whoever helps: what the node says of itself, its metrics, the
last lines of its log and of the kernel's, its configuration, what 'vigie doctor' finds, what
waits in the outbox (numbers, no records), versions, units, memory and disk. Works while the node
runs, and when it does not: what cannot be had is listed in missing.json.

Passwords, tokens and private keys are taken out: the values of all secrets that the configuration
refers to, wherever they appear and however they are written, and whatever looks like one.
Comments of the configuration are left out. Have a look before you send it: tar tzf FILE

Options:
  --output FILE    where to write it (default: ./vigie-diag-TIME.tar.gz; '-': standard output)
  --config FILE    configuration (default ${DEFAULT_CONFIG})
  --data-dir DIR   state directory (default: $STATE_DIRECTORY, else ${DEFAULT_DATA})
  --lines N        lines of the log, the newest (default ${LINES}); at most 4 MB of them

As root it sees all of it; a secret that cannot be read cannot be looked for.

Exit status: 0 ok, 1 failure, 2 the command line was not understood.

Example:
  sudo vigie diag --output /tmp/pump-station.tar.gz
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        output: { type: 'string' },
        config: { type: 'string' },
        'data-dir': { type: 'string' },
        lines: { type: 'string' },
      },
    });
    const lines = Number(values.lines ?? LINES);
    if (!Number.isInteger(lines) || lines < 1 || lines > MOST_LINES)
      throw new UsageError(
        'usage',
        `--lines takes a whole number from 1 to ${MOST_LINES}, found '${values.lines}'`,
      );
    const places = {
      config: resolve(values.config ?? DEFAULT_CONFIG),
      dataDir: resolve(values['data-dir'] ?? process.env.STATE_DIRECTORY ?? DEFAULT_DATA),
      lines,
    };
    const [{ parts }, { Redactor }, { findSecrets }, { makeBundle }, { parse }] = await Promise.all([
      import('./diag/collect.ts'),
      import('./diag/redact.ts'),
      import('./diag/secrets.ts'),
      import('./diag/bundle.ts'),
      import('yaml'),
    ]);
    const files = [
      places.config,
      join(places.dataDir, 'pushed/vigie.yaml'),
      join(places.dataDir, 'vigie.last-known-good.yaml'),
    ];
    const { values: secrets, unread } = findSecrets(files.map((file) => parsed(file, parse)));
    const time = Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(new SystemClock().wall() / 1000));
    const stamp = new Date(time * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const name = `vigie-diag-${stamp}`;
    const bundle = await makeBundle({ parts: parts(places), redactor: new Redactor(secrets), name, time });
    for (const reference of unread)
      process.stderr.write(
        `vigie: the secret ${reference} cannot be read here and was not looked for: use sudo\n`,
      );
    const output = values.output ?? `${name}.tar.gz`;
    if (output === '-') {
      process.stdout.write(bundle.bytes);
      return 0;
    }
    save(output, bundle.bytes);
    const without = Object.keys(bundle.missing);
    process.stdout.write(
      `${output}: ${Math.ceil(bundle.bytes.length / 1000)} kB${without.length > 0 ? `, without ${without.join(', ')}` : ''}\n`,
    );
    return 0;
  },
};

function parsed(file: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function save(output: string, bytes: Buffer): void {
  try {
    writeFileSync(output, bytes, { mode: 0o600 });
  } catch (cause) {
    throw new StorageError('diag-write', `the support bundle cannot be written to ${output}`, { cause });
  }
}
