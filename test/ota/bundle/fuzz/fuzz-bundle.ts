/**
 * Fuzzes what reads bundles: `bin/node test/ota/bundle/fuzz/fuzz-bundle.ts bundle|records|vectors SECONDS FOLDER`.
 * Bytes and words of good files are changed, cut, doubled and joined; for bundles half of what comes out is brought into
 * canonical form, so that the checks behind it are reached. Ends with status 1 at the first input that is neither read nor
 * refused with a code, or takes too long; the input is in FOLDER as `failed`.
 */

import { readAssignment } from '../../../../ota/bundle/read-assignment.ts';
import { readBundle } from '../../../../ota/bundle/read-bundle.ts';
import { readVectors, writeVectors } from '../../../../ota/bundle/vectors.ts';
import { readConfigurationRecord } from '../../../../ota/client/machine/configuration.ts';
import { readModelRecord } from '../../../../ota/client/machine/read-record.ts';
import { emptyRecord, type ModelRecord } from '../../../../ota/client/machine/record.ts';
import { canonicalBytes } from '../../../../ota/client/tuf/canonical-json.ts';
import { fieldsOf } from '../../../../ota/client/tuf/fields.ts';
import { type JsonValue, readStrictJson } from '../../../../ota/client/tuf/strict-json.ts';
import { readReport } from '../../../../ota/protocol/read-report.ts';
import { decodeReport } from '../../../../ota/protocol/report.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import type { Random } from '../../../../simulator/random.ts';
import { fuzzLoop } from '../../../support/fuzz-loop.ts';

const [, , target = 'bundle', seconds = '600', folder = `build/fuzz/${target}`] = process.argv;
const hash = 'ab'.repeat(32);
const file = (path: string) => ({ path, sha256: hash, length: 70_000, blocks: hash });
const release = { release: 2, digest: hash };
const reference = { scores: { bounds: [0, 1.5], below: [0, 0.5], upTo: [0.5, 1] } };
const RECORD: ModelRecord = {
  ...emptyRecord('score'),
  active: release,
  trial: { ...release, attempt: 1, attemptsLeft: 2, reference },
  target: { ...release, step: 'FETCH', verifies: 1, offlineOk: true, window: { from: 1, to: 2 } },
  floor: release,
  blocked: [release],
  refused: { ...release, code: 'ota-unhealthy', reason: 'too slow' },
};
const REPORT = {
  ...{
    _type: 'vigie-node-state',
    v: 1,
    node: 'n',
    group: 'g',
    key: hash,
    counter: 1,
    time: 5,
    timeTrust: 'NTP',
  },
  ...{ runtime: '1', configuration: hash, metadata: { root: 1 }, lastError: { code: 'x', message: 'y' } },
  attack: false,
  models: [{ ...RECORD, floor: 2, staged: null, serving: release, trouble: null, blocked: [hash] }],
};
const SEEDS: Readonly<Record<string, readonly Uint8Array[]>> = {
  bundle: [
    canonicalBytes({
      ...{
        _type: 'vigie-bundle',
        v: 1,
        name: 'score',
        version: '1.0.0',
        release: 3,
        requires: { boards: ['x'] },
      },
      files: [file('manifest.json'), file('a/b.onnx'), file('t.vec')],
      deltas: [{ ...file('a/b.onnx'), from: hash, algorithm: 'bsub1+gzip' }],
      selftest: { vectors: 't.vec', tolerance: 0.01 },
      health: { windowSeconds: 1, minInferences: 1, maxErrorRate: 0.1, latencyP95Ms: 1.5 },
      trial: { attempts: 3 },
    }),
    canonicalBytes({
      ...{
        _type: 'vigie-assignment',
        v: 1,
        group: 'g',
        blocked: [hash],
        configuration: { sha256: hash, length: 9 },
      },
      releases: [{ name: 'score', release: 1, percent: 50, offlineOk: true, window: { from: 1, to: 2 } }],
    }),
  ],
  // What a node keeps on its disk, and what nodes report: signed or checksummed, and read with the same care.
  records: [
    Buffer.from(JSON.stringify(RECORD)),
    Buffer.from(JSON.stringify({ active: hash, trial: { sha256: hash, attemptsLeft: 2 }, blocked: [hash] })),
    Buffer.from(JSON.stringify(REPORT)),
  ],
  vectors: [
    writeVectors([
      {
        inputs: { x: { type: 'float32', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) } },
        outputs: { y: { type: 'int64', shape: [2], data: BigInt64Array.of(1n, 2n) } },
      },
    ]),
  ],
};
const WORDS = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '1e9',
  '-1',
  '0.5',
  'null',
  '"v":1',
  '../',
  '\\u0000',
  'ä',
  '__proto__',
];
const seeds = SEEDS[target]!;
await fuzzLoop({
  seconds: Number(seconds),
  folder,
  next: (random) => {
    const bytes = changed(random.pick(seeds), random);
    return { bytes, read: () => readAll(bytes) };
  },
});

function readAll(bytes: Uint8Array): void {
  if (target === 'vectors') readOrRefuse(() => readVectors(bytes));
  else if (target === 'records') readRecords(bytes);
  else for (const one of [bytes, inCanonicalForm(bytes)]) readBoth(one);
}

function readRecords(bytes: Uint8Array): void {
  decodeReport(bytes);
  readOrRefuse(() => {
    const bounds = { what: 'fuzz', mostBytes: 65_536, fractions: true };
    const json = fieldsOf(readStrictJson(bytes, bounds), 'fuzz');
    readOrRefuse(() => readModelRecord(json, 'score'));
    readOrRefuse(() => readConfigurationRecord(json));
    readOrRefuse(() => readReport(json));
  });
}

function readBoth(bytes: Uint8Array): void {
  readOrRefuse(() => readBundle(bytes));
  readOrRefuse(() => readAssignment(bytes, 'g'));
}

function readOrRefuse(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
  }
}

function inCanonicalForm(bytes: Uint8Array): Uint8Array {
  try {
    const value: JsonValue = readStrictJson(bytes, { what: 'fuzz', mostBytes: 1e6, fractions: true });
    return canonicalBytes(value);
  } catch {
    return bytes;
  }
}

function changed(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Buffer.from(bytes);
  for (let i = random.next() * 5; i > 0; i--) {
    const at = Math.floor(random.next() * (result.length + 1));
    const kind = random.next();
    const [head, tail] = [result.subarray(0, at), result.subarray(at)];
    if (kind < 0.4 && at < result.length)
      result[at] = random.pick([0, 0x22, 0x30, 0x7f, 0xff, random.next() * 256]);
    else if (kind < 0.5) result = head;
    else if (kind < 0.6) result = Buffer.concat([head, random.pick(seeds), tail]);
    else if (kind < 0.8) result = Buffer.concat([head, tail.subarray(random.next() * 30)]);
    else result = Buffer.concat([head, Buffer.from(random.pick(WORDS)), tail]);
  }
  return result;
}
