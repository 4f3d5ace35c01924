/** What a call throws, where it must. */

import * as assert from 'uvu/assert';
import { VigieError } from '../../runtime/core/errors.ts';

export function thrown(call: () => unknown): VigieError {
  try {
    call();
  } catch (error) {
    return ofOurs(error);
  }
  return assert.unreachable('nothing was thrown') as never;
}

export async function rejection(promise: Promise<unknown>): Promise<VigieError> {
  try {
    await promise;
  } catch (error) {
    return ofOurs(error);
  }
  return assert.unreachable('nothing was thrown') as never;
}

function ofOurs(error: unknown): VigieError {
  if (error instanceof VigieError) return error;
  throw error;
}
