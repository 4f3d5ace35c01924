/** Cases 24 to 31 of the hostile list: what a broken, slow or hostile hub does to a transfer. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_BYTES } from '../../../../ota/client/blob-source.ts';
import { MqttSource } from '../../../../ota/client/transport/mqtt-source.ts';
import { decodeResponse, encodeResponse } from '../../../../ota/protocol/frames.ts';
import type { OtaLink } from '../../../../ota/protocol/link.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { Random } from '../../../../simulator/random.ts';
import { MemoryBroker } from '../../../support/ota/memory-broker.ts';
import { randomBytes, sinkFor } from '../../../support/ota/public-folder.ts';
import { rejects } from '../../../support/rejects.ts';
import { FAST, impostor, NEVER, stage, topics } from './support.ts';

const content = randomBytes(10 * BLOCK_BYTES + 1234);
const blocks = 11;
const block = (index: number) => content.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);

function sourceOn(broker: MemoryBroker, timing = FAST): MqttSource {
  const clock = new SystemClock(() => true);
  return new MqttSource({ link: broker.link(), topics, node: 'n1', clock, timing });
}

/** For counts that must not depend on how busy the machine is. */
const UNHURRIED = {
  ...FAST,
  shortestWait: millis(1000),
  longestWait: millis(4000),
  patience: millis(20_000),
};

/** A link on which some answers are lost. */
function dropping(link: OtaLink, drop: (index: number) => boolean): OtaLink {
  return {
    publish: (topic, payload, delivery) => link.publish(topic, payload, delivery),
    subscribe: (topic, onMessage) =>
      link.subscribe(topic, (name, payload) => {
        const response = decodeResponse(payload);
        if (!response || !drop(response.offset / BLOCK_BYTES)) onMessage(name, payload);
      }),
  };
}

test('case 24: a block that is lost once is asked for again, alone', async () => {
  const set = await stage();
  try {
    set.folder.blob(content);
    let lost = 0;
    const link = dropping(set.broker.link(), (index) => index === 3 && lost++ === 0);
    const source = set.source({ link, timing: UNHURRIED });
    const sink = sinkFor(content);
    await source.fetch(sink, NEVER);
    assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    assert.is(source.counters.retries, 1);
    assert.is(source.counters.requests, blocks + 1);
  } finally {
    set.end();
  }
});

test('case 24: a block that never comes ends the transfer in bounded time, and the next one asks for that block alone', async () => {
  const set = await stage();
  try {
    set.folder.blob(content);
    let lose = true;
    const link = dropping(set.broker.link(), (index) => lose && index === 3);
    const source = set.source({ link });
    const sink = sinkFor(content);
    const error = await rejects(source.fetch(sink, NEVER), 'ota-transport');
    assert.ok(error.retryable);
    assert.is(sink.missing, 1, 'the others came');
    lose = false;
    const before = source.counters.bytesKept;
    await source.fetch(sink, NEVER);
    assert.is(source.counters.bytesKept - before, BLOCK_BYTES);
    assert.is(sink.missing, 0);
  } finally {
    set.end();
  }
});

test('case 24: a hub that does not answer at all ends it in bounded time', async () => {
  const broker = new MemoryBroker();
  const error = await rejects(sourceOn(broker).fetch(sinkFor(content), NEVER), 'ota-transport');
  assert.ok(error.retryable);
  assert.ok(
    (await sourceOn(broker)
      .metadata('timestamp.json', 100, NEVER)
      .catch((e) => e.retryable)) === true,
  );
});

test('case 25: 10 % loss, duplicates and messages out of order: complete, at most 1.3 times the bytes', async () => {
  const random = new Random(7);
  const faults = { random, loss: 0.1, duplicate: 0.05, late: 0.3 };
  const set = await stage({}, faults);
  try {
    const long = randomBytes(64 * BLOCK_BYTES, 2);
    set.folder.blob(long);
    const source = set.source({ timing: { ...UNHURRIED, shortestWait: millis(300), attempts: 8 } }, faults);
    const sink = sinkFor(long);
    await source.fetch(sink, NEVER);
    assert.ok(Buffer.compare(sink.bytes(), long) === 0);
    const { bytesAnswered } = set.hub.counters;
    assert.ok(bytesAnswered <= 1.3 * long.length, `${bytesAnswered} bytes for ${long.length}`);
    assert.ok(source.counters.retries > 0);
  } finally {
    set.end();
  }
});

