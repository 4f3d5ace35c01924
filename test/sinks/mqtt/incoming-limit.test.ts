/** What one message from the broker may take. */

import fc from 'fast-check';
import { type Packet, parser } from 'mqtt-packet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketCutter } from '../../../runtime/sinks/mqtt/incoming-limit.ts';

const LIMIT = 200;
const TOPIC = Buffer.from('\0\u0001t');

function publish(payload: number): Buffer {
  const length = TOPIC.length + payload;
  const varint = length < 128 ? [length] : [(length % 128) | 128, length >> 7];
  return Buffer.concat([Buffer.from([0x30, ...varint]), TOPIC, Buffer.alloc(payload, 'x')]);
}

/** The same bytes in pieces that end anywhere. */
function cutInPieces(bytes: Buffer, sizes: readonly number[]): Buffer {
  const cutter = new PacketCutter(LIMIT);
  const out: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    out.push(cutter.cut(bytes.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat(out);
}

test('messages within the limit pass as they are, larger ones are cut to it, wherever the pieces end', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2000 })), sizes, (payloads, pieces) => {
      const packets: Packet[] = [];
      const reader = parser({ protocolVersion: 4 }).on('packet', (packet) => packets.push(packet));
      reader.parse(cutInPieces(Buffer.concat(payloads.map(publish)), pieces));
      assert.equal(
        packets.map((packet) => (packet as { payload: Buffer }).payload.length),
        payloads.map((length) => Math.min(length, LIMIT - TOPIC.length)),
      );
    }),
  );
});

test('what is small is not copied', () => {
  const bytes = Buffer.concat([publish(5), publish(7)]);
  assert.is(new PacketCutter(LIMIT).cut(bytes), bytes);
});

test('a length without an end, and a large packet that is no message, are refused', () => {
  assert.throws(
    () => new PacketCutter(LIMIT).cut(Buffer.from([0x30, 255, 255, 255, 255, 1])),
    (error: { code: string }) => error.code === 'malformed-packet',
  );
  assert.throws(
    () => new PacketCutter(LIMIT).cut(Buffer.from([0x90, 255, 255, 3])),
    (error: { code: string }) => error.code === 'packet-too-large',
  );
});

test.run();
