/** `vigie system status`: which system runs, which starts next, how the last update ended. */

import { parseArgs } from 'node:util';
import { readMachine } from '../../system/machine.ts';
import { type SystemStatus, status } from '../../system/updates.ts';
import type { SystemAction } from '../system.ts';
import { COMMON_HELP, COMMON_OPTIONS, print, rootOf } from './shared.ts';

export const systemStatus: SystemAction = {
  help: `Usage: vigie system status [--json]

Says which of the two systems runs, which one starts next, their versions, and how the last
update ended. Changes nothing.

  standing stable       the primary runs: it starts by itself
           pending      an update is installed; the next restart tries it
           on-trial     an update runs and is not confirmed yet
           trial-ended  the last trial was not confirmed; this is the system before
           astray       the other system runs, started by hand or because the primary
                        would not load

Options:
${COMMON_HELP}
Example:
  vigie system status --json
`,
  async run(args) {
    const { values } = parseArgs({ args: [...args], options: COMMON_OPTIONS });
    print(values.json, status(readMachine(rootOf(values.root))), statusText);
    return 0;
  },
};

export function statusText({
  booted,
  primary,
  standing,
  slots,
  trial,
  last,
  compatible,
  bootLoader,
}: SystemStatus): string {
  const lines = [
    ...slots.map(({ slot, version, state, ...is }) => {
      const marks = [is.booted ? 'runs' : '', is.primary ? 'primary' : '']
        .filter((mark) => mark !== '')
        .join(', ');
      return `${slot}  ${(version ?? 'unknown').padEnd(16)}  ${state.padEnd(8)}  ${marks}`.trimEnd();
    }),
    '',
    `${standing}: ${MEANING[standing]({ booted, primary, version: trial?.version ?? 'the update' })}`,
    `bundles for this board are made for ${compatible ?? 'nobody: RAUC is not set up'}; ${bootLoader} starts it`,
  ];
  if (last)
    lines.push(
      `last update: ${last.version ?? 'unknown version'} on ${last.slot} ${last.outcome} at ${last.at}: ${last.reason}`,
    );
  return `${lines.join('\n')}\n`;
}

interface Words {
  readonly booted: string;
  readonly primary: string;
  readonly version: string;
}

const MEANING: Readonly<Record<SystemStatus['standing'], (words: Words) => string>> = {
  stable: ({ booted }) => `system ${booted} runs, and starts by itself`,
  pending: ({ version }) => `${version} is installed; the next restart tries it (systemctl reboot)`,
  'on-trial': ({ booted, primary }) =>
    `system ${booted} runs on trial; it is kept when the node does well, or the node goes back to ${primary}`,
  'trial-ended': ({ booted }) => `the trial was not confirmed; system ${booted} runs as before`,
  astray: ({ booted, primary }) =>
    `system ${booted} runs, but ${primary} starts by itself. Keep ${booted}: vigie system confirm`,
};
