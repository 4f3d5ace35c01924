/** S-PLAN to S-STAGED of one assigned release. What is done once is not done again: a second run goes on where one ended. */

import { describeError, StorageError, UpdateError, VigieError } from '../../../runtime/core/errors.ts';
import type { Log } from '../../../runtime/core/log.ts';
import type { AssignedRelease } from '../../bundle/assignment.ts';
import { blockMapLength } from '../../bundle/block-map.ts';
import type { BundleDelta, BundleFile, Sha256, VerifiedBundle } from '../../bundle/bundle.ts';
import { MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import { fileAt, MANIFEST_FILE, readBundle } from '../../bundle/read-bundle.ts';
import type { NodeFacts } from '../../bundle/requirements.ts';
import type { ApplyDelta, BlobSource } from '../blob-source.ts';
import type { InstalledBundle, ModelHost } from '../host.ts';
import type { BlobStore } from '../store/blob-store.ts';
import { fetchSmall, fetchToMemory, fetchToStore } from '../store/fetch-blob.ts';
import type { TrustedTarget } from '../tuf/parts.ts';
import { installed, neededFiles } from './installed.ts';
import type { ModelRecords } from './model-records.ts';
import { type Plan, planBundle, planDisk, planRelease } from './plan.ts';
import { abandon, advance, beginFetch, type ModelRecord, refuse } from './record.ts';

/** A delta of this many bytes is kept in memory: on flash it would be written for nothing. */
const MOST_DELTA_IN_MEMORY = 8 * 1024 ** 2;
/** Of self-tests of one content in which the node went down. */
const MOST_VERIFIES = 3;

export interface InstallParts {
  readonly records: ModelRecords;
  readonly blobs: BlobStore;
  readonly source: BlobSource;
  readonly applyDelta: ApplyDelta;
  /** Bytes of a delta that is kept in memory (8 MiB). */
  readonly mostDeltaInMemory?: number | undefined;
  readonly host: ModelHost;
  readonly facts: () => Omit<NodeFacts, 'diskBytes'>;
  readonly log: Log;
}

export interface Candidate {
  readonly assigned: AssignedRelease;
  /** bundle.json, as trusted metadata has it. */
  readonly target: TrustedTarget;
  readonly blocked: readonly Sha256[];
}

export type InstallResult =
  | { readonly result: 'staged' }
  /** What serves had damaged files, and has none any more. */
  | { readonly result: 'repaired' }
  | { readonly result: 'nothing'; readonly why: string }
  | { readonly result: 'refused'; readonly code: string; readonly reason: string };

/**
 * @throws DeliveryError, StorageError and what else another try may not meet; the record then says how far it came.
 */
export async function install(
  parts: InstallParts,
  { assigned, target, blocked }: Candidate,
  signal: AbortSignal,
): Promise<InstallResult> {
  const { records } = parts;
  const { name } = assigned;
  const release = { release: assigned.release, digest: target.sha256 };
  const first = planRelease(records.get(name), assigned, target.sha256, blocked);
  if (first.do === 'nothing' && records.get(name).active?.digest === target.sha256) {
    if (await repair(parts, target, signal)) return { result: 'repaired' };
  }
  if (first.do !== 'install') return settle(parts, name, release, first);
  const window = assigned.window ?? null;
  if (isStaged(records.get(name), target.sha256)) {
    records.put({
      ...records.get(name),
      target: { ...records.get(name).target!, offlineOk: assigned.offlineOk, window },
    });
    return { result: 'staged' };
  }
  const bytes = await bundleBytes(parts, target, signal);
  const bundle = readBundle(bytes);
  const second = planBundle(bundle, assigned, { ...parts.facts(), diskBytes: parts.blobs.free() });
  if (second.do !== 'install') return settle(parts, name, release, second);
  records.put(beginFetch(records.get(name), { ...release, offlineOk: assigned.offlineOk, window }));
  if (!parts.blobs.has(target.sha256, target.length)) parts.blobs.put(target.sha256, bytes);
  const fetched = await fetchFiles(parts, installed(parts.blobs, bundle, target.sha256), signal);
  if (fetched.do !== 'install') return settle(parts, name, release, fetched);
  return verify(parts, installed(parts.blobs, bundle, target.sha256), signal);
}

/** Fetches again what a damaged disk lost of the active release (I-11). @returns whether anything was missing. */
async function repair(parts: InstallParts, target: TrustedTarget, signal: AbortSignal): Promise<boolean> {
  const { blobs } = parts;
  const kept = blobs.read(target.sha256, MOST_BUNDLE_BYTES);
  const bytes = kept ?? (await bundleBytes(parts, target, signal));
  const bundle = installed(blobs, readBundle(bytes), target.sha256);
  const manifest = fileAt(bundle.bundle, MANIFEST_FILE);
  const isThere = (file: BundleFile) => blobs.has(file.sha256, file.length);
  if (kept && isThere(manifest) && neededFiles(parts.host, bundle).every(isThere)) return false;
  if (!kept) blobs.put(target.sha256, bytes);
  return (await fetchFiles(parts, bundle, signal)).do === 'install';
}

function isStaged({ target }: ModelRecord, digest: Sha256): boolean {
  return target?.digest === digest && target.step === 'STAGED';
}

async function bundleBytes({ blobs, source }: InstallParts, target: TrustedTarget, signal: AbortSignal) {
  const kept = blobs.read(target.sha256, MOST_BUNDLE_BYTES);
  return kept ?? (await fetchSmall(source, target, signal, MOST_BUNDLE_BYTES));
}

/** S-FETCH: the manifest, by which the node chooses; then what it needs, where the disk has room for it. */
async function fetchFiles(parts: InstallParts, bundle: InstalledBundle, signal: AbortSignal): Promise<Plan> {
  const manifest = fileAt(bundle.bundle, MANIFEST_FILE);
  const room = planDisk(stillToWrite(parts.blobs, [manifest]), parts.blobs.free());
  if (room.do !== 'install') return room;
  await fetchFile(parts, bundle.bundle, manifest, signal);
  const needed = chosen(parts, bundle);
  if (!Array.isArray(needed)) return needed;
  const all = planDisk(stillToWrite(parts.blobs, needed), parts.blobs.free());
  if (all.do !== 'install') return all;
  for (const file of needed) await fetchFile(parts, bundle.bundle, file, signal);
  return { do: 'install' };
}

function chosen({ host }: InstallParts, bundle: InstalledBundle): BundleFile[] | Plan {
  try {
    return neededFiles(host, bundle);
  } catch (error) {
    if (!(error instanceof VigieError) || error.retryable) throw error;
    return { do: 'refuse', code: 'ota-incompatible', reason: describeError(error), forGood: false };
  }
}

/** Bytes that the disk does not hold yet, block maps included. */
function stillToWrite(blobs: BlobStore, files: readonly BundleFile[]): number {
  const distinct = new Map(files.map((file) => [file.sha256, file]));
  let need = 0;
  for (const { sha256, length, blocks } of distinct.values()) {
    if (blobs.has(sha256, length)) continue;
    const map = blockMapLength(length);
    need += Math.max(0, length - blobs.begun(sha256)) + (blobs.has(blocks, map) ? 0 : map);
  }
  return need;
}

async function fetchFile(
  parts: InstallParts,
  bundle: VerifiedBundle,
  file: BundleFile,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, source } = parts;
  const delta = bundle.deltas.find(({ path, from }) => path === file.path && blobs.list().includes(from));
  if (delta && !blobs.has(file.sha256, file.length)) {
    try {
      return await fetchByDelta(parts, file, delta, signal);
    } catch (error) {
      // Case 42: a delta can only cost time. What it made so far was checked block by block, and stays.
      if (signal.aborted || error instanceof StorageError || !(error instanceof VigieError)) throw error;
      parts.log.warn(
        { event: 'ota.delta.failed', file: file.path, err: error },
        'fetches the whole file instead',
      );
    }
  }
  await fetchToStore(blobs, source, file, (sink) => source.fetch(sink, signal), signal);
}

