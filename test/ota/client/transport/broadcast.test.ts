/** One publication for many nodes, and what of it a node may believe. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_BYTES } from '../../../../ota/client/blob-source.ts';
import { sha256Of } from '../../../../ota/client/store/memory-sink.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { Random } from '../../../../simulator/random.ts';
import { randomBytes, sinkFor } from '../../../support/ota/public-folder.ts';
import { waitFor } from '../../../support/wait.ts';
import { FAST, NEVER, stage, topics } from './support.ts';

const content = randomBytes(20 * BLOCK_BYTES + 5);
const small = randomBytes(700, 9);
/** However busy the machine is. */
const PATIENT = { ...FAST, announcedHold: millis(15_000), broadcastQuiet: millis(5000) };
const AT_ONCE = { lead: millis(50), settle: millis(50), bytesPerSecond: 2 ** 30 };

test('a broadcast serves all nodes: the hub sends once, and nothing is asked for', async () => {
  const set = await stage();
  try {
    const sha256 = set.folder.blob(content);
    const smallHash = set.folder.blob(small);
    const nodes = Array.from({ length: 12 }, (_, i) => set.source({ node: `n${i}`, timing: PATIENT }));
    await set.broker.link().subscribe(topics.announce, (_topic, payload) => {
      const { broadcast } = JSON.parse(String(Buffer.from(payload)));
      for (const node of nodes) node.announced({ timestamp: sha256, broadcast });
    });
    const sending = set.hub.broadcast([smallHash, sha256], { timing: { ...AT_ONCE, settle: millis(300) } });
    await sleep(200);
    const fetched = nodes.map(async (node) => {
      const first = sinkFor(small);
      await node.fetch(first, NEVER);
      const sink = sinkFor(content);
      await node.fetch(sink, NEVER);
      return [first.bytes(), sink.bytes()];
    });
    assert.is(await sending, small.length + content.length);
    for (const [one, other] of await Promise.all(fetched)) {
      assert.ok(Buffer.compare(one!, small) === 0 && Buffer.compare(other!, content) === 0);
    }
    assert.is(set.hub.counters.bytesAnswered, 0);
    assert.is(set.broker.bytes.blob, small.length + content.length);
  } finally {
    set.end();
  }
});

test('what a broadcast lost is asked for once it is quiet, and only that', async () => {
  const set = await stage({}, { random: new Random(3), loss: 0.2 });
  try {
    const sha256 = set.folder.blob(content);
    const source = set.source();
    source.announced({ timestamp: sha256, broadcast: [{ sha256, length: content.length }] });
    const sink = sinkFor(content);
    const fetching = source.fetch(sink, NEVER);
    await set.hub.broadcast([sha256], { timing: AT_ONCE });
    await fetching;
    assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    const asked = set.hub.counters.bytesAnswered;
    assert.ok(asked > 0 && asked < 0.6 * content.length, `${asked} bytes`);
  } finally {
    set.end();
  }
});

test('a broadcast that was announced and never comes is waited for no longer than said', async () => {
  const set = await stage();
  try {
    const sha256 = set.folder.blob(content);
    const source = set.source({ timing: { ...FAST, announcedHold: millis(150) } });
    source.announced({ timestamp: sha256, broadcast: [{ sha256, length: content.length }] });
    const sink = sinkFor(content);
    await source.fetch(sink, NEVER);
    assert.is(sink.missing, 0);
    assert.is(source.counters.bytesBroadcast, 0);
  } finally {
    set.end();
  }
});

test('case 31: forged broadcast blocks are not kept and hold nothing back', async () => {
  const set = await stage();
  try {
    const sha256 = set.folder.blob(content);
    const source = set.source({ timing: { ...FAST, announcedHold: millis(300) } });
    const smallHash = sha256Of(small);
    const announced = [content, small].map((bytes) => ({ sha256: sha256Of(bytes), length: bytes.length }));
    source.announced({ timestamp: sha256, broadcast: announced });
    const flood = setInterval(() => {
      for (let i = 0; i < 25; i++)
        set.broker.deliver(topics.block(sha256, i), randomBytes(BLOCK_BYTES, 50 + i));
      set.broker.deliver(topics.block(smallHash, 0), randomBytes(small.length, 60));
    }, 5);
    try {
      const sink = sinkFor(content);
      await source.fetch(sink, NEVER);
      assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    } finally {
      clearInterval(flood);
    }
    assert.ok(source.counters.blocksBad > 0);
    assert.ok(set.hub.counters.bytesAnswered >= content.length);
  } finally {
    set.end();
  }
});

test('an announcement without the blob ends what was listened for', async () => {
  const set = await stage();
  try {
    const smallHash = set.folder.blob(small);
    const source = set.source();
    source.announced({ timestamp: smallHash, broadcast: [{ sha256: smallHash, length: small.length }] });
    await sleep(10);
    source.announced({ timestamp: smallHash, broadcast: [] });
    await sleep(10);
    set.broker.deliver(topics.block(smallHash, 0), small);
    await sleep(10);
    assert.is(source.counters.bytesBroadcast, 0);
    const sink = sinkFor(small);
    await source.fetch(sink, NEVER);
    assert.ok(source.counters.requests >= 1);
  } finally {
    set.end();
  }
});

test('a repository that changes is announced, without a restart', async () => {
  const set = await stage();
  try {
    const heard = new Set<string>();
    await set.broker
      .link()
      .subscribe(topics.announce, (_topic, payload) => heard.add(String(Buffer.from(payload))));
    await waitFor('the retained announcement', () => heard.size === 1);
    set.folder.metadata('timestamp.json', '{"version":2}');
    await waitFor('another', () => heard.size === 2);
    assert.is(
      String(Buffer.from((await set.source().metadata('timestamp.json', 100, NEVER))!)),
      '{"version":2}',
    );
  } finally {
    set.end();
  }
});

test.run();
