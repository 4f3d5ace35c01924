/** Deltas: small for retrained weights, the file to the last byte, and refused where they are none (case 42). */

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyDelta } from '../../../../ota/bundle/delta/apply.ts';
import { COPY, encodeHead, NEW, SUB } from '../../../../ota/bundle/delta/format.ts';
import { BLOCK_BYTES, type BlobSink } from '../../../../ota/client/blob-source.ts';
import { encodeDelta, makeDelta } from '../../../../ota/publish/delta/make-delta.ts';
import { Random } from '../../../../simulator/random.ts';
import { randomBytes, sinkFor } from '../../../support/ota/public-folder.ts';
import { rejects } from '../../../support/rejects.ts';
import { fuzzDelta, inDelta, readerOf } from './fuzz/fuzz-delta.ts';

const never = new AbortController().signal;
const base = int8Weights(400_000, 3);

/** As quantised weights lie: most near zero. */
function int8Weights(length: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return new Uint8Array(length).map(() => {
    const u = random.next() - 0.5;
    return Math.max(-127, Math.min(127, Math.round(-18 * Math.sign(u) * Math.log(1 - 2 * Math.abs(u)))));
  });
}

/** A part of the weights moves by a step or two. */
function retrained(weights: Uint8Array, part: number): Uint8Array {
  const random = new Random(11);
  return weights.map((byte) => (random.next() < part ? byte + random.pick([-2, -1, 1, 2]) : byte));
}

async function applied(delta: Uint8Array, next: Uint8Array, from = base): Promise<Uint8Array> {
  const sink = sinkFor(next);
  await applyDelta({ base: readerOf(from), delta: readerOf(delta), sink, signal: never });
  return sink.bytes();
}

function refused(delta: Uint8Array, next: Uint8Array = base, from = base) {
  const input = { base: readerOf(from), delta: readerOf(delta), sink: sinkFor(next), signal: never };
  return rejects(applyDelta(input), 'ota-bad-delta');
}

test('18 % of int8 weights changed: at most a fifth of the file, also where all of it moved', async () => {
  const next = retrained(base, 0.18);
  for (const moved of [
    next,
    Buffer.concat([randomBytes(37), next.subarray(0, 200_000), randomBytes(9), next.subarray(200_000)]),
  ]) {
    const delta = (await makeDelta(base, moved))!;
    assert.ok(delta.length <= 0.2 * moved.length, `${delta.length} of ${moved.length}`);
    assert.ok(Buffer.compare(await applied(delta, moved), moved) === 0);
  }
});

test('a delta that saves too little is not made', async () => {
  assert.is(await makeDelta(base, randomBytes(100_000, 8)), undefined);
  assert.is(await makeDelta(new Uint8Array(0), base), undefined);
  assert.is(await makeDelta(base, new Uint8Array(0)), undefined);
});

test('any file is made from any other', async () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.nat(3000).map((n) => new Uint8Array(n).fill(7)),
  );
  const file = fc
    .array(chunk, { minLength: 1, maxLength: 6 })
    .map((parts) => new Uint8Array(Buffer.concat(parts)));
  const pair = fc.tuple(file, file, fc.nat(5000)).filter(([, next]) => next.length > 0);
  await fc.assert(
    fc.asyncProperty(pair, async ([one, other, at]) => {
      const both = new Uint8Array(Buffer.concat([one.subarray(at), other, one.subarray(0, at)]));
      for (const next of [other, both])
        assert.ok(Buffer.compare(await applied(await encodeDelta(one, next), next, one), next) === 0);
    }),
    { numRuns: 50 },
  );
});

test('blocks that are there already are not written again', async () => {
  const next = retrained(base, 0.02);
  const delta = await encodeDelta(base, next);
  const sink = sinkFor(next);
  await sink.write(2, next.subarray(2 * BLOCK_BYTES, 3 * BLOCK_BYTES));
  const written: number[] = [];
  const watched: BlobSink = {
    sha256: sink.sha256,
    length: sink.length,
    count: sink.count,
    get missing() {
      return sink.missing;
    },
    wants: (index) => sink.wants(index),
    write: (index, bytes) => {
      written.push(index);
      return sink.write(index, bytes);
    },
  };
  await applyDelta({ base: readerOf(base), delta: readerOf(delta), sink: watched, signal: never });
  assert.not.ok(written.includes(2));
  assert.ok(Buffer.compare(sink.bytes(), next) === 0);
});

test('case 42: a delta from another base makes nothing that is kept', async () => {
  const next = retrained(base, 0.18);
  const delta = (await makeDelta(base, next))!;
  await refused(delta, next, int8Weights(base.length, 99));
  await refused(delta, next, base.subarray(1));
  await refused(delta, next, new Uint8Array(0));
});

test('case 42: a bomb is read no further than the file is long', async () => {
  const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024));
  const body = Buffer.concat([
    encodeHead({ kind: NEW, length: base.length, from: 0 }),
    Buffer.alloc(32 * 1024 * 1024),
  ]);
  const before = process.memoryUsage().rss;
  for (const delta of [bomb, inDelta(base.length, body), inDelta(2 ** 50, body)]) await refused(delta);
  assert.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024);
});

test('case 42: a bomb of copies lets others have their turn, and ends when it is told to', async () => {
  // A few bytes that copy a long file out of a short base.
  const length = 32 * 1024 * 1024;
  const zeros = new Uint8Array(length);
  const head = encodeHead({ kind: COPY, length: BLOCK_BYTES, from: 0 });
  const delta = inDelta(length, Buffer.concat(Array.from({ length: length / BLOCK_BYTES }, () => head)));
  const abort = new AbortController();
  setTimeout(() => abort.abort(new RangeError('enough')), 1);
  const input = { base: readerOf(new Uint8Array(BLOCK_BYTES)), delta: readerOf(delta), sink: sinkFor(zeros) };
  const error = await applyDelta({ ...input, signal: abort.signal }).catch((cause) => cause);
  assert.is((error as Error).message, 'enough');
  assert.ok(input.sink.missing > 0);
});

test('case 42: segments out of range, of no length, of no kind, too few and too many are refused', async () => {
  const { length } = base;
  const bodies: Record<string, Uint8Array> = {
    'beyond the base': encodeHead({ kind: COPY, length, from: 1 }),
    'far beyond the base': encodeHead({ kind: COPY, length, from: 2 ** 52 }),
    'beyond the file': encodeHead({ kind: COPY, length: length + 1, from: 0 }),
    'of no length': encodeHead({ kind: NEW, length: 0, from: 0 }),
    'of no kind': Buffer.of(9, 0, 0, 0, 1),
    'cut short': encodeHead({ kind: SUB, length, from: 0 }),
    'more behind the end': Buffer.concat([encodeHead({ kind: COPY, length, from: 0 }), Buffer.of(0)]),
    nothing: Buffer.of(),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const error = await refused(inDelta(length, body));
    assert.match(error.message, /the delta cannot be used/, name);
  }
  await refused(inDelta(length - 1, encodeHead({ kind: COPY, length: length - 1, from: 0 })));
  await refused(gzipSync(Buffer.alloc(16)));
  await refused(Buffer.from('not gzip'));
  await refused(Buffer.alloc(0));
  const whole = inDelta(length, encodeHead({ kind: COPY, length, from: 0 }));
  assert.ok(Buffer.compare(await applied(whole, base), base) === 0, 'the right one is taken');
  await refused(whole.subarray(0, whole.length - 5));
});

test('any bytes are refused as a delta, or make the file', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fuzzDelta), { numRuns: 100 });
});

test.run();