async function fetchByDelta(
  { blobs, source, applyDelta, mostDeltaInMemory = MOST_DELTA_IN_MEMORY }: InstallParts,
  file: BundleFile,
  delta: BundleDelta,
  signal: AbortSignal,
): Promise<void> {
  const small = delta.length <= mostDeltaInMemory;
  const bytes = small ? await fetchToMemory(blobs, source, delta, mostDeltaInMemory, signal) : undefined;
  if (!bytes) await fetchToStore(blobs, source, delta, (sink) => source.fetch(sink, signal), signal);
  const base = blobs.reader(delta.from);
  const reader = bytes ? memoryReader(bytes) : blobs.reader(delta.sha256);
  try {
    await fetchToStore(
      blobs,
      source,
      file,
      (sink) => applyDelta({ base, delta: reader, sink, signal }),
      signal,
    );
  } finally {
    base.close();
    reader.close();
  }
}

function memoryReader(bytes: Uint8Array) {
  return {
    length: bytes.length,
    read: (into: Uint8Array, position: number) => {
      const piece = bytes.subarray(position, position + into.length);
      into.set(piece);
      return piece.length;
    },
    close: () => {},
  };
}

/** S-VERIFY → S-STAGED: everything read back from the disk, then the golden vectors. */
async function verify(
  parts: InstallParts,
  bundle: InstalledBundle,
  signal: AbortSignal,
): Promise<InstallResult> {
  const { records, blobs, host } = parts;
  const { name, release, digest } = bundle;
  if (records.get(name).target!.verifies >= MOST_VERIFIES) {
    const reason = `the node went down in each of ${MOST_VERIFIES} self-tests`;
    return settle(parts, name, { release, digest }, refusal('selftest-failed', reason));
  }
  records.put(advance(records.get(name), 'VERIFY'));
  for (const { path, sha256, length } of neededFiles(host, bundle)) {
    if (await blobs.isWhole(sha256, length, signal)) continue;
    blobs.drop(sha256);
    throw new StorageError(
      'ota-disk-lies',
      `${path} read back other bytes than were written; it is fetched again`,
      {
        retryable: true,
        facts: { path, sha256 },
      },
    );
  }
  try {
    await host.selftest(bundle, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof VigieError) || error.retryable) {
      // Not the node's going down: that try does not count against the content.
      const { target } = records.get(name);
      records.putOrHold({
        ...records.get(name),
        target: target && { ...target, verifies: target.verifies - 1 },
      });
      throw error;
    }
    return settle(parts, name, { release, digest }, refusal(error.code, describeError(error)));
  }
  records.put(advance(records.get(name), 'STAGED'));
  return { result: 'staged' };
}

function refusal(code: string, reason: string): Plan {
  return { do: 'refuse', code, reason, forGood: true };
}

/** Writes down why nothing comes of it, where that is news. */
function settle(
  { records, log }: InstallParts,
  name: string,
  release: { readonly release: number; readonly digest: Sha256 },
  plan: Plan,
): InstallResult {
  const record = records.get(name);
  if (plan.do === 'install') throw new UpdateError('ota-wrong-order', `'${name}' is to be installed still`);
  if (plan.do === 'nothing') {
    if (record.target && record.target.digest !== release.digest) records.put(abandon(record));
    return { result: 'nothing', why: plan.why };
  }
  const { code, reason, forGood } = plan;
  const told = record.refused?.digest === release.digest && record.refused.code === code;
  if (!told || record.target) {
    records.put(refuse(record, { ...release, code, reason }, forGood));
    log.warn(
      { event: 'ota.refused', model: name, release: release.release, code, reason },
      `refused: ${reason}`,
    );
  }
  return { result: 'refused', code, reason };
}
