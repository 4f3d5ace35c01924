/** `vigie ota`: signed models, from keys to nodes. */

import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

/** One of the actions; each lives in a file of its own, loaded only when it is called. */
export interface OtaAction {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

const ACTIONS: Readonly<Record<string, () => Promise<OtaAction>>> = {
  'conformance-client': async () => (await import('./ota/conformance-client.ts')).conformanceClient,
};

export const ota: CliCommand = {
  name: 'ota',
  summary: 'sign models and bring them to nodes',
  help: `Usage: vigie ota conformance-client …

  conformance-client   the update client, as the conformance suite of The Update Framework drives it

'vigie ota ACTION --help' tells more.

Exit status: 0 done, 1 failure, 2 the command line was not understood.
`,
  helpFor: async ([action]) => (await known(action))?.help,
  async run(args) {
    const [name, ...rest] = args;
    const action = await known(name);
    if (!action) throw new UsageError('usage', `name one of ${Object.keys(ACTIONS).join(', ')}`);
    return action.run(rest);
  },
};

function known(name: string | undefined): Promise<OtaAction> | undefined {
  return name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name]?.() : undefined;
}
