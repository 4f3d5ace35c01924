/** What it takes to bring content to nodes: one, fifty at once, and one behind a link that loses. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { blobFacts } from '../../ota/bundle/block-map.ts';
import { MemorySink, sha256Of } from '../../ota/client/store/memory-sink.ts';
import { TIMING } from '../../ota/client/transport/limits.ts';
import { MqttSource } from '../../ota/client/transport/mqtt-source.ts';
import type { OtaLink } from '../../ota/protocol/link.ts';
import { connectLink, type MqttLink } from '../../ota/protocol/mqtt-link.ts';
import { OtaTopics } from '../../ota/protocol/topics.ts';
import { encodeDelta } from '../../ota/publish/delta/make-delta.ts';
import { Hub } from '../../ota/publish/serve/hub.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { millis } from '../../runtime/core/units.ts';
import { Random } from '../../simulator/random.ts';
import { startMosquitto } from '../../test/support/mosquitto.ts';

export const MIB = 1024 ** 2;
const topics = new OtaTopics('bench');
const clock = new SystemClock();
const never = new AbortController().signal;

interface Content {
  readonly sha256: string;
  readonly length: number;
  readonly blocks: string;
  readonly map: Uint8Array;
}

interface Ground {
  readonly url: string;
  readonly hub: Hub;
  readonly content: Content;
  connect(): Promise<MqttLink>;
}

/** A mosquitto and a hub that serves one blob of so many bytes. */
async function onGround<T>(bytes: number, work: (ground: Ground) => Promise<T>, faults?: Random): Promise<T> {
  const broker = await startMosquitto();
  const directory = mkdtempSync(join(tmpdir(), 'vigie-bench-hub-'));
  const links: MqttLink[] = [];
  const connect = async () => {
    const link = await connectLink(broker.url);
    links.push(link);
    return link;
  };
  let hub: Hub | undefined;
  try {
    const content = writePublic(directory, bytes);
    const link = await connect();
    hub = new Hub({ link: faults ? losing(link, faults) : link, topics, directory, clock });
    await hub.start();
    return await work({ url: broker.url, hub, content, connect });
  } finally {
    hub?.stop();
    await Promise.all(links.map((link) => link.close()));
    await broker.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function writePublic(directory: string, bytes: number): Content {
  const random = new Random(bytes);
  const words = new Uint32Array(bytes / 4).map(() => random.next() * 2 ** 32);
  const file = new Uint8Array(words.buffer);
  for (const name of ['blobs', 'metadata']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'metadata', 'timestamp.json'), '{}');
  const { sha256, length, map } = blobFacts(file);
  const blocks = sha256Of(map);
  writeFileSync(join(directory, 'blobs', sha256), file);
  writeFileSync(join(directory, 'blobs', blocks), map);
  return { sha256, length, blocks, map };
}

export interface Fetched {
  /** From the first request to the verified file in the store. */
  readonly ms: number;
  /** Bytes of memory above the idle process, at most. */
  readonly rssAbove: number;
  /** Longest pause of the event loop, in ms. */
  readonly blocked: number;
}

/** As bin/vigie starts a node: what it needs of memory depends on it. */
const AS_ON_A_NODE = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--no-maglev',
  '--optimize-for-size',
];
const env = {
  ...process.env,
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '65536',
};

/** A node in a process of its own fetches a blob, so many times. */
export async function fetchBytes(bytes: number, times: number): Promise<Fetched[]> {
  return onGround(bytes, async ({ url, content: { map: _, ...blob } }) => {
    const script = join(
      import.meta.dirname,
      `fetch-node.${import.meta.filename.endsWith('.ts') ? 'ts' : 'js'}`,
    );
    const results: Fetched[] = [];
    for (let i = 0; i < times; i++) {
      const args = [...AS_ON_A_NODE, script, url, JSON.stringify(blob)];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env });
      results.push(JSON.parse(stdout) as Fetched);
    }
    return results;
  });
}

export interface Broadcasted {
  /** From the first block to the last node's last verified one. */
  readonly ms: number;
  /** Content that the hub sent, in broadcast and answers, by the content's length. */
  readonly hubRatio: number;
}

/** One broadcast to so many nodes in this process, each with a connection of its own. */
export async function broadcastTo(nodes: number, bytes: number): Promise<Broadcasted> {
  return onGround(bytes, async ({ hub, content, connect }) => {
    const { sha256, length, map } = content;
    const sources = await Promise.all(
      Array.from({ length: nodes }, async (_, i) => {
        const source = new MqttSource({ link: await connect(), topics, node: `node-${i}`, clock });
        source.announced({ timestamp: sha256, broadcast: [{ sha256, length }] });
        return source;
      }),
    );
    const fetching = sources.map((source) =>
      source.fetch(new MemorySink(sha256, length, { most: length, hashes: map }), never),
    );
    // Subscribed.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const began = performance.now();
    const timing = { lead: millis(0), settle: millis(0), bytesPerSecond: 1024 * MIB };
    await hub.broadcast([sha256], { timing });
    await Promise.all(fetching);
    const ms = performance.now() - began;
    return { ms, hubRatio: (hub.counters.bytesBroadcast + hub.counters.bytesAnswered) / length };
  });
}

/** 10 % of all messages are lost both ways, 5 % doubled, 20 % late. @returns content sent by content wanted. */
export async function lossyRatio(bytes: number): Promise<number> {
  const random = new Random(10);
  return onGround(
    bytes,
    async ({ hub, content, connect }) => {
      const { sha256, length, map } = content;
      const link = losing(await connect(), random);
      const source = new MqttSource({
        link,
        topics,
        node: 'node',
        clock,
        timing: { attempts: 2 * TIMING.attempts },
      });
      await source.fetch(new MemorySink(sha256, length, { most: length, hashes: map }), never);
      return hub.counters.bytesAnswered / length;
    },
    random,
  );
}

function losing(link: OtaLink, random: Random): OtaLink {
  return {
    subscribe: (topic, onMessage) => link.subscribe(topic, onMessage),
    async publish(topic, payload, delivery) {
      if (delivery.qos === 0 && random.next() < 0.1) return;
      const send = () => link.publish(topic, payload, delivery);
      if (random.next() < 0.05) await send();
      if (random.next() < 0.2) setTimeout(() => send().catch(() => undefined), random.between(1, 30));
      else await send();
    },
  };
}

/** int8 weights of which a part moved by a step or two. @returns the delta by the file. */
export async function deltaRatio(changed: number): Promise<number> {
  const random = new Random(18);
  const base = new Uint8Array(3_400_000).map(() => {
    const u = random.next() - 0.5;
    return Math.max(-127, Math.min(127, Math.round(-18 * Math.sign(u) * Math.log(1 - 2 * Math.abs(u)))));
  });
  const next = base.map((byte) => (random.next() < changed ? byte + random.pick([-2, -1, 1, 2]) : byte));
  return (await encodeDelta(base, next)).length / next.length;
}
