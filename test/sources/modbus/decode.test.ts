import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileReader, type Encoding, spanOf } from '../../../runtime/sources/modbus/decode.ts';
import { encode } from '../../../runtime/sources/modbus/encode.ts';

const base = { register: 'holding', order: 'ABCD', scale: 1, offset: 0 } as const;
const ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
type Type = Encoding['type'];
const SIZE: Partial<Record<Type, number>> = {
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  float64: 8,
};

/** An encoder that shares nothing with the runtime: DataView writes, orders by their definition on letters. */
function onWire(type: Type, order: (typeof ORDERS)[number], value: number | bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(SIZE[type]!));
  if (type === 'int16') view.setInt16(0, Number(value));
  else if (type === 'uint16') view.setUint16(0, Number(value));
  else if (type === 'int32') view.setInt32(0, Number(value));
  else if (type === 'uint32') view.setUint32(0, Number(value));
  else if (type === 'int64') view.setBigInt64(0, BigInt(value));
  else if (type === 'float32') view.setFloat32(0, Number(value));
  else view.setFloat64(0, Number(value));
  const words = Array.from({ length: view.byteLength / 2 }, (_, i) => [
    view.getUint8(i * 2),
    view.getUint8(i * 2 + 1),
  ]);
  if (order === 'CDAB' || order === 'DCBA') words.reverse();
  if (order === 'BADC' || order === 'DCBA') for (const word of words) word.reverse();
  return Uint8Array.from(words.flat());
}

const VALUES: [Type, fc.Arbitrary<number | bigint>][] = [
  ['int16', fc.integer({ min: -32_768, max: 32_767 })],
  ['uint16', fc.integer({ min: 0, max: 65_535 })],
  ['int32', fc.integer()],
  ['uint32', fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ['int64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['float32', fc.float()],
  ['float64', fc.double()],
];

for (const [type, values] of VALUES) {
  test(`${type} is read in all four orders, wherever it lies in the response`, () => {
    fc.assert(
      fc.property(values, fc.constantFrom(...ORDERS), fc.nat({ max: 20 }), (value, order, offset) => {
        const data = new Uint8Array(offset * 2 + 8).fill(0xa5);
        data.set(onWire(type, order, value), offset * 2);
        const seen = compileReader({ ...base, type, order }, offset)(data);
        const wanted =
          typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
        assert.ok(Object.is(seen, wanted), `${String(seen)} is not ${String(wanted)}`);
      }),
      { numRuns: 200 },
    );
  });

  test(`${type} is written the way it is read`, () => {
    fc.assert(
      fc.property(values, fc.constantFrom(...ORDERS), (value, order) => {
        fc.pre(typeof value === 'bigint' || Number.isFinite(value));
        const encoded = encode({ ...base, type, order }, value);
        assert.ok(encoded.kind === 'words');
        const bytes = encoded.words.flatMap((word) => [word >> 8, word & 0xff]);
        assert.equal(bytes, [...onWire(type, order, value)]);
      }),
      { numRuns: 100 },
    );
  });
}

test('int64 beyond the safe range keeps every digit', () => {
  const data = onWire('int64', 'ABCD', 2n ** 53n + 1n);
  assert.is(compileReader({ ...base, type: 'int64' }, 0)(data), 2n ** 53n + 1n);
  assert.type(compileReader({ ...base, type: 'int64', scale: 0.5 }, 0)(data), 'number');
});

test('scale and offset turn raw values into engineering units', () => {
  const read = compileReader({ ...base, type: 'int16', scale: 0.1, offset: -40 }, 0);
  assert.is(read(onWire('int16', 'ABCD', 655)), 655 * 0.1 - 40);
});

test('bit fields are cut out of the register, signed when the type is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff }),
      fc
        .integer({ min: 0, max: 15 })
        .chain((low) => fc.tuple(fc.constant(low), fc.integer({ min: 1, max: 16 - low }))),
      fc.constantFrom(...ORDERS),
      (word, bits, order) => {
        const digits = word.toString(2).padStart(16, '0');
        const field = digits.slice(16 - bits[0] - bits[1], 16 - bits[0]);
        const unsigned = Number.parseInt(field, 2);
        const data = onWire('uint16', order, word);
        assert.is(compileReader({ ...base, type: 'uint16', order, bits }, 0)(data), unsigned);
        assert.is(compileReader({ ...base, type: 'bool', order, bits }, 0)(data), unsigned !== 0);
        const signed = field[0] === '1' ? unsigned - 2 ** bits[1] : unsigned;
        assert.is(compileReader({ ...base, type: 'int16', order, bits }, 0)(data), signed);
        const encoded = encode({ ...base, type: 'int16', order, bits }, signed);
        assert.ok(encoded.kind === 'bits');
        const raw = new DataView(data.buffer).getUint16(0);
        assert.is(encoded.bits, raw & encoded.mask);
      },
    ),
    { numRuns: 200 },
  );
});

test('coils are numbered from the lowest bit of each byte', () => {
  const data = Uint8Array.from([0b0000_0001, 0b1000_0000]);
  const at = (offset: number) => compileReader({ ...base, register: 'coil', type: 'bool' }, offset)(data);
  assert.equal([0, 1, 7, 8, 14, 15].map(at), [true, false, false, false, false, true]);
});

test('texts end at their length or a zero byte, trailing blanks removed', () => {
  const read = (text: string, order: (typeof ORDERS)[number], length: number) =>
    compileReader({ ...base, type: 'string', order, length }, 0)(Buffer.from(text, 'latin1'));
  assert.is(read('PUMP-7  ', 'ABCD', 8), 'PUMP-7');
  assert.is(read('UPPM', 'BADC', 4), 'PUMP');
  assert.is(read('AB\0D', 'ABCD', 4), 'AB');
  assert.is(read('ABCD', 'CDAB', 3), 'ABC');
  assert.is(spanOf({ type: 'string', length: 3 }), 2);
});

test('what does not fit is refused when written', () => {
  const refuse = (encoding: Partial<Encoding>, value: number | bigint | boolean | string) => () =>
    encode({ ...base, type: 'uint16', ...encoding }, value);
  assert.throws(refuse({}, 65_536), /does not fit/);
  assert.throws(refuse({}, -1), /does not fit/);
  assert.throws(refuse({}, Number.NaN), /does not fit/);
  assert.throws(refuse({ scale: 0.001 }, 66), /does not fit/);
  assert.throws(refuse({ type: 'float32' }, 1e39), /does not fit/);
  assert.throws(refuse({ type: 'int64' }, 2n ** 63n), /does not fit/);
  assert.throws(refuse({ type: 'string', length: 2 }, 'abc'), /does not fit/);
  assert.throws(refuse({ bits: [3, 2] }, 4), /does not fit/);
  assert.throws(refuse({}, '7'), /expected a number/);
  assert.throws(refuse({}, true), /expected a number/);
});

test.run();
