/** Reads bundle.json, on the node and on the workstation alike. Its signature was checked: its shape was not. */

import { createHash } from 'node:crypto';
import { UpdateError } from '../../runtime/core/errors.ts';
import type {
  BundleDelta,
  BundleFile,
  BundleRequirements,
  HealthGate,
  Sha256,
  VerifiedBundle,
} from './bundle.ts';
import {
  BUNDLE_NAME,
  BUNDLE_PATH,
  MOST_BUNDLE_BYTES,
  MOST_DELTAS,
  MOST_FILE_BYTES,
  MOST_FILES,
} from './bundle-limits.ts';
import { bad, type Fields, readCanonical } from './fields-reader.ts';

export const MANIFEST_FILE = 'manifest.json';
const BUNDLE_VERSION = 1;
const MOST_NAMES = 64;
const MOST_SECONDS = 30 * 86_400;
const MOST_ATTEMPTS = 100;
const SIMPLE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const DISPLAY_VERSION = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/;
const RANGE = /^[0-9A-Za-z.+\-<>=~^ *|x]{1,100}$/;

/**
 * @throws UpdateError `ota-malformed` naming the place; `ota-incompatible` for a format that is newer than this version.
 */
export function readBundle(bytes: Uint8Array): VerifiedBundle {
  const fields = readCanonical(bytes, 'bundle.json', MOST_BUNDLE_BYTES);
  fields.is('_type', 'vigie-bundle');
  const v = fields.whole('v', 1, Number.MAX_SAFE_INTEGER);
  if (v !== BUNDLE_VERSION) {
    throw new UpdateError('ota-incompatible', `bundle.json is of version ${v}: update vigie first`, {
      facts: { v },
    });
  }
  const bundle: VerifiedBundle = {
    _type: 'vigie-bundle',
    v: BUNDLE_VERSION,
    name: fields.text('name', BUNDLE_NAME, "1 to 64 of a-z, 0-9, '.', '-'"),
    version: fields.text('version', DISPLAY_VERSION, 'a version such as 1.0.0'),
    release: fields.whole('release', 1, Number.MAX_SAFE_INTEGER),
    requires: readRequirements(fields.object('requires')),
    files: fields.objects('files', MOST_FILES, readFile),
    deltas: fields.objects('deltas', MOST_DELTAS, readDelta),
    selftest: fields.has('selftest') ? readSelftest(fields.object('selftest')) : undefined,
    health: readHealth(fields.object('health')),
    trial: readTrial(fields.object('trial')),
    ...fields.optional('provenance', (key) => readPath(fields, key)),
  };
  fields.end();
  checkReferences(bundle);
  return bundle;
}

/** The identity of a release's content: what floor records, block lists and pointers hold. */
export const bundleDigest = (bytes: Uint8Array): Sha256 => createHash('sha256').update(bytes).digest('hex');

/** @throws UpdateError `ota-mismatch`: the bundle lists no such file. */
export function fileAt(bundle: VerifiedBundle, path: string): BundleFile {
  const file = bundle.files.find((one) => one.path === path);
  if (file) return file;
  throw new UpdateError('ota-mismatch', `${bundle.name} ${bundle.release} lists no file '${path}'`, {
    facts: { name: bundle.name, release: bundle.release, path },
  });
}

function readRequirements(fields: Fields): BundleRequirements {
  const names = (key: string) => fields.texts(key, MOST_NAMES, SIMPLE_NAME, 'a name');
  const bytes = (key: string) => fields.whole(key, 0, Number.MAX_SAFE_INTEGER);
  const requires = {
    ...fields.optional('runtime', (key) => fields.text(key, RANGE, 'a range of versions')),
    ...fields.optional('boards', names),
    ...fields.optional('architectures', names),
    ...fields.optional('ramBytes', bytes),
    ...fields.optional('diskBytes', bytes),
  };
  fields.end();
  return requires;
}

function readFile(fields: Fields): BundleFile {
  return {
    path: readPath(fields, 'path'),
    sha256: fields.sha256('sha256'),
    length: fields.whole('length', 1, MOST_FILE_BYTES),
    blocks: fields.sha256('blocks'),
  };
}

function readDelta(fields: Fields): BundleDelta {
  fields.is('algorithm', 'bsub1+gzip');
  return { ...readFile(fields), from: fields.sha256('from'), algorithm: 'bsub1+gzip' };
}

function readSelftest(fields: Fields): { vectors: string; tolerance: number } {
  const selftest = { vectors: readPath(fields, 'vectors'), tolerance: fields.number('tolerance', 0, 1) };
  fields.end();
  return selftest;
}

function readHealth(fields: Fields): HealthGate {
  const health = {
    windowSeconds: fields.number('windowSeconds', 0, MOST_SECONDS),
    minInferences: fields.whole('minInferences', 0, Number.MAX_SAFE_INTEGER),
    maxErrorRate: fields.number('maxErrorRate', 0, 1),
    ...fields.optional('latencyP95Ms', (key) => fields.number(key, 0, MOST_SECONDS * 1000)),
    ...fields.optional('maxRssBytes', (key) => fields.whole(key, 1, Number.MAX_SAFE_INTEGER)),
    ...fields.optional('maxOutputShift', (key) => fields.number(key, 0, Number.MAX_SAFE_INTEGER)),
  };
  fields.end();
  return health;
}

function readTrial(fields: Fields): { attempts: number } {
  const trial = { attempts: fields.whole('attempts', 1, MOST_ATTEMPTS) };
  fields.end();
  return trial;
}

const readPath = (fields: Fields, key: string): string =>
  fields.text(key, BUNDLE_PATH, "a path of up to four names of letters, digits, '.', '_' and '-'");

/** What no field shows alone. */
function checkReferences({ files, deltas, selftest, provenance }: VerifiedBundle): void {
  const paths = new Set<string>();
  for (const { path } of files) {
    // A disk that ignores case, on whatever machine looks at it, would hold one of the two.
    if (paths.has(path.toLowerCase())) throw bad(`bundle.json files '${path}'`, 'comes twice');
    paths.add(path.toLowerCase());
  }
  const listed = new Set(files.map(({ path }) => path));
  const named = [MANIFEST_FILE, selftest?.vectors, provenance, ...deltas.map(({ path }) => path)];
  for (const path of named)
    if (path !== undefined && !listed.has(path)) throw bad(`bundle.json '${path}'`, 'is none of the files');
  const ways = new Set<string>();
  for (const { path, from } of deltas) {
    const way = `${path} ${from}`;
    if (ways.has(way)) throw bad(`bundle.json deltas '${path}'`, 'has two from one file');
    ways.add(way);
  }
}
