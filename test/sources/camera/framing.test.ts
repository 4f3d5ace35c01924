import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../../runtime/core/errors.ts';
import {
  encodeMessage,
  MessageReader,
  MOST_BYTES,
  MOST_JSON,
} from '../../../runtime/sources/camera/framing.ts';

const isProtocol = (error: unknown) => error instanceof DeviceError && error.code === 'vision-protocol';

test('messages come out as they went in, however the stream is cut', () => {
  const message = fc.record(
    { type: fc.string(), text: fc.string(), list: fc.array(fc.integer()) },
    { noNullPrototype: true },
  );
  const framed = fc.record({ message, bytes: fc.uint8Array({ maxLength: 300 }) });
  fc.assert(
    fc.property(
      fc.array(framed, { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
      (sent, cuts) => {
        const stream = Buffer.concat(sent.flatMap(({ message, bytes }) => encodeMessage(message, bytes)));
        const reader = new MessageReader();
        const got: { message: unknown; bytes: number[] }[] = [];
        for (let at = 0; at < stream.length; ) {
          const end = at + cuts.next().value;
          for (const { message, bytes } of reader.read(stream.subarray(at, end)))
            got.push({ message, bytes: [...bytes] });
          at = end;
        }
        assert.equal(
          got,
          sent.map(({ message, bytes }) => ({ message, bytes: [...bytes] })),
        );
      },
    ),
  );
});

test('whatever bytes come, it reads messages or says what is wrong', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 })), (pieces) => {
      const reader = new MessageReader();
      try {
        for (const piece of pieces) reader.read(Buffer.from(piece));
      } catch (error) {
        assert.ok(isProtocol(error), String(error));
      }
    }),
  );
});

function header(json: number, bytes: number, version = 1): Buffer {
  const buffer = Buffer.from([0x56, 0x47, version, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  buffer.writeUInt32BE(json, 4);
  buffer.writeUInt32BE(bytes, 8);
  return buffer;
}

test('lengths beyond the limits are refused before anything is held', () => {
  assert.throws(() => new MessageReader().read(header(MOST_JSON + 1, 0)), isProtocol);
  assert.throws(() => new MessageReader().read(header(2, MOST_BYTES + 1)), isProtocol);
  assert.throws(() => encodeMessage({ type: 'x', text: 'y'.repeat(MOST_JSON) }), isProtocol);
});

test('another version, no JSON and no type are refused', () => {
  assert.throws(() => new MessageReader().read(header(2, 0, 9)), /version 9/);
  assert.throws(() => new MessageReader().read(Buffer.concat([header(2, 0), Buffer.from('{x')])), /no JSON/);
  assert.throws(() => new MessageReader().read(Buffer.concat([header(2, 0), Buffer.from('[]')])), /no type/);
});

test.run();
