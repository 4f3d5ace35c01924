/** `vigie service`: fits the sandbox of the service to what the configuration names. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../core/atomic-file.ts';
import { UsageError, VigieError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './defaults.ts';

const FOLDER = '/etc/systemd/system/vigie.service.d';

export const service: CliCommand = {
  name: 'service',
  summary: 'fit the sandbox of the service to the devices that the configuration names',
  help: `Usage: vigie service show  [--config FILE] [--root DIR]
       vigie service apply [--config FILE] [--root DIR] [--restart]

The service may open no device but those that its configuration names: serial ports, cameras,
the GPU. 'show' prints what that takes, as a drop-in of vigie.service; 'apply' writes it to
${FOLDER}/50-node.conf and tells systemd.
On a machine with the package nobody needs to call this: vigie-apply.path does, whenever
/etc/vigie/vigie.yaml or a configuration that came as an update changes. docs/service.md

Options:
  --config FILE  configuration (default ${DEFAULT_CONFIG})
  --root DIR     a folder that will be the root of a machine, such as an image that is
                 being built: all paths lie in it, and no systemd is told
  --restart      restart the service if it runs and something has changed

Exit status: 0 ok, 1 failure, 2 the command line was not understood.

Examples:
  vigie service show --config vigie.yaml
  sudo vigie service apply --restart
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, root: { type: 'string' }, restart: { type: 'boolean' } },
    });
    const [action, ...more] = positionals;
    if ((action !== 'show' && action !== 'apply') || more.length > 0)
      throw new UsageError('usage', 'name show or apply');
    const [{ lookAt, sums }, { dropIn }] = await Promise.all([
      import('./service/look.ts'),
      import('./service/drop-in.ts'),
    ]);
    const root = values.root === undefined ? '' : resolve(values.root);
    const config =
      values.config === undefined ? DEFAULT_CONFIG : root ? values.config : resolve(values.config);
    const place = { root, config, dataDir: DEFAULT_DATA };
    const before = sums(place);
    const facts = lookAt(place);
    const text = dropIn(facts);
    if (action === 'show') {
      process.stdout.write(text);
      return 0;
    }
    for (const refused of facts.refused) process.stderr.write(`vigie: ${refused}\n`);
    const changed = put(join(root + FOLDER, '50-node.conf'), text);
    // Written last, of what was read first: what changed meanwhile is looked at again.
    put(join(root + FOLDER, '50-node.sums'), before);
    process.stdout.write(changed ? `${FOLDER}/50-node.conf is written\n` : 'nothing has changed\n');
    if (changed && !root) tellSystemd(values.restart === true);
    return 0;
  },
};

/** @returns whether it differed. */
function put(path: string, text: string): boolean {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  mkdirSync(resolve(path, '..'), { recursive: true });
  writeFileAtomic(path, text, 0o644);
  return true;
}

/** Without waiting: at boot the service waits for us. */
function tellSystemd(restart: boolean): void {
  try {
    execFileSync('systemctl', ['daemon-reload'], { stdio: 'pipe' });
    if (restart) execFileSync('systemctl', ['--no-block', 'try-restart', 'vigie.service'], { stdio: 'pipe' });
    else process.stdout.write('it counts from the next start on: systemctl restart vigie\n');
  } catch (cause) {
    throw new VigieError(
      'systemd-not-told',
      'it counts from the next start of the machine on: systemd was not told',
      {
        cause,
      },
    );
  }
}
