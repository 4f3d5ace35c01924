/** `vigie first-boot`: what an image does before the node runs. Meant for its unit; safe to run by hand. */

import { appendFileSync, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError, UsageError } from '../core/errors.ts';
import { type FirstBootResult, firstBoot } from '../first-boot/first-boot.ts';
import type { CliCommand } from './command.ts';
import { version } from './version.ts';

const NEEDS_A_PERSON = 3;
/** Made by the initramfs of our images. */
const IMAGE_MARK = '/run/vigie-image';

export const firstBootCommand: CliCommand = {
  name: 'first-boot',
  summary: 'take over what was dropped on the boot partition (for images)',
  help: `Usage: vigie first-boot [--boot DIR] [--data DIR] [--root DIR] [OPTIONS]

Images run it at every start, before the node. It takes over what somebody dropped on the
boot partition (vigie.yaml, secrets, files, network.yaml, authorized_keys), all of it or none
of it, and takes it off there; writes vigie-error.txt back where something is wrong; gives the
node an identity; and puts host name, time zone, network and SSH keys in place.
Running it again changes nothing.

Options:
  --boot DIR      the boot partition (default /boot/vigie)
  --data DIR      the data partition (default /data)
  --root DIR      the system to apply it to (default /)
  --drop DIR      take over what lies here instead of what lies on the boot partition
  --mounted       the boot partition must be mounted: an empty folder is a missing one
  --console FILE  say there, too, what a person at the node's screen has to know
  --json          print the report as one line of JSON

Exit status: 0 all is well, 1 failure, 2 the command line was not understood,
3 done, and something needs a person (it is on standard output and in vigie-error.txt).

Try what it makes of a card, without being on the node:
  mkdir -p /tmp/try/data && vigie first-boot --boot /media/$USER/VIGIE --data /tmp/try/data --root /tmp/try
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        boot: { type: 'string', default: '/boot/vigie' },
        data: { type: 'string', default: '/data' },
        root: { type: 'string', default: '/' },
        drop: { type: 'string' },
        mounted: { type: 'boolean', default: false },
        console: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 0) throw new UsageError('usage', `unexpected argument '${positionals[0]}'`);
    const { boot, data, root, drop, mounted } = values;
    if (resolve(root) === '/' && !existsSync(IMAGE_MARK)) {
      const fix = 'edit /etc/vigie/vigie.yaml here; to try what it would do, see the example of --help';
      throw new InputError('not-an-image', `this system was not flashed from an image of Vigie: ${fix}`);
    }
    // Whoever started it: the node reads the report, and services that are not root read what is put in place.
    process.umask(0o022);
    const result = await firstBoot({
      boot: resolve(boot),
      drop: drop === undefined ? undefined : resolve(drop),
      data: resolve(data),
      root: resolve(root),
      mounted,
      version: version(),
    });
    const { report, took, identity } = result;
    // The code is for who stands at the node: not for the journal, which support bundles hold.
    if (values.json) process.stdout.write(`${JSON.stringify({ ...report, took, identity })}\n`);
    else process.stdout.write(describe(result));
    if (values.console !== undefined) tell(values.console, result);
    return report.problems.length > 0 ? NEEDS_A_PERSON : 0;
  },
};

function describe({ report, took, identity }: FirstBootResult): string {
  const { node, problems } = report;
  const lines = [
    `node ${node.hostname}, identity ${node.id}${identity === 'made' ? ' (made now)' : ''}`,
    ...(took.length > 0 ? [`taken over: ${took.join(', ')}`] : []),
    ...problems,
  ];
  return `${lines.join('\n')}\n`;
}

/** A screen that is not there is no reason to stop. */
function tell(path: string, { report, setupCode }: FirstBootResult): void {
  const { node, problems } = report;
  const lines = problems.map((problem) => `Vigie: ${problem}`);
  if (setupCode !== undefined)
    lines.push(`Vigie: not set up yet. Open http://${node.hostname}.local/ and enter the code ${setupCode}`);
  if (lines.length === 0) return;
  try {
    appendFileSync(path, `\r\n${lines.join('\r\n')}\r\n`);
  } catch {}
}
