/** What an operator may ask of the analysis. */

import type { Command } from '../../core/commands.ts';
import { InputError } from '../../core/errors.ts';

/** @param refresh makes these groups learn anew. */
export function baselineRefresh(
  groups: readonly string[],
  refresh: (groups: readonly string[]) => void,
): Command {
  return {
    name: 'baseline-refresh',
    description:
      'Forget what is normal and learn it anew, for one group (argument `group`) or for all. ' +
      'Until then only values outside their configured range and missing data raise an anomaly.',
    async run(args) {
      const unknown = Object.keys(args).filter((key) => key !== 'group');
      if (unknown.length > 0) {
        throw new InputError(
          'bad-arguments',
          `unknown argument '${unknown[0]}'; baseline-refresh takes: group`,
        );
      }
      const { group } = args;
      if (group !== undefined && !(typeof group === 'string' && groups.includes(group))) {
        const known = groups.join(', ') || 'none';
        throw new InputError('bad-arguments', `no group '${String(group)}'; known: ${known}`);
      }
      const chosen = group === undefined ? groups : [group as string];
      refresh(chosen);
      return { groups: chosen };
    },
  };
}