test('case 25: an answer that comes after its request was given up still counts', async () => {
  const broker = new MemoryBroker();
  let first = true;
  await impostor(broker, ({ offset, answer }) => {
    const late = first ? 150 : 100_000;
    first = false;
    setTimeout(() => answer({ total: 1000, bytes: content.subarray(offset, 1000) }), late).unref();
  });
  const sink = sinkFor(content.subarray(0, 1000));
  await sourceOn(broker, { ...FAST, attempts: 30 }).fetch(sink, NEVER);
  assert.is(sink.missing, 0);
});

for (const [name, spoilt] of [
  ['longer than asked for', (right: Uint8Array) => Buffer.concat([right, Buffer.of(0)])],
  ['shorter than asked for', (right: Uint8Array) => right.subarray(1)],
  ['empty', () => new Uint8Array(0)],
  ['of other bytes', (right: Uint8Array) => right.map((byte) => byte ^ 1)],
] as const) {
  test(`case 26: a block that is ${name} is not kept; the right one is, after it`, async () => {
    const broker = new MemoryBroker();
    const once = new Set<number>();
    await impostor(broker, ({ offset, length, answer }) => {
      const right = content.subarray(offset, offset + length);
      if (!once.has(offset)) answer({ total: content.length + 1, bytes: new Uint8Array(0) });
      answer({ total: content.length, bytes: once.has(offset) ? right : bounded(spoilt(right)) });
      once.add(offset);
    });
    const source = sourceOn(broker);
    const sink = sinkFor(content);
    await source.fetch(sink, NEVER);
    assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    assert.ok(source.counters.blocksBad + source.counters.framesIgnored >= blocks);
  });
}

/** A frame holds no more; the block before the last is asked for as long as it is. */
const bounded = (bytes: Uint8Array) => bytes.subarray(0, BLOCK_BYTES);

test('case 27: a total that changes on the way is no answer', async () => {
  const broker = new MemoryBroker();
  const lengths = [content.length + BLOCK_BYTES, content.length - 1, 0, 2 ** 40];
  await impostor(broker, ({ offset, length, answer }) => {
    for (const total of lengths)
      if (total >= offset + length) answer({ total, bytes: content.subarray(offset, offset + length) });
  });
  const sink = sinkFor(content);
  await rejects(sourceOn(broker).fetch(sink, NEVER), 'ota-transport');
  assert.is(sink.missing, blocks);
});

test('case 27: metadata that changes while it is read is read again by whoever wanted it', async () => {
  const broker = new MemoryBroker();
  await impostor(broker, ({ offset, length, answer }) => {
    const total = offset === 0 ? 100_000 : 100_001;
    answer({ total, bytes: new Uint8Array(Math.min(length, total - offset)) });
  });
  const error = await rejects(sourceOn(broker).metadata('3.snapshot.json', 1 << 20, NEVER), 'ota-transport');
  assert.ok(error.retryable);
});

test('case 28: metadata without an end is not read beyond its bound', async () => {
  const broker = new MemoryBroker();
  let asked = 0;
  await impostor(broker, ({ length, answer }) => {
    asked += 1;
    answer({ total: 2 ** 45, bytes: new Uint8Array(length) });
  });
  const source = sourceOn(broker);
  await rejects(source.metadata('timestamp.json', 16_384, NEVER), 'ota-too-long');
  assert.is(asked, 1);
  assert.ok(source.counters.bytesReceived <= 16_384);
});

test('case 28: a blob judged as a whole is not written without end', async () => {
  const broker = new MemoryBroker();
  await impostor(broker, ({ offset, length, answer }) =>
    answer({ total: content.length, bytes: new Uint8Array(Math.min(length, content.length - offset)) }),
  );
  const source = sourceOn(broker);
  await rejects(source.fetch(sinkFor(content, false), NEVER), 'ota-transport');
  assert.ok(source.counters.bytesKept <= 5 * content.length);
});

