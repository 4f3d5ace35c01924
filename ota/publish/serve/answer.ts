/** One request, one answer, out of the repository as it is now: a changed one is served without a restart. */

import type { Request, Response } from '../../protocol/frames.ts';
import type { OpenFile, PublicTree } from '../../protocol/public-tree.ts';

/** Metadata that no node would read. */
const MOST_METADATA = 1024 * 1024;

/** @throws StorageError `ota-repository-read` */
export async function answer(tree: PublicTree, { id, subject, offset, length }: Request): Promise<Response> {
  const file = 'metadata' in subject ? await tree.metadata(subject.metadata) : await tree.blob(subject.blob);
  const absent: Response = { id, status: 'absent', total: 0, offset, bytes: new Uint8Array(0) };
  if (!file) return absent;
  try {
    if (offset > file.length || ('metadata' in subject && file.length > MOST_METADATA)) return absent;
    const bytes = await piece(file, offset, length);
    return { id, status: 'ok', total: file.length, offset, bytes };
  } finally {
    await file.close();
  }
}

async function piece(file: OpenFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(length, file.length - offset));
  return bytes.subarray(0, await file.read(bytes, offset));
}
