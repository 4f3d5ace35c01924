/** A model's file on disk: under its name once its checksum is right, and not before. */

import { createHash, randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { syncDirectory } from '../../../core/atomic-file.ts';
import { ModelError, StorageError } from '../../../core/errors.ts';
import { type FileSystem, nodeFileSystem } from '../../../core/file-system.ts';
import { size } from '../table.ts';

export interface Expected {
  readonly bytes: number;
  readonly sha256: string;
}

export interface StoreOptions {
  readonly fs?: FileSystem;
  /** Bytes so far. */
  readonly onBytes?: (done: number) => void;
}

/** Readable by whoever runs the node. */
const MODE = 0o644;

/**
 * Takes at most `expected.bytes` from `chunks`, into a temporary file beside `path`: fsync, rename, fsync of the folder.
 * @throws ModelError `model-too-long`, `model-cut-short` (retryable), `model-checksum`; StorageError `model-write`
 *   (retryable); what `chunks` throws. Nothing is left behind, and what was at `path` is untouched.
 */
export async function storeVerified(
  path: string,
  expected: Expected,
  chunks: AsyncIterable<Uint8Array>,
  { fs = nodeFileSystem, onBytes }: StoreOptions = {},
): Promise<void> {
  // A name of its own, so that two who fetch at once do not write into one file.
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  const refuse = (cause: unknown) => writeError(path, expected, cause, fs);
  const fd = guarded(() => fs.open(temporary, 'w', MODE), refuse);
  try {
    try {
      await writeChecked(fd, path, expected, chunks, fs, onBytes);
      await fs.syncAside(fd).catch((cause: unknown) => {
        throw refuse(cause);
      });
    } finally {
      fs.close(fd);
    }
    guarded(() => fs.rename(temporary, path), refuse);
  } catch (error) {
    removeQuietly(temporary, fs);
    throw error;
  }
  guarded(() => syncDirectory(dirname(path), fs), refuse);
}

async function writeChecked(
  fd: number,
  path: string,
  expected: Expected,
  chunks: AsyncIterable<Uint8Array>,
  fs: FileSystem,
  onBytes?: (done: number) => void,
): Promise<void> {
  const hash = createHash('sha256');
  let done = 0;
  for await (const chunk of chunks) {
    if (done + chunk.length > expected.bytes) throw tooLong(expected);
    hash.update(chunk);
    for (let at = 0; at < chunk.length; )
      at += guarded(
        () => fs.write(fd, chunk.subarray(at), done + at),
        (cause) => writeError(path, expected, cause, fs),
      );
    done += chunk.length;
    onBytes?.(done);
  }
  if (done < expected.bytes) {
    const message = `the file ended after ${size(done)} of ${size(expected.bytes)}; nothing was kept, try again`;
    throw new ModelError('model-cut-short', message, { retryable: true, facts: { done, ...expected } });
  }
  const found = hash.digest('hex');
  if (found === expected.sha256) return;
  throw new ModelError(
    'model-checksum',
    `wrong checksum: SHA-256 ${found}, the index says ${expected.sha256}; this is another file, nothing was kept`,
    { facts: { found, expected: expected.sha256 } },
  );
}

export const tooLong = (expected: Expected): ModelError =>
  new ModelError(
    'model-too-long',
    `the file is longer than the ${expected.bytes} bytes of the index: this is another file, nothing was kept`,
    { facts: { ...expected } },
  );

function writeError(path: string, { bytes }: Expected, cause: unknown, fs: FileSystem): StorageError {
  const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');
  const why = full ? `, the disk is full: ${size(bytes)} are needed, ${freeText(dirname(path), fs)}` : '';
  return new StorageError('model-write', `cannot write ${path}${why}`, {
    cause,
    retryable: true,
    facts: { path, bytes },
  });
}

function freeText(folder: string, fs: FileSystem): string {
  return guarded(
    () => `${size(fs.free(folder))} are free; --out DIR puts it elsewhere`,
    () => new StorageError('model-write', `${folder} is gone`),
  );
}

function guarded<T>(call: () => T, refuse: (cause: unknown) => Error): T {
  try {
    return call();
  } catch (cause) {
    throw refuse(cause);
  }
}

/** What is in the way here was in the way before: the first error is the one to tell. */
function removeQuietly(path: string, fs: FileSystem): void {
  try {
    fs.remove(path);
  } catch {}
}
