/** What keeps the store small, and what no node may run any more. */

import { StorageError, UpdateError } from '../../../runtime/core/errors.ts';
import type { Log } from '../../../runtime/core/log.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import type { UpdateStore } from '../store/update-store.ts';
import { blobsOf } from './installed.ts';
import type { ModelRecords } from './model-records.ts';
import { kept, type ModelRecord } from './record.ts';
import type { Serving } from './serving.ts';

interface Swept {
  readonly store: UpdateStore;
  readonly records: ModelRecords;
  readonly serving: Serving;
}

/** I-6: what is named by any record stays; while one of them cannot be read, everything does. Not during a check. */
export function sweep({ store, records, serving }: Swept, log: Log): void {
  try {
    const keep = new Set<Sha256>();
    for (const record of records.all()) {
      const running = serving.current(record.name);
      for (const release of [...kept(record), ...(running ? [running] : [])]) {
        for (const sha256 of blobsOf(store.blobs, release)) keep.add(sha256);
      }
    }
    const freed = store.blobs.sweep(keep);
    if (freed > 0) log.info({ event: 'ota.swept', freed }, 'removed what nobody needs any more');
  } catch (error) {
    if (!(error instanceof StorageError) && !(error instanceof UpdateError)) throw error;
    log.warn({ event: 'ota.sweep.failed', err: error }, 'keeps everything');
  }
}

const NOWHERE_TO_GO = 'the assignment blocks what serves, and there is nothing to go back to';

/** What serves is stopped only where something else can: a stolen deploy key must not still a fleet. */
export async function obeyBlocks(
  serving: Serving,
  { name, trial, active, previous }: ModelRecord,
  blocked: readonly Sha256[],
): Promise<void> {
  const reason = 'the assignment blocks it';
  if (trial && blocked.includes(trial.digest)) await serving.rollBackTrial(name, 'ota-blocked', reason);
  if (!active || !blocked.includes(active.digest)) {
    if (serving.trouble.get(name) === NOWHERE_TO_GO) serving.trouble.delete(name);
    return;
  }
  if (previous && !blocked.includes(previous.digest))
    await serving.rollBackActive(name, 'ota-blocked', reason);
  else serving.trouble.set(name, NOWHERE_TO_GO);
}
