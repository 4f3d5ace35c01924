/** Limits, hours, waits, the time and the folder. */

import { generateKeyPairSync, verify } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_BYTES } from '../../../../ota/client/blob-source.ts';
import { askTime } from '../../../../ota/client/transport/ask-time.ts';
import { opensIn } from '../../../../ota/client/transport/hours.ts';
import { importDirectory } from '../../../../ota/client/transport/import-directory.ts';
import { Pace } from '../../../../ota/client/transport/pace.ts';
import { RoundTrip } from '../../../../ota/client/transport/round-trip.ts';
import { encodeTimeReply } from '../../../../ota/protocol/time.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { epochMillis, millis } from '../../../../runtime/core/units.ts';
import { PublicFolder, randomBytes, sinkFor } from '../../../support/ota/public-folder.ts';
import { rejects } from '../../../support/rejects.ts';
import { FAST, NEVER, stage, topics } from './support.ts';

const clock = new SystemClock(() => true);
const now = () => clock.mono();
const content = randomBytes(6 * BLOCK_BYTES + 10);
const at = (hour: number, minute = 0) => hour * 60 + minute;

test('hours: open, closed, over midnight, several, none', () => {
  const night = [{ from: at(22), to: at(5) }];
  assert.is(opensIn(night, at(23)), 0);
  assert.is(opensIn(night, at(4, 59)), 0);
  assert.is(opensIn(night, at(5)), 17 * 3_600_000);
  assert.is(opensIn([...night, { from: at(12), to: at(13) }], at(11, 30)), 30 * 60_000);
  assert.is(opensIn([{ from: at(6), to: at(6) }], at(17)), 0, 'a whole day');
  assert.is(opensIn([], at(17)), 0);
});

test('hours: after the wait that it says, it is open', () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  const windows = fc.array(fc.record({ from: minute, to: minute }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(windows, minute, (some, start) => {
      assert.is(opensIn(some, (start + opensIn(some, start) / 60_000) % 1440), 0);
    }),
  );
});

test('outside the allowed hours blobs wait and metadata does not; a clock that was never set forbids nothing', async () => {
  const set = await stage();
  try {
    set.folder.blob(content);
    const noon = new Date(2030, 5, 1, 12, 0, 0).getTime();
    const limits = { bytesPerSecond: undefined, hours: [{ from: at(1), to: at(4) }] };
    const atNoon = { mono: now, wall: () => epochMillis(noon) };
    const source = set.source({ limits, clock: { ...atNoon, timeQuality: () => 'synced' } });
    const error = await rejects(source.fetch(sinkFor(content), NEVER), 'ota-outside-hours');
    assert.is(error.facts.opensInMs, 13 * 3_600_000);
    assert.ok(await source.metadata('timestamp.json', 100, NEVER));
    const unset = set.source({ limits, clock: { ...atNoon, timeQuality: () => 'unsynced' } });
    await unset.fetch(sinkFor(content), NEVER);
  } finally {
    set.end();
  }
});

test('the rate limit holds', async () => {
  const set = await stage();
  try {
    set.folder.blob(content);
    const source = set.source({ limits: { bytesPerSecond: 8 * BLOCK_BYTES, hours: [] } });
    const began = now();
    await source.fetch(sinkFor(content), NEVER);
    // One block is free, the others take an eighth of a second each.
    assert.ok(now() - began > 4.9 * 125, `${now() - began} ms`);
  } finally {
    set.end();
  }
});

test('a bucket never gives more than its rate and its burst', () => {
  const steps = fc.array(fc.record({ after: fc.nat(500), bytes: fc.nat(5000) }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (some) => {
      const pace = new Pace(1000, 2000);
      let time = 0;
      let bytes = 0;
      for (const step of some) {
        time += step.after;
        bytes += step.bytes;
        time += pace.take(step.bytes, time);
        assert.ok(bytes <= 2000 + time + 1e-6);
      }
    }),
  );
});

