/** From a model manifest and its files to a bundle: content by its hash, block maps, golden vectors, bundle.json. */

import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import type {
  BundleDelta,
  BundleFile,
  BundleRequirements,
  HealthGate,
  VerifiedBundle,
} from '../../bundle/bundle.ts';
import { BUNDLE_PATH } from '../../bundle/bundle-limits.ts';
import type { Manifest } from '../../bundle/manifest.ts';
import { bundleDigest, MANIFEST_FILE, readBundle } from '../../bundle/read-bundle.ts';
import { smallerOf } from '../../bundle/read-manifest.ts';
import { type VectorCase, writeVectors } from '../../bundle/vectors.ts';
import { BLOCK_BYTES } from '../../client/blob-source.ts';
import { canonicalBytes } from '../../client/tuf/canonical-json.ts';
import { BLOBS_FOLDER } from '../../protocol/public-tree.ts';
import { keepBytes, keepFile, mismatch, type OnBytes, PUBLIC_MODE } from '../blobs.ts';
import { makeDelta } from '../delta/make-delta.ts';
import { BUNDLE_FILE, type BuiltBundle, contentPaths, manifestOf, openBuilt } from './built.ts';
import { checkProvenance, type ProvenanceReport } from './provenance.ts';

const VECTORS_FILE = 'selftest.vec';
const PROVENANCE_FILE = 'model.sig';

export interface BuildOptions {
  readonly manifest: Manifest;
  /** Of manifest.json. */
  readonly manifestBytes: Uint8Array;
  /** Where the files lie that the manifest names. */
  readonly folder: string;
  readonly release: number;
  readonly requires: BundleRequirements;
  readonly health: HealthGate;
  readonly attempts: number;
  /** Makes golden vectors once the artifacts are in place; left out: the bundle has none. */
  readonly selftest?: {
    readonly tolerance: number;
    readonly vectors: (artifact: (path: string) => string) => Promise<readonly VectorCase[]>;
  };
  /** Folders of built bundles that nodes may have. */
  readonly deltaFrom: readonly string[];
  /** An OpenSSF model-signing file. */
  readonly provenance?: string;
  /** Of whoever signed it. */
  readonly provenanceKey?: KeyObject;
  /** The folder to make. */
  readonly output: string;
  readonly onBytes: OnBytes;
  /** What is being done now, for a person. */
  readonly onStep: (text: string) => void;
}

/** `of`: bytes of the file that the delta makes. */
export type MadeDelta = BundleDelta & { readonly of: number };

export interface BuildReport extends BuiltBundle {
  readonly digest: string;
  readonly deltas: readonly MadeDelta[];
  readonly provenance?: ProvenanceReport;
}

/**
 * @throws InputError `ota-output-exists`, `ota-path`, `ota-file-unreadable`, `ota-file-length`; UpdateError `ota-mismatch`
 *   (a file is not the one that the manifest names); what the vectors throw.
 */
export async function buildBundle(options: BuildOptions): Promise<BuildReport> {
  const { manifest, output, onStep, selftest, provenance } = options;
  if (existsSync(output) && readdirSync(output).length > 0) {
    const text = `${output} is there already: name another folder with -o, or remove it`;
    throw new InputError('ota-output-exists', text, { facts: { output } });
  }
  const blobs = join(output, BLOBS_FOLDER);
  mkdirSync(blobs, { recursive: true });
  onStep('hashing');
  const files: BundleFile[] = [{ path: MANIFEST_FILE, ...keepBytes(blobs, options.manifestBytes) }];
  for (const path of contentPaths(manifest)) files.push(keepContent(options, blobs, path));
  const signed = provenance === undefined ? undefined : keepProvenance(options, blobs, files, provenance);
  if (signed) files.push(signed.file);
  if (selftest) {
    onStep('making golden vectors');
    const at = (path: string) => join(blobs, files.find((file) => file.path === path)!.sha256);
    const bytes = writeVectors(await selftest.vectors(at));
    files.push({ path: VECTORS_FILE, ...keepBytes(blobs, bytes) });
  }
  if (options.deltaFrom.length > 0) onStep('making deltas');
  const deltas = await deltasOf(options, files, blobs);
  const bundle: VerifiedBundle = {
    _type: 'vigie-bundle',
    v: 1,
    name: manifest.name,
    version: manifest.version,
    release: options.release,
    requires: options.requires,
    files,
    deltas: deltas.map(({ of: _, ...delta }) => delta),
    selftest: selftest && { vectors: VECTORS_FILE, tolerance: selftest.tolerance },
    health: options.health,
    trial: { attempts: options.attempts },
    ...(provenance ? { provenance: PROVENANCE_FILE } : {}),
  };
  const bytes = bundleBytes(bundle);
  // What a node would refuse is refused here.
  readBundle(bytes);
  writeFileAtomic(join(output, BUNDLE_FILE), bytes, PUBLIC_MODE);
  const report = { ...openBuilt(output), digest: bundleDigest(bytes), deltas };
  return signed ? { ...report, provenance: signed.report } : report;
}

