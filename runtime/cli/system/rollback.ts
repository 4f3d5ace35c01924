/** `vigie system rollback`: towards the other system. */

import { parseArgs } from 'node:util';
import { readMachine } from '../../system/machine.ts';
import { type Rollback, rollBack } from '../../system/updates.ts';
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

export const systemRollback: SystemAction = {
  help: `Usage: vigie system rollback [--force] [--restart] [--json]

While an update waits for its restart, calls it off. While one is on trial, gives it up: the
next restart brings the system before. Else has the other system tried at the next restart,
as an update is: should the node not do well there, it comes back here.

Options:
  --force          try a system that was found bad, too
  --restart        restart at once
${COMMON_HELP}
Example:
  vigie system rollback --restart
`,
  async run(args) {
    const options = { ...COMMON_OPTIONS, force: { type: 'boolean' }, restart: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...args], options });
    const root = rootOf(values.root);
    return alone(root, async () => {
      const machine = readMachine(root);
      const baseline = await takeBaseline(dataDirOf(values['data-dir']));
      const done = rollBack(machine, { baseline, force: values.force === true });
      print(values.json, done, rollbackText);
      if (values.restart && done.kind !== 'called-off') await restart();
      return 0;
    });
  },
};

function rollbackText(done: Rollback): string {
  const hint = 'Restart with: systemctl reboot';
  switch (done.kind) {
    case 'called-off':
      return `system ${done.slot} is not tried at the next restart any more\n`;
    case 'given-up':
      return `system ${done.slot} is given up; the next restart brings ${done.to}. ${hint}\n`;
    case 'to-be-tried':
      return `the next restart tries system ${done.slot}. ${hint}\n`;
  }
}
