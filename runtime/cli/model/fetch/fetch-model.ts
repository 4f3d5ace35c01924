/** One model of the index into a folder, from its public release or from a folder. */

import { createReadStream, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, StorageError } from '../../../core/errors.ts';
import { type Companions, writeCompanions } from './companions.ts';
import { type DownloadOptions, download } from './download.ts';
import { findFile, sumOf } from './find-file.ts';
import type { IndexedModel, ModelIndex } from './model-index.ts';
import { type StoreOptions, storeVerified } from './store-verified.ts';

export interface FetchOptions extends DownloadOptions, StoreOptions {
  readonly out: string;
  /** A folder, or the file itself; left out: the public release. */
  readonly from?: string | undefined;
  /** Where it comes from, once that is known. */
  readonly onSource?: (source: string) => void;
}

export interface Fetched extends Companions {
  readonly file: string;
  /** `present`: it was there and right. */
  readonly state: 'present' | 'copied' | 'downloaded';
}

/**
 * @throws InputError `model-exists` for another file by its name, `model-not-there`; StorageError `model-write`; what
 *   download and storeVerified throw.
 */
export async function fetchModel(
  index: Pick<ModelIndex, 'folder'>,
  model: IndexedModel,
  options: FetchOptions,
): Promise<Fetched> {
  const { out } = options;
  makeFolder(out);
  const file = join(out, model.file);
  const { signal } = options;
  try {
    const state = (await isPresent(file, model, signal)) ? 'present' : await bring(file, model, options);
    return { file, state, ...writeCompanions(model, index, out) };
  } catch (error) {
    // Streams wrap the reason in an error of their own.
    throw signal?.aborted ? signal.reason : error;
  }
}

async function bring(
  file: string,
  model: IndexedModel,
  options: FetchOptions,
): Promise<'copied' | 'downloaded'> {
  const { from, onSource, signal } = options;
  const found = from === undefined ? undefined : await findFile(from, model, signal);
  onSource?.(found ?? model.source);
  const chunks = found === undefined ? download(model.source, model, options) : readFile(found, signal);
  await storeVerified(file, model, chunks, options);
  return found === undefined ? 'downloaded' : 'copied';
}

async function* readFile(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { signal });
  } catch (cause) {
    throw new InputError('model-not-there', `cannot read ${path}`, { cause, facts: { path } });
  }
}

async function isPresent(file: string, model: IndexedModel, signal?: AbortSignal): Promise<boolean> {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return false;
  if (stat.isFile() && stat.size === model.bytes && (await sumOf(file, signal)) === model.sha256) return true;
  throw new InputError(
    'model-exists',
    `${file} is there and is not ${model.name}: move it away, or choose another folder with --out`,
    { facts: { file } },
  );
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new StorageError('model-write', `cannot make the folder ${path}`, { cause, facts: { path } });
  }
}
