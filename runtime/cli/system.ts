/** `vigie system`: the whole system of a flashed node, in two slots, and its updates. */

import { UsageError, VigieError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import type { CliCommand } from './command.ts';
import { EXIT_HELP, systemExitCode } from './system/exit-codes.ts';

/** One of the actions; each lives in a file of its own, loaded only when it is called. */
export interface SystemAction {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

const ACTIONS: Readonly<Record<string, () => Promise<SystemAction>>> = {
  status: async () => (await import('./system/status.ts')).systemStatus,
  install: async () => (await import('./system/install.ts')).systemInstall,
  rollback: async () => (await import('./system/rollback.ts')).systemRollback,
  confirm: async () => (await import('./system/confirm.ts')).systemConfirm,
  'boot-chooser': async () => (await import('./system/boot-chooser.ts')).systemBootChooser,
};

export const system: CliCommand = {
  name: 'system',
  summary: 'update the whole system of a flashed node, and go back',
  help: `Usage: vigie system status   [--json]
       vigie system install  FILE [--force] [--restart] [--json]
       vigie system rollback [--force] [--restart] [--json]
       vigie system confirm  [--wait] [--json]

A node that was flashed from an image has two systems, A and B. One runs; an update is
written over the other one, which is started once on trial. It stays if the node does well
there for some minutes, at least as well as before; else the node restarts into the system
it came from, and 'vigie system status' says why. Whenever the power goes, one whole system
starts. Configuration and data are on a partition of their own and stay where they are.

  status    which system runs, which starts next, how the last update ended
  install   check a signed bundle (vigie-BOARD-VERSION.raucb), write it, have it tried next
  rollback  go to the other system: give up a trial, call one off, or go back to what was
            there before the last update (on trial, too)
  confirm   keep the running system now, without waiting for its trial

'vigie system ACTION --help' says more. Models and configuration are updated by 'vigie ota'.

${EXIT_HELP}
Examples:
  vigie system status
  vigie system install /media/usb/vigie-raspberry-pi-1.4.0.raucb --restart
`,
  async helpFor([name = '']) {
    const page = Object.hasOwn(ACTIONS, name) ? (await ACTIONS[name]!()).help : undefined;
    return page === undefined ? undefined : `${page}\n${EXIT_HELP}`;
  },
  exitCode: systemExitCode,
  async run([name = '', ...args]) {
    if (!Object.hasOwn(ACTIONS, name)) throw unknown(name);
    const action = await ACTIONS[name]!();
    try {
      return await action.run(args);
    } catch (error) {
      if (!args.includes('--json') || !(error instanceof VigieError) || error instanceof UsageError)
        throw error;
      const { code, message, facts } = error;
      process.stdout.write(`${JSON.stringify({ error: { code, message, facts } })}\n`);
      return systemExitCode(error);
    }
  },
};

function unknown(name: string): UsageError {
  const names = Object.keys(ACTIONS);
  if (name === '') return new UsageError('usage', `name one of ${names.join(', ')}`);
  const near = nearestName(name, names);
  const hint = near ? `did you mean '${near}'? ` : '';
  return new UsageError('usage', `unknown action '${name}'; ${hint}there are: ${names.join(', ')}`);
}
