/** A release as it lies in the store. */

import { StorageError } from '../../../runtime/core/errors.ts';
import type { Sha256, VerifiedBundle } from '../../bundle/bundle.ts';
import { MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import { fileAt, MANIFEST_FILE, readBundle } from '../../bundle/read-bundle.ts';
import type { InstalledBundle, ModelHost } from '../host.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { Release } from './record.ts';

/** @throws StorageError `ota-blob-gone` when bundle.json is not there or damaged. */
export function loadInstalled(blobs: BlobStore, { digest }: Release): InstalledBundle {
  const bytes = blobs.read(digest, MOST_BUNDLE_BYTES);
  if (!bytes) throw gone('bundle.json', digest);
  return installed(blobs, readBundle(bytes), digest);
}

export function installed(blobs: BlobStore, bundle: VerifiedBundle, digest: Sha256): InstalledBundle {
  const { name, release } = bundle;
  const file = (path: string) => {
    const { sha256, length } = fileAt(bundle, path);
    if (!blobs.has(sha256, length)) throw gone(path, sha256);
    return blobs.path(sha256);
  };
  return { name, release, digest, bundle, file };
}

/** What must be in the store for this node to run it. @throws ModelError `bundle-no-backend` */
export function neededFiles(host: ModelHost, bundle: InstalledBundle) {
  const paths = new Set([MANIFEST_FILE, ...host.choose(bundle).needs]);
  return [...paths].map((path) => fileAt(bundle.bundle, path));
}

/** Every hash that a release can need: its bundle.json, its files, their block maps. */
export function blobsOf(blobs: BlobStore, release: Release): Sha256[] {
  const { bundle } = loadInstalled(blobs, release);
  return [release.digest, ...bundle.files.flatMap(({ sha256, blocks }) => [sha256, blocks])];
}

function gone(what: string, sha256: Sha256): StorageError {
  return new StorageError('ota-blob-gone', `${what} (${sha256}) is not in the store, or damaged`, {
    facts: { sha256 },
  });
}
