/** What the disk refused, in the terms of the error tree: full is told apart, since making room helps there. */

import { StorageError, VigieError } from '../../../runtime/core/errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** @returns `ota-disk-full` or `state-write`, both retryable; an error of the tree as it is. */
export function diskError(cause: unknown, path: string): VigieError {
  if (isFull(cause)) {
    return new StorageError(
      'ota-disk-full',
      `no room left for ${path}; make some, or let fewer models be assigned`,
      {
        cause,
        retryable: true,
        facts: { path },
      },
    );
  }
  if (cause instanceof VigieError) return cause;
  return new StorageError('state-write', `cannot write ${path}`, { cause, retryable: true, facts: { path } });
}

function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return FULL.has((error as NodeJS.ErrnoException).code ?? '') || isFull(error.cause);
}
