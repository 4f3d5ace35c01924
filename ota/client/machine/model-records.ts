/** The records of all models, on disk and in memory; recovers what a damaged disk left of them (case 47). */

import { VigieError } from '../../../runtime/core/errors.ts';
import { BUNDLE_NAME, MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import { readBundle } from '../../bundle/read-bundle.ts';
import { type RecordRead, readRecord, writeRecord } from '../store/record-file.ts';
import type { UpdateStore } from '../store/update-store.ts';
import type { JsonValue } from '../tuf/strict-json.ts';
import { readModelRecord } from './read-record.ts';
import { emptyRecord, type ModelRecord, type Release } from './record.ts';

const SUFFIX = '.json';

export class ModelRecords {
  readonly #store: UpdateStore;
  readonly #records = new Map<string, ModelRecord>();
  readonly #committed = new Map<string, string>();
  /** Names whose record in memory is ahead of the one on disk. */
  readonly #held = new Set<string>();
  /** Names whose record was damaged, for the report. */
  readonly recovered: string[] = [];

  constructor(store: UpdateStore) {
    this.#store = store;
  }

  /** @throws StorageError when the folders cannot be read. */
  load(): void {
    for (const name of this.#names()) {
      const copy = this.#read('committed', name);
      if (copy.state === 'ok') this.#committed.set(name, settledPart(copy.value));
      const found = this.#read('models', name);
      if (found.state === 'ok') {
        this.#records.set(name, found.value);
        this.#keepCopy(found.value);
        continue;
      }
      if (found.state === 'none' && copy.state !== 'ok') continue;
      this.recovered.push(name);
      this.putOrHold(copy.state === 'ok' ? copy.value : this.#fromBlobs(name));
    }
  }

  get(name: string): ModelRecord {
    return this.#records.get(name) ?? emptyRecord(name);
  }

  all(): ModelRecord[] {
    return [...this.#records.values()];
  }

  /**
   * For what must be done even where the disk refuses to remember it: a model that fails makes way all the same.
   * @returns false when it is not on disk yet; `retry` tries again.
   */
  putOrHold(record: ModelRecord): boolean {
    this.#records.set(record.name, record);
    this.#held.add(record.name);
    return this.retry();
  }

  /** @returns whether everything is on disk now. */
  retry(): boolean {
    for (const name of [...this.#held]) {
      try {
        this.put(this.get(name));
      } catch (error) {
        if (!(error instanceof VigieError)) throw error;
        return false;
      }
    }
    return true;
  }

  /** On disk when it returns: only then may anything be done that follows from it (I-3). @throws StorageError */
  put(record: ModelRecord): void {
    writeRecord(this.#store.fs, this.#path('models', record.name), { ...record } as unknown as JsonValue);
    this.#records.set(record.name, record);
    this.#held.delete(record.name);
    this.#keepCopy(record);
  }

  /**
   * A second place for what must never be forgotten: the floor, what is blocked and what served. It is written after the
   * record, which decides wherever it can be read.
   */
  #keepCopy(record: ModelRecord): void {
    const settled = settledPart(record);
    if (this.#committed.get(record.name) === settled) return;
    const copy = JSON.parse(settled) as JsonValue;
    try {
      writeRecord(this.#store.fs, this.#path('committed', record.name), copy);
      this.#committed.set(record.name, settled);
    } catch (error) {
      // The step itself is on disk; the copy is made with the next one.
      if (!(error instanceof VigieError)) throw error;
    }
  }

  /**
   * Both gone: the highest release that lies here was let in once, so that nothing below it comes in any more. Nothing
   * serves until a release is assigned that is not below it.
   */
  #fromBlobs(name: string): ModelRecord {
    let floor: Release | null = null;
    for (const digest of this.#store.blobs.list()) {
      const release = this.#releaseOf(name, digest);
      if (release !== undefined && release > (floor?.release ?? 0)) floor = { release, digest };
    }
    return { ...emptyRecord(name), floor };
  }

  #releaseOf(name: string, digest: string): number | undefined {
    const bytes = this.#store.blobs.read(digest, MOST_BUNDLE_BYTES);
    if (!bytes) return undefined;
    try {
      const bundle = readBundle(bytes);
      return bundle.name === name ? bundle.release : undefined;
    } catch {
      return undefined;
    }
  }

  #names(): Set<string> {
    const files = ['models', 'committed'].flatMap((folder) => this.#store.fs.list(this.#store.path(folder)));
    const names = files.filter((file) => file.endsWith(SUFFIX)).map((file) => file.slice(0, -SUFFIX.length));
    return new Set(names.filter((name) => BUNDLE_NAME.test(name)));
  }

  #read(folder: string, name: string): RecordRead<ModelRecord> {
    return readRecord(this.#store.fs, this.#path(folder, name), (json) => readModelRecord(json, name));
  }

  #path(folder: string, name: string): string {
    return this.#store.path(folder, `${name}${SUFFIX}`);
  }
}

/** What outlasts the loss of the record itself. */
function settledPart(record: ModelRecord): string {
  return JSON.stringify({ ...record, target: null, trial: null, unsteadyStarts: 0 });
}
