/**
 * A node that fetches one blob into a store of its own, as a process of its own: prints `{ ms, rssAbove, blocked }`.
 * Arguments: URL of the broker, and the blob as JSON.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchToStore } from '../../ota/client/store/fetch-blob.ts';
import { UpdateStore } from '../../ota/client/store/update-store.ts';
import { MqttSource } from '../../ota/client/transport/mqtt-source.ts';
import { connectLink } from '../../ota/protocol/mqtt-link.ts';
import { OtaTopics } from '../../ota/protocol/topics.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { nodeFileSystem } from '../../runtime/core/file-system.ts';

const [url, json] = process.argv.slice(2) as [string, string];
const blob = JSON.parse(json);
const directory = mkdtempSync(join(tmpdir(), 'vigie-bench-ota-'));
const store = await UpdateStore.open(nodeFileSystem, join(directory, 'ota'));
const link = await connectLink(url);
const clock = new SystemClock();
const source = new MqttSource({ link, topics: new OtaTopics('bench'), node: 'node', clock });
const never = new AbortController().signal;
try {
  await source.metadata('timestamp.json', 16_384, never);
  await sleep(300);
  const idle = process.memoryUsage().rss;
  let most = idle;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  await fetchToStore(store.blobs, source, blob, (sink) => source.fetch(sink, never), never);
  const ms = performance.now() - began;
  clearInterval(watch);
  process.stdout.write(JSON.stringify({ ms, rssAbove: most - idle, blocked: delay.max / 1e6 }));
} finally {
  await link.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}
