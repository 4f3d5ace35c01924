/** What went wrong with the database, told apart by what can be done about it. */

import { describeError, StorageError } from '../../core/errors.ts';

/**
 * `full`: no room on the disk. `damaged`: the file is not what was written. `newer`: written by a later
 * version. `locked`: another process has the outbox. `io`: everything else, worth another try.
 */
export type FaultKind = 'full' | 'damaged' | 'newer' | 'locked' | 'io';

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const KINDS: Readonly<Record<number, FaultKind>> = {
  5: 'locked',
  6: 'locked',
  11: 'damaged',
  13: 'full',
  26: 'damaged',
};

const ADVICE: Readonly<Record<FaultKind, string>> = {
  full: 'no space left on the disk: free some; records wait in memory until then',
  damaged: 'the database file is damaged',
  newer: 'the database was written by a later version of vigie',
  locked: 'another process uses this outbox: stop it, or give this node another data directory',
  io: 'the disk refused: check that the directory exists, is writable and that the card is sound',
};

export class OutboxFault extends StorageError {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, doing: string, cause?: unknown) {
    const detail = cause === undefined ? '' : ` (${describeError(cause)})`;
    super(`outbox-${kind}`, `cannot ${doing}: ${ADVICE[kind]}${detail}`, { cause, retryable: true });
    this.kind = kind;
  }
}

/** Wraps what SQLite or the file system threw. */
export function toFault(doing: string, cause: unknown): OutboxFault {
  if (cause instanceof OutboxFault) return cause;
  const { errcode, code } = cause as { errcode?: number; code?: string };
  if (code === 'ENOSPC' || code === 'EDQUOT') return new OutboxFault('full', doing, cause);
  return new OutboxFault(KINDS[(errcode ?? 0) & 0xff] ?? 'io', doing, cause);
}