/** What was signed must be what goes into the bundle. */
function keepProvenance(
  { onBytes, provenanceKey }: BuildOptions,
  blobs: string,
  files: readonly BundleFile[],
  path: string,
): { readonly file: BundleFile; readonly report: ProvenanceReport } {
  const kept = keepFile(blobs, path, onBytes);
  const report = checkProvenance(readFileSync(join(blobs, kept.sha256)), files, provenanceKey);
  return { file: { path: PROVENANCE_FILE, ...kept }, report };
}

/** The one form of bundle.json; keys that are undefined are left out. */
export function bundleBytes(bundle: VerifiedBundle): Uint8Array {
  return canonicalBytes(JSON.parse(JSON.stringify(bundle)));
}

function keepContent({ manifest, folder, onBytes }: BuildOptions, blobs: string, path: string): BundleFile {
  if (!BUNDLE_PATH.test(path)) {
    const text = `the manifest names '${path}': in a bundle, paths have up to four parts of letters, digits, '.', '_' and '-'`;
    throw new InputError('ota-path', text, { facts: { path } });
  }
  const kept = keepFile(blobs, join(folder, path), onBytes);
  const models = [manifest, ...smallerOf(manifest).map((smaller) => smaller.manifest)];
  const artifacts = models.flatMap((model) => model.artifacts);
  const wanted = artifacts.find((artifact) => artifact.path === path)?.sha256;
  if (wanted !== undefined && wanted !== kept.sha256)
    throw mismatch(
      join(folder, path),
      `is not the file that the manifest names: its SHA-256 is ${kept.sha256}`,
    );
  return { path, ...kept };
}

async function deltasOf(
  { deltaFrom, manifest, onStep }: BuildOptions,
  files: readonly BundleFile[],
  blobs: string,
): Promise<MadeDelta[]> {
  const deltas: MadeDelta[] = [];
  for (const directory of deltaFrom) {
    const base = openBuilt(directory);
    for (const file of files) {
      // One block is one request, of the file as of a delta.
      if (file.length <= BLOCK_BYTES) continue;
      const from = counterpart(base, file.path, manifest);
      const known = from === undefined || from.sha256 === file.sha256;
      if (known || deltas.some((one) => one.path === file.path && one.from === from.sha256)) continue;
      const bytes = readFileSync(base.blob(from.sha256));
      if (bundleDigest(bytes) !== from.sha256)
        throw mismatch(base.blob(from.sha256), 'is not what its name says');
      const made = await makeDelta(bytes, readFileSync(join(blobs, file.sha256)));
      if (made === undefined) {
        onStep(
          `no delta for ${file.path} from ${base.bundle.name} ${base.bundle.release}: it would save too little`,
        );
        continue;
      }
      const kept = keepBytes(blobs, made);
      deltas.push({ path: file.path, from: from.sha256, algorithm: 'bsub1+gzip', ...kept, of: file.length });
    }
  }
  return deltas;
}

/** The file of the earlier bundle that became this one: of the same name, or for the same backend in the same precision. */
function counterpart(base: BuiltBundle, path: string, manifest: Manifest): BundleFile | undefined {
  const at = (wanted: string) => base.bundle.files.find((file) => file.path === wanted);
  const artifact = manifest.artifacts.find((one) => one.path === path);
  const same = at(path);
  if (same || !artifact) return same;
  const before = manifestOf(base).artifacts.find(
    ({ backend, precision }) => backend === artifact.backend && precision === artifact.precision,
  );
  return before && at(before.path);
}