test('case 29: a slow drip ends by the least rate', async () => {
  const broker = new MemoryBroker();
  await impostor(broker, ({ offset, length, answer }) => {
    setTimeout(
      () => answer({ total: content.length, bytes: content.subarray(offset, offset + length) }),
      200,
    );
  });
  const timing = {
    ...FAST,
    window: 1,
    longestWait: millis(1000),
    leastBytesPerSecond: 10 * BLOCK_BYTES,
    rateWindow: millis(500),
  };
  const sink = sinkFor(content);
  const error = await rejects(sourceOn(broker, timing).fetch(sink, NEVER), 'ota-transport');
  assert.match(error.message, /too slowly/);
  assert.ok(sink.missing > 0 && error.retryable);
});

test('case 30: floods of garbage change nothing and are counted', async () => {
  const set = await stage();
  try {
    set.folder.blob(content);
    const random = new Random(5);
    const source = set.source();
    const flood = setInterval(() => {
      for (let i = 0; i < 40; i++) {
        const length = Math.floor(random.between(0, 300));
        set.broker.deliver(topics.response('n1'), randomBytes(length, i));
        set.broker.deliver(topics.request('n1'), randomBytes(length, i));
        const forged = {
          id: Math.floor(random.between(0, 2 ** 32)),
          status: 'ok',
          total: content.length,
          offset: 0,
        } as const;
        set.broker.deliver(topics.response('n1'), encodeResponse({ ...forged, bytes: block(1) }));
      }
    }, 1);
    try {
      const sink = sinkFor(content);
      await source.fetch(sink, NEVER);
      assert.ok(Buffer.compare(sink.bytes(), content) === 0);
      await sleep(10);
    } finally {
      clearInterval(flood);
    }
    assert.ok(source.counters.framesIgnored > 0 && set.hub.counters.refused > 0);
  } finally {
    set.end();
  }
});

test('case 31: a forged block under a valid id is no answer, and the right one behind it is', async () => {
  const broker = new MemoryBroker();
  await impostor(broker, ({ offset, length, answer }) => {
    const right = content.subarray(offset, offset + length);
    answer({ total: content.length, bytes: right.map((byte) => byte ^ 0x55) });
    answer({ total: content.length, bytes: right });
  });
  const source = sourceOn(broker, UNHURRIED);
  const sink = sinkFor(content);
  await source.fetch(sink, NEVER);
  assert.ok(Buffer.compare(sink.bytes(), content) === 0);
  assert.is(source.counters.retries, 0);
  assert.is(source.counters.blocksBad, blocks);
});

test('case 31: forged blocks alone, under every id, end in bounded time with nothing kept', async () => {
  const broker = new MemoryBroker();
  await impostor(broker, ({ length, answer }) => {
    for (let i = 0; i < 20; i++) answer({ total: content.length, bytes: randomBytes(length, 100 + i) });
  });
  const sink = sinkFor(content);
  await rejects(sourceOn(broker).fetch(sink, NEVER), 'ota-transport');
  assert.is(sink.missing, blocks);
});

test('a forged "there is no such blob" is asked again; a hub that has none is said to', async () => {
  const set = await stage();
  try {
    const source = set.source();
    assert.is(await source.metadata('7.root.json', 100, NEVER), undefined);
    await rejects(source.fetch(sinkFor(content), NEVER), 'ota-transport');
    assert.ok(source.counters.answersAbsent > 1);
  } finally {
    set.end();
  }
});

test('an abort ends a transfer at once, with its reason', async () => {
  const broker = new MemoryBroker();
  const abort = new AbortController();
  const reason = new RangeError('enough');
  const fetching = sourceOn(broker).fetch(sinkFor(content), abort.signal);
  setTimeout(() => abort.abort(reason), 20);
  assert.is(await fetching.catch((error) => error), reason);
});

test('what the disk says ends a transfer', async () => {
  const set = await stage();
  try {
    set.folder.blob(content);
    const full = new RangeError('the disk is full');
    const sink = sinkFor(content);
    const failing = Object.create(sink, {
      write: { value: async () => Promise.reject(full) },
      missing: { value: blocks },
      wants: { value: () => true },
    });
    assert.is(
      await set
        .source()
        .fetch(failing, NEVER)
        .catch((error) => error),
      full,
    );
  } finally {
    set.end();
  }
});

test.run();
