/** Case 36: a thousand nodes and a storm of announcements. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AnnounceWatch } from '../../../../ota/client/transport/announce-watch.ts';
import { encodeAnnouncement } from '../../../../ota/protocol/announce.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { Random } from '../../../../simulator/random.ts';
import { MemoryBroker } from '../../../support/ota/memory-broker.ts';
import { randomBytes } from '../../../support/ota/public-folder.ts';
import { topics } from './support.ts';

const now = () => new SystemClock().mono();
const hash = (i: number) => i.toString(16).padStart(64, '0');

test('case 36: one retained announcement spreads a thousand nodes over the jitter', async () => {
  const broker = new MemoryBroker();
  const link = broker.link();
  const payload = encodeAnnouncement({ timestamp: hash(1), broadcast: [] });
  await link.publish(topics.announce, payload, { qos: 1, retain: true });
  const random = new Random(1);
  const buckets = new Array<number>(10).fill(0);
  const began = now();
  const jitter = millis(1000);
  const watches = Array.from({ length: 1000 }, () => {
    const check = async () => {
      buckets[Math.min(9, Math.floor((now() - began) / 100))]! += 1;
    };
    return new AnnounceWatch({ link, topics, now, check, jitter, random: () => random.next() });
  });
  for (const watch of watches) await watch.start();
  await sleep(1300);
  for (const watch of watches) watch.stop();
  assert.is(
    buckets.reduce((sum, count) => sum + count, 0),
    1000,
    'each looks once',
  );
  assert.ok(Math.max(...buckets) < 400, `at most a part at once: ${buckets}`);
});

test('case 36: a storm of announcements makes one look at a time, and none sooner than the interval', async () => {
  const broker = new MemoryBroker();
  const link = broker.link();
  let running = 0;
  const starts: number[] = [];
  const check = async () => {
    running += 1;
    assert.is(running, 1);
    starts.push(now());
    await sleep(50);
    running -= 1;
  };
  const heard: string[] = [];
  const onAnnounced = ({ timestamp }: { timestamp: string }) => heard.push(timestamp);
  const timing = { jitter: millis(20), leastInterval: millis(200) };
  const watch = new AnnounceWatch({ link, topics, now, check, onAnnounced, ...timing });
  await watch.start();
  const began = now();
  for (let i = 0; i < 300; i++) {
    const announcement = encodeAnnouncement({ timestamp: hash(i), broadcast: [] });
    broker.deliver(topics.announce, announcement);
    broker.deliver(topics.announce, announcement);
    broker.deliver(topics.announce, randomBytes(100, i));
    await sleep(2);
  }
  await sleep(300);
  watch.stop();
  assert.is(heard.length, 300, 'the same one twice is one');
  assert.ok(starts.length >= 2 && starts.length <= 2 + (now() - began) / 200, `${starts.length} looks`);
  for (const [i, start] of starts.entries()) assert.ok(i === 0 || start - starts[i - 1]! >= 195);
  const looks = starts.length;
  broker.deliver(topics.announce, encodeAnnouncement({ timestamp: hash(999), broadcast: [] }));
  await sleep(300);
  assert.is(starts.length, looks, 'none after the stop');
});

test.run();
