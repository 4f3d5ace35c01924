/** A bundle as `vigie ota bundle build` leaves it: a folder with bundle.json and, by their hashes, everything it lists. */

import type { KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../../runtime/core/errors.ts';
import type { VerifiedBundle } from '../../bundle/bundle.ts';
import { MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import type { Manifest } from '../../bundle/manifest.ts';
import { fileAt, MANIFEST_FILE, readBundle } from '../../bundle/read-bundle.ts';
import { parseManifest, smallerOf } from '../../bundle/read-manifest.ts';
import { BLOBS_FOLDER, PublicTree } from '../../protocol/public-tree.ts';
import { BlobReader, mismatch, type OnBytes } from '../blobs.ts';
import { checkProvenance, type ProvenanceReport } from './provenance.ts';

export interface BuiltBundle {
  readonly bundle: VerifiedBundle;
  /** Of bundle.json. */
  readonly bytes: Uint8Array;
  readonly directory: string;
  /** Path of a blob. */
  readonly blob: (sha256: string) => string;
}

export const BUNDLE_FILE = 'bundle.json';

/** @throws InputError `ota-bundle-missing`; as readBundle. Nothing but bundle.json is read. */
export function openBuilt(directory: string): BuiltBundle {
  const path = join(directory, BUNDLE_FILE);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    const text = `${directory} is no bundle: 'vigie ota bundle build' makes one`;
    throw new InputError('ota-bundle-missing', text, { facts: { directory } });
  }
  // One byte too long is as much too long as any.
  const bytes = readFileSync(path).subarray(0, MOST_BUNDLE_BYTES + 1);
  return {
    bundle: readBundle(bytes),
    bytes,
    directory,
    blob: (sha256) => join(directory, BLOBS_FOLDER, sha256),
  };
}

/** @throws InputError `manifest-invalid`, `manifest-newer`, `ota-file-unreadable` */
export function manifestOf({ bundle, blob }: BuiltBundle): Manifest {
  const path = blob(fileAt(bundle, MANIFEST_FILE).sha256);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError('ota-file-unreadable', `cannot read ${path}`, { cause, facts: { path } });
  }
  return parseManifest(text, MANIFEST_FILE);
}

/** Paths that a manifest names besides its own. */
export function contentPaths(manifest: Manifest): string[] {
  const paths = manifest.artifacts.map(({ path }) => path);
  for (const smaller of smallerOf(manifest)) paths.push(...contentPaths(smaller.manifest));
  if (manifest.task !== 'anomaly' && !Array.isArray(manifest.labels) && 'path' in manifest.labels)
    paths.push(manifest.labels.path);
  const { decoding } = manifest;
  if (decoding.head === 'ssd' && !Array.isArray(decoding.anchors)) paths.push(decoding.anchors.path);
  return [...new Set(paths)];
}

/**
 * Hashes everything that a built bundle lists.
 * @returns also the names of its blobs: files, block maps, deltas.
 * @throws UpdateError `ota-mismatch`; as openBuilt and manifestOf.
 */
export async function verifyBuilt(
  directory: string,
  onBytes?: OnBytes,
): Promise<BuiltBundle & { readonly blobs: readonly string[] }> {
  const built = openBuilt(directory);
  const { files, deltas } = built.bundle;
  const reader = new BlobReader(new PublicTree(directory), onBytes);
  for (const file of [...files, ...deltas]) await reader.checkMapped(file);
  // The manifest is content, and may name what is not there.
  const manifest = manifestOf(built);
  for (const path of contentPaths(manifest)) fileAt(built.bundle, path);
  if (manifest.name !== built.bundle.name)
    throw mismatch(directory, `holds the model '${manifest.name}' under the name '${built.bundle.name}'`);
  return { ...built, blobs: reader.seen };
}

/**
 * What the model-signing file of a bundle says of it; undefined where it has none.
 * @throws as checkProvenance; InputError `ota-file-unreadable`
 */
export function provenanceOf({ bundle, blob }: BuiltBundle, key?: KeyObject): ProvenanceReport | undefined {
  const { provenance, files } = bundle;
  if (provenance === undefined) return undefined;
  const path = blob(fileAt(bundle, provenance).sha256);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new InputError('ota-file-unreadable', `cannot read ${path}`, { cause, facts: { path } });
  }
  const others = files.filter((file) => file.path !== provenance);
  return checkProvenance(bytes, others, key);
}

/** Bytes that verifyBuilt reads, about: block maps come on top. */
export const bytesOf = ({ files, deltas }: VerifiedBundle): number =>
  [...files, ...deltas].reduce((sum, { length }) => sum + length, 0);