test('waits follow the link: a slow one is given its time, each attempt more, none beyond the longest', () => {
  const bounds = { shortestWait: millis(100), longestWait: millis(10_000) };
  const slow = new RoundTrip(bounds);
  for (let i = 0; i < 50; i++) slow.measured(4000);
  assert.ok(slow.wait(0, 0) >= 4000 && slow.wait(0, 0) < 6000);
  assert.is(slow.wait(5, 0), 10_000);
  const quick = new RoundTrip(bounds);
  quick.measured(1);
  assert.is(quick.wait(0, 0), 100);
  assert.is(quick.wait(2, 1), 500);
});

test('the time: a signed reply under the own nonce is taken, others are not', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyId = 'cd'.repeat(32);
  const set = await stage({ timeKey: { keyId, key: privateKey } });
  try {
    const link = set.broker.link();
    const old = encodeTimeReply(new Uint8Array(16), epochMillis(1), { keyId, key: privateKey });
    await link.subscribe(topics.timeRequest('n1'), () => set.broker.deliver(topics.timeResponse('n1'), old));
    const asked = await askTime(
      {
        link,
        topics,
        node: 'n1',
        now,
        accept: ({ signed, signature }) => verify(null, signed, publicKey, signature),
      },
      NEVER,
    );
    assert.ok(Math.abs(asked.reply.time - clock.wall()) < 5000);
    assert.ok(asked.askedAt <= asked.repliedAt);
    const refusing = {
      link,
      topics,
      node: 'n1',
      now,
      accept: () => false,
      patience: millis(50),
      attempts: 2,
    };
    assert.ok((await rejects(askTime(refusing, NEVER), 'ota-transport')).retryable);
    assert.is(set.hub.counters.timeReplies, 3);
  } finally {
    set.end();
  }
});

test('a folder is a repository like any other, and what is damaged in it is named', async () => {
  const folder = new PublicFolder();
  try {
    const sha256 = folder.blob(content);
    folder.metadata('1.root.json', '{}');
    const source = importDirectory(folder.directory);
    assert.is(String(Buffer.from((await source.metadata('1.root.json', 10, NEVER))!)), '{}');
    assert.is(await source.metadata('2.root.json', 10, NEVER), undefined);
    await rejects(source.metadata('1.root.json', 1, NEVER), 'ota-too-long');
    const sink = sinkFor(content);
    await sink.write(2, content.subarray(2 * BLOCK_BYTES, 3 * BLOCK_BYTES));
    await source.fetch(sink, NEVER);
    assert.ok(Buffer.compare(sink.bytes(), content) === 0);

    const path = join(folder.directory, 'blobs', sha256);
    const spoilt = Buffer.from(content);
    spoilt[3 * BLOCK_BYTES]! ^= 1;
    writeFileSync(path, spoilt);
    const other = sinkFor(content);
    const error = await rejects(source.fetch(other, NEVER), 'ota-transport');
    assert.match(error.message, /damaged in block 3/);
    assert.not.ok(error.retryable);
    assert.is(other.missing, 4);
    truncateSync(path, 100);
    assert.match(
      (await rejects(source.fetch(other, NEVER), 'ota-transport')).message,
      /100 bytes in the folder/,
    );
    await rejects(source.fetch(sinkFor(randomBytes(10, 77)), NEVER), 'ota-transport');
    await rejects(importDirectory(`${folder.directory}-not`).fetch(sinkFor(content), NEVER), 'ota-transport');
  } finally {
    folder.remove();
  }
});

test('metadata of several frames comes whole', async () => {
  const set = await stage();
  try {
    const long = randomBytes(200_000, 8);
    set.folder.metadata('9.targets.json', long);
    set.folder.metadata('8.targets.json', '');
    const source = set.source({ timing: FAST });
    assert.ok(Buffer.compare((await source.metadata('9.targets.json', 1 << 20, NEVER))!, long) === 0);
    assert.is((await source.metadata('8.targets.json', 1 << 20, NEVER))!.length, 0);
    await rejects(source.metadata('9.targets.json', 100_000, NEVER), 'ota-too-long');
  } finally {
    set.end();
  }
});

test.run();
