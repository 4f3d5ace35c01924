/** What a look for updates came to, as an exit status. */

import { VigieError } from '../../../core/errors.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import type { CheckAnswer } from './answers.ts';

/** That of the first model that was refused or failed; 10 where there is nothing new. */
export function outcomeOf({ models, failures }: CheckAnswer): number {
  const refused = models.find(({ result }) => result === 'refused');
  const code = refused?.code ?? failures[0]?.code;
  if (code !== undefined) return exitCodeOf(new VigieError(code, ''));
  return models.some(({ result }) => result === 'staged') ? EXIT.ok : EXIT.noUpdate;
}
