/** That a promise rejects with an error of a code. */

import * as assert from 'uvu/assert';
import type { VigieError } from '../../runtime/core/errors.ts';

/** @returns the error. */
export async function rejects(work: Promise<unknown>, code: string): Promise<VigieError> {
  const error = await work.then(
    () => assert.unreachable(`expected an error ${code}`),
    (cause: unknown) => cause as VigieError,
  );
  assert.is(error!.code, code, String((error as Error).stack));
  return error!;
}
