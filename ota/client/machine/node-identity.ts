/** Who the node is towards the hub: an ed25519 key of its own, made on the first start, and a counter that only rises. */

import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { VigieError } from '../../../runtime/core/errors.ts';
import { readSmall } from '../store/hash-file.ts';
import { readRecord, writeRecord } from '../store/record-file.ts';
import type { UpdateStore } from '../store/update-store.ts';
import { integerIn } from '../tuf/fields.ts';

const MOST_KEY_BYTES = 4096;
const KEY_MODE = 0o600;
/** Counts are reserved on disk in steps: a write per report would wear the card for nothing. */
const RESERVE = 64;

export class NodeIdentity {
  readonly key: KeyObject;
  /** True on the first start, and when the key could not be read any more. */
  readonly isNew: boolean;
  readonly #store: UpdateStore;
  #next: number;
  #reserved: number;

  private constructor(store: UpdateStore, key: KeyObject, isNew: boolean, count: number) {
    this.#store = store;
    this.key = key;
    this.isNew = isNew;
    this.#next = count;
    this.#reserved = count;
  }

  /** Where the disk refuses a new key, it serves until the process ends. */
  static load(store: UpdateStore): NodeIdentity {
    const path = store.path('node-key');
    const counted = readRecord(store.fs, store.path('report.json'), (json) =>
      integerIn(json, 'reserved', 0, 'report.json'),
    );
    const count = counted.state === 'ok' ? counted.value : 0;
    const kept = readKey(store, path);
    if (kept) return new NodeIdentity(store, kept, false, count);
    const { privateKey } = generateKeyPairSync('ed25519');
    try {
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
      writeFileAtomic(path, pem, KEY_MODE, store.fs);
    } catch (error) {
      // No reason to leave what is committed unserved.
      if (!(error instanceof VigieError)) throw error;
    }
    return new NodeIdentity(store, privateKey, true, count);
  }

  /** @throws StorageError: a count that a restart would use again is not given out. */
  count(): number {
    if (this.#next >= this.#reserved) {
      const reserved = this.#next + RESERVE;
      writeRecord(this.#store.fs, this.#store.path('report.json'), { reserved });
      this.#reserved = reserved;
    }
    return this.#next++;
  }
}

function readKey(store: UpdateStore, path: string): KeyObject | undefined {
  try {
    const pem = readSmall(store.fs, path, MOST_KEY_BYTES);
    const key = pem && createPrivateKey(Buffer.from(pem));
    return key?.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
