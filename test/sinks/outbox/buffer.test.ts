/** Records that wait in memory: what they count for. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WaitingRoom } from '../../../runtime/sinks/outbox/buffer.ts';
import { encodeEntry } from '../../../runtime/sinks/outbox/record.ts';
import { MIB, record, TestClock } from './support/harness.ts';

test('a record that left while its commit was under way counts once', async () => {
  const room = new WaitingRoom(MIB, () => {});
  const clock = new TestClock();
  const entry = encodeEntry(record(clock, 'reading', { a: 1 }), 1, MIB);
  const gone = room.add(entry).catch(() => 'evicted');
  const batch = new Set(room.next(MIB));
  // Meanwhile an event needs the room.
  room.makeRoom('event', MIB);
  assert.is(await gone, 'evicted');
  room.delete(batch);
  assert.is(room.bytes, 0);
  assert.equal(room.unwritten, { event: 0, health: 0, reading: 0, picture: 0 });
});

test.run();
