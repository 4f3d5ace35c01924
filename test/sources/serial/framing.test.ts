import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FramingConfig } from '../../../runtime/config/schema/serial.ts';
import { millis } from '../../../runtime/core/units.ts';
import { crc16Modbus, verifyChecksum } from '../../../runtime/sources/serial/checksum.ts';
import { createFramer } from '../../../runtime/sources/serial/framing.ts';

const now = millis(0);
const text = (frames: Uint8Array[]) => frames.map((frame) => Buffer.from(frame).toString('latin1'));
const bytes = (value: string) => Buffer.from(value, 'latin1');
const line: FramingConfig = { type: 'line', end: '\n' };

test('lines lose their end, empty ones are no frames', () => {
  const framer = createFramer(line, 100);
  assert.equal(text(framer.push(bytes('a=1\r\n\r\n\nb='), now)), ['a=1']);
  assert.equal(text(framer.push(bytes('2\n'), now)), ['b=2']);
  assert.is(framer.droppedBytes, 0);
});

test('the rest of an overlong line is not taken for a line, the next one is whole', () => {
  for (const end of ['\n', '\r\n', '##']) {
    const framer = createFramer({ type: 'line', end }, 4);
    assert.equal(text(framer.push(bytes(`1234567890${end}ok${end}`), now)), ['ok'], end);
    assert.ok(framer.droppedBytes >= 10);
  }
});

test('a fixed frame is found again after noise by its start byte', () => {
  const framer = createFramer({ type: 'fixed', length: 3, start: 0xaa }, 100);
  assert.equal(
    framer.push(Uint8Array.of(1, 2, 0xaa, 5, 6, 9, 0xaa, 7, 8), now).map((frame) => [...frame]),
    [
      [0xaa, 5, 6],
      [0xaa, 7, 8],
    ],
  );
  assert.is(framer.droppedBytes, 3);
});

test('a second start byte means that the end was lost', () => {
  const framer = createFramer({ type: 'delimited', start: 0x02, end: 0x03 }, 100);
  assert.equal(text(framer.push(bytes('x\x02lost\x02ok\x03'), now)), ['\x02ok\x03']);
  assert.is(framer.droppedBytes, 6);
});

test('start and end may be the same byte', () => {
  const framer = createFramer({ type: 'delimited', start: 0x7e, end: 0x7e }, 100);
  assert.equal(text(framer.push(bytes('~a~~b~'), now)), ['~a~', '~b~']);
});

test('silence ends a frame, whether noticed by time or by the next byte', () => {
  const framer = createFramer({ type: 'gap', gap: millis(10) }, 100);
  framer.push(bytes('ab'), millis(0));
  assert.is(framer.idle(millis(9)), undefined);
  assert.equal(text([framer.idle(millis(10))!]), ['ab']);
  framer.push(bytes('cd'), millis(20));
  assert.equal(text(framer.push(bytes('ef'), millis(35))), ['cd']);
});

test('a frame longer than allowed is dropped up to the next silence', () => {
  const framer = createFramer({ type: 'gap', gap: millis(10) }, 3);
  framer.push(bytes('12345'), millis(0));
  assert.is(framer.idle(millis(10)), undefined);
  framer.push(bytes('ok'), millis(20));
  assert.equal(text([framer.idle(millis(30))!]), ['ok']);
  assert.is(framer.droppedBytes, 5);
});

const anyFraming: fc.Arbitrary<FramingConfig> = fc.oneof(
  fc.record({ type: fc.constant('line' as const), end: fc.constantFrom('\n', '\r\n', '\0', ';;') }),
  fc.record({
    type: fc.constant('fixed' as const),
    length: fc.integer({ min: 1, max: 9 }),
    start: fc.option(fc.nat(3), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('delimited' as const), start: fc.nat(3), end: fc.nat(3) }),
);
// Few byte values, so that starts and ends are met often.
const stream = fc.uint8Array({ maxLength: 80, max: 14 });

test('how the bytes are cut into chunks makes no difference', () => {
  fc.assert(
    fc.property(anyFraming, stream, fc.array(fc.nat(80), { maxLength: 6 }), (config, input, cuts) => {
      const whole = createFramer(config, 12)
        .push(input, now)
        .map((frame) => [...frame]);
      const framer = createFramer(config, 12);
      const edges = [
        0,
        ...cuts.map((cut) => Math.min(cut, input.length)).sort((a, b) => a - b),
        input.length,
      ];
      const pieces = edges
        .slice(1)
        .flatMap((to, index) => framer.push(input.subarray(edges[index], to), now));
      assert.equal(
        pieces.map((frame) => [...frame]),
        whole,
      );
    }),
  );
});

test('every byte is in a frame, dropped and counted, part of a line end, or waiting; no frame is over the limit', () => {
  fc.assert(
    fc.property(anyFraming, stream, (config, input) => {
      const framer = createFramer(config, 12);
      const frames = framer.push(input, now);
      framer.reset();
      const framed = frames.reduce((sum, frame) => sum + frame.length, 0);
      assert.ok(frames.every((frame) => frame.length <= 12));
      if (config.type === 'line') assert.ok(framed + framer.droppedBytes <= input.length);
      else assert.is(framed + framer.droppedBytes, input.length);
    }),
  );
});

test('an end of line written with escapes is the bytes they stand for', () => {
  for (const end of ['\\r\\n', '\\x0d\\x0a', '\r\n']) {
    const framer = createFramer({ type: 'line', end }, 100);
    const frames = framer.push(Buffer.from('1.5\r\n2.5\r\n'), millis(0));
    assert.equal(
      frames.map((frame) => Buffer.from(frame).toString()),
      ['1.5', '2.5'],
      end,
    );
  }
});

test('frames of a fixed length are found again after beginning amid one, be the contents ever so constant', () => {
  // The start byte stands inside of the frame too.
  const body = Uint8Array.of(0x02, 0x10, 0x02);
  const crc = crc16Modbus(body);
  const frame = [...body, crc & 0xff, crc >> 8];
  const whole = (bytes: Uint8Array) => verifyChecksum(bytes, 'crc16-modbus') !== undefined;
  const stream = Uint8Array.from({ length: 60 }, (_, i) => frame[i % frame.length]!);
  for (const start of [undefined, 0x02]) {
    for (let from = 0; from < frame.length; from++) {
      const framer = createFramer({ type: 'fixed', length: 5, start }, 100, whole);
      const frames = framer.push(stream.subarray(from), millis(0));
      const good = frames.filter(whole);
      assert.ok(good.length >= 10, `from byte ${from}, start ${start}: ${good.length}`);
      assert.ok(frames.length - good.length <= 1, 'the broken one is handed on once');
      assert.equal([...good[0]!], frame);
    }
  }
});

test('frames that are all broken are handed on at the pace they come in, so that they can be counted', () => {
  const framer = createFramer({ type: 'fixed', length: 4 }, 100, () => false);
  assert.is(framer.push(new Uint8Array(40), millis(0)).length, 10);
});

test.run();
