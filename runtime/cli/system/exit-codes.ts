/** How `vigie system` ends, so that a script can tell what went wrong. The same numbers as `vigie ota` where both have them. */

import { UsageError, VigieError } from '../../core/errors.ts';

export const EXIT_HELP = `Exit status: 0 done, 1 failure, 2 the command line was not understood; refused because of
20 the signature (none, or of a foreign key), 22 an older version, 24 a bundle for another
board, 31 too little room; 40 the trial failed; 50 RAUC is missing, 51 not a system with two
slots, 52 a trial is going on, or there is nothing to go back to, 53 only root may.
`;

const CODES: Readonly<Record<string, number>> = {
  'system-signature': 20,
  'system-older': 22,
  'system-other-board': 24,
  'system-too-big': 31,
  'state-write': 31,
  'system-trial-failed': 40,
  'system-no-rauc': 50,
  'system-not-ab': 51,
  'system-on-trial': 52,
  'system-busy': 52,
  'system-nothing-there': 52,
  'system-not-root': 53,
};

export function systemExitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof VigieError ? (CODES[error.code] ?? 1) : 1;
}
