/** Makes deltas, and leaves them where the whole file is as good. */

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import {
  COPY,
  DELTA_HEADER_BYTES,
  DELTA_MAGIC,
  encodeHead,
  MOST_SEGMENT,
  NEW,
  SUB,
} from '../../bundle/delta/format.ts';
import { type Aligned, align } from './align.ts';
import { onnxHints } from './onnx-hints.ts';

/** Of what the compressed file would take: above it a node's work is not worth it. */
export const WORTH_BELOW = 0.6;
/** Equal bytes that are worth a segment of their own. */
const LEAST_COPY = 512;

const compress = (bytes: Uint8Array) => promisify(gzip)(bytes, { level: 9 });

/** @returns the delta from `base` to `next`, in bsub1+gzip; undefined when it is not worth it. */
export async function makeDelta(base: Uint8Array, next: Uint8Array): Promise<Uint8Array | undefined> {
  if (next.length === 0) return undefined;
  const [bytes, whole] = await Promise.all([encodeDelta(base, next), compress(next)]);
  return bytes.length < WORTH_BELOW * whole.length ? bytes : undefined;
}

/** Whatever it is worth. */
export async function encodeDelta(base: Uint8Array, next: Uint8Array): Promise<Uint8Array> {
  const header = Buffer.alloc(DELTA_HEADER_BYTES);
  DELTA_MAGIC.copy(header);
  header.writeBigUInt64BE(BigInt(next.length), DELTA_MAGIC.length);
  const parts: Uint8Array[] = [header];
  for (const piece of align(base, next, onnxHints(base, next)))
    for (const part of encodePiece(piece, base, next)) parts.push(part);
  return compress(Buffer.concat(parts));
}

function* encodePiece({ at, length, from }: Aligned, base: Uint8Array, next: Uint8Array) {
  const end = at + length;
  for (let start = at; start < end; ) {
    const most = Math.min(end, start + MOST_SEGMENT);
    if (from === undefined) {
      yield encodeHead({ kind: NEW, length: most - start, from: 0 });
      yield next.subarray(start, most);
      start = most;
      continue;
    }
    const shift = from - at;
    const { same, until } = run(base, next, start, most, shift);
    yield encodeHead({ kind: same ? COPY : SUB, length: until - start, from: start + shift });
    if (!same) yield differences(base, next, start, until, shift);
    start = until;
  }
}

/** How far bytes are the same, or how far until a long run of same bytes begins. */
function run(base: Uint8Array, next: Uint8Array, start: number, end: number, shift: number) {
  let equalFrom = start;
  for (let i = start; i < end; i++) {
    if (next[i] === base[i + shift]) continue;
    if (i - equalFrom >= LEAST_COPY)
      return equalFrom === start ? { same: true, until: i } : { same: false, until: equalFrom };
    equalFrom = i + 1;
  }
  if (equalFrom === start) return { same: true, until: end };
  return { same: false, until: end - equalFrom >= LEAST_COPY ? equalFrom : end };
}

function differences(base: Uint8Array, next: Uint8Array, start: number, end: number, shift: number) {
  const result = new Uint8Array(end - start);
  for (let i = 0; i < result.length; i++) result[i] = next[start + i]! - base[start + shift + i]!;
  return result;
}
