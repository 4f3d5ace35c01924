import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootConfig } from '../../../runtime/config/schema/root.ts';
import { type SerialSourceConfig, serialSource } from '../../../runtime/config/schema/serial.ts';
import {
  type Checksum,
  crc16Ccitt,
  crc16Modbus,
  verifyChecksum,
  xor,
} from '../../../runtime/sources/serial/checksum.ts';
import { unescapeBytes } from '../../../runtime/sources/serial/escapes.ts';
import { createFrameReader } from '../../../runtime/sources/serial/fields.ts';

const bytes = (value: string) => Buffer.from(value, 'latin1');
const check = (frame: Uint8Array, checksum: Checksum) => verifyChecksum(frame, checksum);

test('the check values of the CRC catalogue', () => {
  assert.is(crc16Modbus(bytes('123456789')), 0x4b37);
  assert.is(crc16Ccitt(bytes('123456789')), 0x29b1);
  assert.is(xor(Uint8Array.of(1, 2, 4, 7)), 0);
});

test('a real NMEA sentence passes, one changed letter does not', () => {
  const sentence = '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47';
  assert.is(Buffer.from(check(bytes(sentence), 'nmea')!).toString(), sentence.slice(0, -3));
  assert.is(check(bytes(sentence.replace('4807', '4808')), 'nmea'), undefined);
  assert.is(check(bytes('$GPGGA*4g'), 'nmea'), undefined);
  assert.is(check(bytes('*00'), 'nmea'), undefined);
});

const seal: Record<Exclude<Checksum, 'none' | 'nmea'>, (body: Uint8Array) => number[]> = {
  xor: (body) => [xor(body)],
  'crc16-modbus': (body) => [crc16Modbus(body) & 0xff, crc16Modbus(body) >> 8],
  'crc16-ccitt': (body) => [crc16Ccitt(body) >> 8, crc16Ccitt(body) & 0xff],
};

test('a sealed frame passes whole; any single flipped bit is found', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(seal) as (keyof typeof seal)[])),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(),
      (kind, body, flip) => {
        const frame = Uint8Array.from([...body, ...seal[kind](body)]);
        assert.equal([...check(frame, kind)!], [...body]);
        const bit = flip % (frame.length * 8);
        frame[bit >> 3]! ^= 1 << (bit & 7);
        assert.is(check(frame, kind), undefined);
      },
    ),
  );
});

test('a frame too short for its checksum is refused', () => {
  for (const kind of ['xor', 'nmea', 'crc16-modbus', 'crc16-ccitt'] as const)
    assert.is(check(Uint8Array.of(), kind), undefined);
  assert.is(check(Uint8Array.of(0), 'xor'), undefined);
});

type Input = Record<string, unknown>;
const source = (over: Input): SerialSourceConfig =>
  serialSource.parse({
    type: 'serial',
    name: 's',
    serial: { path: '/dev/x' },
    framing: { type: 'line' },
    ...over,
  });

test('named groups with scale and offset; a group that did not match is no value', () => {
  const reader = createFrameReader(
    source({
      pattern: 'T=(?<t>[^;]*)(;H=(?<h>.*))?',
      tags: [
        { name: 't', match: 't', scale: 0.1, offset: -5 },
        { name: 'h', match: 'h' },
      ],
    }),
  );
  assert.equal(reader.read(bytes('T=251;H=40')), [20.1, 40]);
  assert.equal(reader.read(bytes('T= 3 ')), [-4.7, null]);
  assert.is(reader.read(bytes('boot v1.2')), undefined);
});

test('text that is not a decimal number is no value', () => {
  const reader = createFrameReader(source({ pattern: '(?<v>.*)', tags: [{ name: 'v', match: 'v' }] }));
  for (const wrong of ['', ' ', '0x10', '1 2', 'NaN', 'Infinity', '1e9999', '--1', '.'])
    assert.equal(reader.read(bytes(wrong)), [null], wrong);
  for (const right of ['1', '-1.5', '+.5', '2.', '1e3'])
    assert.equal(reader.read(bytes(right)), [Number(right)], right);
});

test('binary fields in both byte orders; one beyond the frame is no value', () => {
  const reader = createFrameReader(
    source({
      framing: { type: 'gap', gap: '5ms' },
      tags: [
        { name: 'a', at: 0, type: 'int16' },
        { name: 'b', at: 0, type: 'int16', order: 'little' },
        { name: 'c', at: 2, type: 'float32' },
        { name: 'd', at: 4, type: 'uint32' },
        { name: 'e', at: 0, type: 'ascii', length: 2 },
      ],
    }),
  );
  assert.equal(reader.read(Uint8Array.of(0xff, 0xfe, 0x41, 0x20, 0, 0)), [-2, -257, 10, null, null]);
});

test('any bytes give a finite number or null', () => {
  const reader = createFrameReader(
    source({
      framing: { type: 'gap', gap: '5ms' },
      pattern: undefined,
      tags: [
        { name: 'a', at: 1, type: 'ascii', length: 5 },
        { name: 'b', at: 0, type: 'uint32' },
      ],
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (frame) =>
      reader.read(frame)!.every((value) => value === null || Number.isFinite(value)),
    ),
  );
});

test('requests may name bytes', () => {
  assert.equal([...unescapeBytes('D\\r\\n\\x02\\\\')], [0x44, 13, 10, 2, 0x5c]);
});

test('a field is text or bytes, never both, never neither', () => {
  const complain = (tag: Input) =>
    rootConfig.safeParse({
      node: { site: 'a', name: 'b' },
      sources: [
        {
          type: 'serial',
          name: 's',
          serial: { path: '/dev/x' },
          framing: { type: 'line' },
          pattern: '(?<a>.*)',
          tags: [tag],
        },
      ],
    }).success;
  assert.is(complain({ name: 't' }), false);
  assert.is(complain({ name: 't', match: 'a', at: 0, type: 'int8' }), false);
  assert.is(complain({ name: 't', at: 0 }), false);
  assert.is(complain({ name: 't', at: 0, type: 'ascii' }), false);
  assert.is(complain({ name: 't', match: 'a' }), true);
});

test.run();
