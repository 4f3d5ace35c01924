/** What a fleet needs of a bundle, by hash: worth one broadcast instead of an answer to each node. */

import { MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import { readBundle } from '../../bundle/read-bundle.ts';
import { BLOCK_BYTES } from '../../client/blob-source.ts';
import type { PublicTree } from '../../protocol/public-tree.ts';
import { BlobReader } from '../blobs.ts';

/**
 * bundle.json, files and their block maps. Of a file with deltas the deltas, as most nodes have an earlier one; the
 * others ask for the whole file.
 * @param digest SHA-256 of bundle.json. @throws UpdateError `ota-mismatch`, `ota-malformed`
 */
export async function bundleBlobs(tree: PublicTree, digest: string): Promise<string[]> {
  const file = await tree.blob(digest);
  const length = file?.length ?? 0;
  await file?.close();
  const bundle = readBundle(await new BlobReader(tree).small({ sha256: digest, length }, MOST_BUNDLE_BYTES));
  const patched = new Set(bundle.deltas.map(({ path }) => path));
  const sent = [...bundle.files.filter(({ path }) => !patched.has(path)), ...bundle.deltas];
  // A blob of one block needs no map. A file that is made of a delta is still checked by its own.
  const mapped = [...bundle.files, ...bundle.deltas].filter((one) => one.length > BLOCK_BYTES);
  return [...new Set([digest, ...mapped.map(({ blocks }) => blocks), ...sent.map(({ sha256 }) => sha256)])];
}
