/** Cases 32 to 35 of the hostile list, over a real mosquitto and into the node's own store: what breaks on the way. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blobFacts } from '../../../../ota/bundle/block-map.ts';
import { BLOCK_BYTES, type BlobSink } from '../../../../ota/client/blob-source.ts';
import { fetchToStore } from '../../../../ota/client/store/fetch-blob.ts';
import { sha256Of } from '../../../../ota/client/store/memory-sink.ts';
import { UpdateStore } from '../../../../ota/client/store/update-store.ts';
import { MqttSource } from '../../../../ota/client/transport/mqtt-source.ts';
import { connectLink, type MqttLink } from '../../../../ota/protocol/mqtt-link.ts';
import { Hub } from '../../../../ota/publish/serve/hub.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { nodeFileSystem } from '../../../../runtime/core/file-system.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { type Mosquitto, startMosquitto } from '../../../support/mosquitto.ts';
import { PublicFolder, randomBytes, sinkFor } from '../../../support/ota/public-folder.ts';
import { rejects } from '../../../support/rejects.ts';
import { waitFor } from '../../../support/wait.ts';
import { FAST, NEVER, topics } from './support.ts';

const clock = new SystemClock(() => true);
const content = randomBytes(40 * BLOCK_BYTES + 99);
const facts = blobFacts(content);
const blob = { sha256: facts.sha256, length: facts.length, blocks: sha256Of(facts.map) };
const PATIENT = { ...FAST, attempts: 12, patience: millis(20_000) };
/** So slow that something can happen meanwhile. */
const SLOW = { bytesPerSecond: 24 * BLOCK_BYTES, hours: [] };

interface Setting {
  readonly broker: Mosquitto;
  readonly folder: PublicFolder;
  readonly links: MqttLink[];
  hub(directory?: string): Promise<Hub>;
  source(limits?: typeof SLOW): Promise<MqttSource>;
}

async function within(work: (setting: Setting) => Promise<void>): Promise<void> {
  const broker = await startMosquitto();
  const folder = new PublicFolder();
  folder.metadata('timestamp.json', '{}');
  folder.blob(content);
  folder.blob(facts.map);
  const links: MqttLink[] = [];
  const hubs: Hub[] = [];
  const link = async () => {
    const made = await connectLink(broker.url);
    links.push(made);
    return made;
  };
  try {
    await work({
      broker,
      folder,
      links,
      async hub(directory = folder.directory) {
        const hub = new Hub({ link: await link(), topics, directory, clock, watchEvery: millis(50) });
        hubs.push(hub);
        await hub.start();
        return hub;
      },
      async source(limits) {
        const options = { link: await link(), topics, node: 'n1', clock, timing: PATIENT };
        return new MqttSource({ ...options, ...(limits && { limits }) });
      },
    });
  } finally {
    for (const hub of hubs) hub.stop();
    await Promise.all(links.map((one) => one.close()));
    await broker.stop();
    folder.remove();
  }
}

test('case 32: the broker is killed in the middle of a transfer, which goes on when it is back', async () => {
  await within(async ({ broker, hub, source }) => {
    await hub();
    const node = await source(SLOW);
    const sink = sinkFor(content);
    const fetching = node.fetch(sink, NEVER);
    await waitFor('some blocks', () => sink.missing < 30);
    await broker.halt();
    const had = sink.missing;
    await broker.resume();
    await fetching;
    assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    assert.ok(had > 0 && node.counters.bytesKept === content.length);
  });
});

test('case 32: a broker that is gone from the start on is waited for, for a while, but by no look that begins', async () => {
  await within(async ({ broker, hub, source, links }) => {
    await hub();
    const node = await source();
    await broker.halt();
    await waitFor('the loss', () => links.every(({ connected }) => !connected));
    assert.ok((await rejects(node.metadata('timestamp.json', 100, NEVER), 'ota-transport')).retryable);
    const fetching = node.fetch(sinkFor(content), NEVER);
    const patience = { ...PATIENT, patience: millis(300) };
    const hasty = new MqttSource({ link: links[1]!, topics, node: 'n1', clock, timing: patience });
    assert.ok((await rejects(hasty.fetch(sinkFor(content), NEVER), 'ota-transport')).retryable);
    await broker.resume();
    await fetching;
    assert.is(String(Buffer.from((await node.metadata('timestamp.json', 100, NEVER))!)), '{}');
  });
});

