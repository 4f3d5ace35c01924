/** `vigie system install`: a signed bundle into the slots that do not run. */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../../core/errors.ts';
import { other } from '../../system/boot-state.ts';
import {
  checkCompatible,
  checkFile,
  checkMachine,
  checkSpace,
  checkUser,
  checkVersion,
} from '../../system/install-checks.ts';
import { readMachine } from '../../system/machine.ts';
import { bundleInfo, installBundle } from '../../system/rauc.ts';
import { slotBytes } from '../../system/slot-size.ts';
import { noteInstalled, noteInstalling } from '../../system/updates.ts';
import type { SystemAction } from '../system.ts';
import {
  alone,
  COMMON_HELP,
  COMMON_OPTIONS,
  dataDirOf,
  print,
  restart,
  rootOf,
  takeBaseline,
} from './shared.ts';

export const systemInstall: SystemAction = {
  help: `Usage: vigie system install FILE [--force] [--restart] [--check] [--json]

Checks the bundle (signature, board, version, room), then writes it over the system that does
not run, which takes some minutes on a card; the node works on meanwhile. The next restart
tries it: docs/system-update.md. If the power goes, the running system starts as before; then
run this again.

Options:
  --force          install an older version, too
  --restart        restart into it at once
  --check          check only; change nothing
${COMMON_HELP}
Example:
  vigie system install vigie-raspberry-pi-1.4.0.raucb --restart
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...COMMON_OPTIONS,
        force: { type: 'boolean' },
        restart: { type: 'boolean' },
        check: { type: 'boolean' },
      },
    });
    const [name, ...more] = positionals;
    if (!name || more.length > 0) throw new UsageError('usage', 'name one bundle: vigie system install FILE');
    const file = resolve(name);
    const root = rootOf(values.root);
    return alone(root, async () => {
      checkFile(file);
      const machine = readMachine(root);
      checkMachine(machine);
      if (!values.check && root === '/') checkUser(process.getuid?.());
      const info = await bundleInfo(file, machine.paths.raucConfig);
      checkCompatible(file, info, machine);
      checkVersion(file, info, machine, values.force === true);
      const target = other(machine.booted);
      checkSpace(file, info, (slotClass) => slotBytes(root, target, slotClass));
      const answer = { slot: target, version: info.version, from: machine.version };
      if (values.check) {
        print(
          values.json,
          { ...answer, installed: false },
          () => `${file} can be installed as system ${target}\n`,
        );
        return 0;
      }
      const baseline = await takeBaseline(dataDirOf(values['data-dir']));
      noteInstalling(machine);
      await installBundle(file, (text) => void (values.json || process.stdout.write(text)));
      noteInstalled(machine, info.version, baseline);
      print(values.json, { ...answer, installed: true }, () =>
        doneText(target, info.version, values.restart === true),
      );
      if (values.restart) await restart();
      return 0;
    });
  },
};

const doneText = (slot: string, version: string, restarts: boolean): string =>
  `${version} is installed as system ${slot}. ` +
  (restarts ? 'Restarting into it.\n' : 'The next restart tries it: systemctl reboot\n');
