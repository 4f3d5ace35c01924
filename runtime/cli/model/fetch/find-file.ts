/** A model's file in a folder or on a stick: found by its checksum, whatever it is called. */

import { createHash } from 'node:crypto';
import { createReadStream, type Dirent, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../../../core/errors.ts';
import type { IndexedModel } from './model-index.ts';

/** Deep enough for a stick; a whole disk is not searched. */
const DEEPEST = 6;
const MOST_FILES = 100_000;

/** SHA-256 in small hexadecimal letters. */
export async function sumOf(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Links are not followed, and what cannot be read is passed over.
 * @param from a folder, or the file itself.
 * @throws InputError `model-not-there`.
 */
export async function findFile(from: string, model: IndexedModel, signal?: AbortSignal): Promise<string> {
  const found = statSync(from, { throwIfNoEntry: false });
  if (!found) throw new InputError('model-not-there', `there is no ${from}`, { facts: { from } });
  let seen = 0;
  const others: string[] = [];
  for (const path of found.isDirectory() ? filesBelow(from) : [from]) {
    if (++seen > MOST_FILES) break;
    if (statSync(path, { throwIfNoEntry: false })?.size === model.bytes) {
      const sum = await sumOf(path, signal).catch(() => undefined);
      signal?.throwIfAborted();
      if (sum === model.sha256) return path;
    }
    if (basename(path) === model.file) others.push(path);
  }
  const named = others.length > 0 ? `; ${others.join(', ')} is another file by that name` : '';
  const capped =
    seen > MOST_FILES ? `; only the first ${MOST_FILES} files were looked at, name a folder` : '';
  throw new InputError(
    'model-not-there',
    `no file in ${from} is ${model.name}: ${model.bytes} bytes with SHA-256 ${model.sha256}${named}${capped}`,
    { facts: { from, sha256: model.sha256, others } },
  );
}

function* filesBelow(folder: string, depth = 0): Generator<string> {
  const entries = listed(folder, depth);
  for (const entry of entries) if (entry.isFile()) yield join(folder, entry.name);
  if (depth === DEEPEST) return;
  for (const entry of entries)
    if (entry.isDirectory()) yield* filesBelow(join(folder, entry.name), depth + 1);
}

function listed(folder: string, depth: number): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    if (depth > 0) return [];
    throw new InputError('model-not-there', `cannot read the folder ${folder}`, {
      cause,
      facts: { from: folder },
    });
  }
}