test('case 33: the hub restarts with a new repository in the middle of a transfer', async () => {
  await within(async ({ hub, source, folder }) => {
    const first = await hub();
    const node = await source(SLOW);
    const sink = sinkFor(content);
    const fetching = node.fetch(sink, NEVER);
    await waitFor('some blocks', () => sink.missing < 35);
    first.stop();
    folder.metadata('timestamp.json', '{"version":2}');
    folder.metadata('2.root.json', '{}');
    await hub();
    await fetching;
    assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    assert.is(String(Buffer.from((await node.metadata('timestamp.json', 100, NEVER))!)), '{"version":2}');
  });
});

test('case 33: the new repository has the blob no more: the transfer ends and says so, what came is kept', async () => {
  await within(async ({ hub, source }) => {
    const first = await hub();
    const node = await source(SLOW);
    const sink = sinkFor(content);
    const fetching = rejects(node.fetch(sink, NEVER), 'ota-transport');
    await waitFor('some blocks', () => sink.missing < 35);
    first.stop();
    const other = new PublicFolder();
    other.metadata('timestamp.json', '{"version":2}');
    await hub(other.directory);
    assert.ok((await fetching).retryable);
    assert.ok(sink.missing < 35);
    assert.ok(node.counters.answersAbsent > 0);
    other.remove();
  });
});

test('case 34: the node restarts in the middle; poisoned blocks and maps cost themselves alone', async () => {
  await within(async ({ hub, source }) => {
    await hub();
    const directory = join(mkdtempSync(join(tmpdir(), 'vigie-resume-')), 'ota');
    let store = await UpdateStore.open(nodeFileSystem, directory);
    try {
      const abort = new AbortController();
      const slow = await source(SLOW);
      const { signal } = abort;
      const fill = (sink: BlobSink) => slow.fetch(sink, signal);
      const fetching = fetchToStore(store.blobs, slow, blob, fill, signal);
      await waitFor('half of it', () => slow.counters.bytesKept > content.length / 2);
      abort.abort(new RangeError('power'));
      await fetching.catch(() => undefined);
      await store.close();
      const part = join(directory, 'parts', `${blob.sha256}.part`);
      const bytes = readFileSync(part);
      bytes.fill(0, 100, 200);
      writeFileSync(part, bytes);
      writeFileSync(join(directory, 'blobs', blob.blocks), Buffer.concat([facts.map, facts.map]));
      store = await UpdateStore.open(nodeFileSystem, directory);
      const node = await source();
      await fetchToStore(store.blobs, node, blob, (sink) => node.fetch(sink, NEVER), NEVER);
      assert.ok(await store.blobs.isWhole(blob.sha256, blob.length));
      assert.equal(readdirSync(join(directory, 'parts')), []);
      // What is kept, not what is answered: on a busy machine a question is asked, and answered, twice.
      const both = slow.counters.bytesKept + node.counters.bytesKept;
      assert.ok(both <= content.length + BLOCK_BYTES + 2 * facts.map.length, 'one block, the map');
    } finally {
      await store.close();
      rmSync(join(directory, '..'), { recursive: true, force: true });
    }
  });
});

test('case 35: two updaters of one node at once do not disturb each other, and one store has one of them', async () => {
  await within(async ({ hub, source }) => {
    await hub();
    const sinks = [sinkFor(content), sinkFor(content)];
    const sources = [await source(), await source()];
    await Promise.all(sources.map((one, i) => one.fetch(sinks[i]!, NEVER)));
    for (const sink of sinks) assert.ok(Buffer.compare(sink.bytes(), content) === 0);
    const directory = join(mkdtempSync(join(tmpdir(), 'vigie-lock-')), 'ota');
    const store = await UpdateStore.open(nodeFileSystem, directory);
    try {
      assert.ok((await rejects(UpdateStore.open(nodeFileSystem, directory), 'ota-store-busy')).retryable);
    } finally {
      await store.close();
      rmSync(join(directory, '..'), { recursive: true, force: true });
    }
  });
});

test.run();
