/** Golden vectors: written and read back, hostile files refused before memory is taken, outputs compared. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareVectors } from '../../../ota/bundle/compare-vectors.ts';
import { readVectors, type VectorCase, writeVectors } from '../../../ota/bundle/vectors.ts';
import { TENSOR_TYPES, type Tensor, type TensorData, type TensorType } from '../../../runtime/core/tensor.ts';
import { arrayOf } from '../../../runtime/pipeline/inference/contract.ts';
import { thrown } from '../../support/thrown.ts';

const tensor = fc
  .record({
    type: fc.constantFrom<TensorType>(...TENSOR_TYPES),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
  })
  .map(({ type, shape, bytes }): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = new (arrayOf(type))(count);
    const raw = new Uint8Array(data.buffer);
    for (let at = 0; at < raw.length; at++) raw[at] = bytes[at % bytes.length]!;
    return { type, shape, data: data as TensorData };
  });
const tensors = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 20 }), tensor, { maxKeys: 4 });
const cases = fc.array(fc.record({ inputs: tensors, outputs: tensors }), { maxLength: 4 });

const raw = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
const plain = (list: readonly VectorCase[]) =>
  list.map(({ inputs, outputs }) =>
    [inputs, outputs].map((side) =>
      Object.entries(side).map(([name, one]) => [name, one.type, one.shape, raw(one)]),
    ),
  );

test('property: what is written is read back, bit for bit', () => {
  fc.assert(
    fc.property(cases, (list) => assert.equal(plain(readVectors(writeVectors(list))), plain(list))),
    { numRuns: 200 },
  );
});

const GOOD = writeVectors([
  {
    inputs: { x: { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) } },
    outputs: { y: { type: 'int64', shape: [1], data: BigInt64Array.of(3n) } },
  },
]);

test('property: any other bytes are refused with a code, or are vectors of their own', () => {
  const refusedOrRead = (bytes: Uint8Array) => {
    try {
      readVectors(bytes);
    } catch (error) {
      assert.is((error as { code?: string }).code, 'vectors-invalid');
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), refusedOrRead), { numRuns: 500 });
  const withHead = fc
    .uint8Array({ maxLength: 300 })
    .map((rest) => Buffer.concat([GOOD.subarray(0, 16), rest]));
  fc.assert(fc.property(withHead, refusedOrRead), { numRuns: 1000 });
  const changed = fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.from(GOOD);
    bytes[at] = value;
    return bytes;
  });
  fc.assert(fc.property(changed, refusedOrRead), { numRuns: 1000 });
});

test('cut short anywhere, or with a byte more: refused', () => {
  for (let length = 0; length < GOOD.length; length++)
    assert.is(thrown(() => readVectors(GOOD.subarray(0, length))).code, 'vectors-invalid', String(length));
  assert.is(thrown(() => readVectors(Buffer.concat([GOOD, Buffer.of(0)]))).code, 'vectors-invalid');
});

test('a shape of 2^256 elements takes no memory', () => {
  const head = GOOD.subarray(0, 20);
  const name = Buffer.from([1, 0, 0x78, 1, 8]);
  const sizes = Buffer.alloc(32, 0xff);
  const error = thrown(() => readVectors(Buffer.concat([head, name, sizes])));
  assert.match(error.message, /cut short/);
});

const floats = (...values: number[]): Tensor => ({
  type: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const one = (expected: Tensor): VectorCase[] => [{ inputs: {}, outputs: { y: expected } }];

test('an output may be off by the tolerance times its largest value, and no further', () => {
  const expected = one(floats(0, 10, -100));
  assert.is(compareVectors(expected, [{ y: floats(2, 8, -98) }], 0.02), undefined);
  const off = compareVectors(expected, [{ y: floats(0, 10, -97) }], 0.02);
  assert.match(off!.text, /element 2 is -97, expected -100; it may be off by 2/);
  assert.equal(compareVectors(expected, [{}], 0.02)?.text, 'is not among the outputs');
  assert.match(
    compareVectors(expected, [{ y: floats(0, 10) }], 0.02)!.text,
    /float32 \[2\], expected float32 \[3\]/,
  );
});

test('NaN and infinities are what was expected, or wrong', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  assert.is(compareVectors(one(floats(nan, infinity, 1)), [{ y: floats(nan, infinity, 1) }], 0.1), undefined);
  for (const wrong of [
    floats(1, infinity, 1),
    floats(nan, 1, 1),
    floats(nan, -infinity, 1),
    floats(nan, infinity, nan),
  ])
    assert.ok(compareVectors(one(floats(nan, infinity, 1)), [{ y: wrong }], 1));
});

test('half-precision numbers are compared by value, large integers as numbers', () => {
  const half = (...bits: number[]): Tensor => ({
    type: 'float16',
    shape: [bits.length],
    data: Uint16Array.from(bits),
  });
  // 1, -2, the least above 0, infinity.
  const expected = one(half(0x3c00, 0xc000, 0x0001, 0x7c00));
  assert.is(compareVectors(expected, [{ y: half(0x3c01, 0xc000, 0x0000, 0x7c00) }], 0.01), undefined);
  assert.match(
    compareVectors(expected, [{ y: half(0x4000, 0xc000, 1, 0x7c00) }], 0.01)!.text,
    /is 2, expected 1/,
  );
  const whole = (value: bigint): Tensor => ({
    type: 'int64',
    shape: [1],
    data: BigInt64Array.of(value),
  });
  assert.is(compareVectors(one(whole(100n)), [{ y: whole(101n) }], 0.02), undefined);
  assert.ok(compareVectors(one(whole(100n)), [{ y: whole(103n) }], 0.02));
});

test.run();
