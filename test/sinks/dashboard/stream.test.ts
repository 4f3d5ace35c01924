import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { anomaly } from '../plant.ts';
import { type Plant, startPlant } from './harness.ts';

let plant: Plant;
let readers: AbortController[] = [];
let sockets: Socket[] = [];
test.after.each(async () => {
  for (const reader of readers) reader.abort();
  for (const socket of sockets) socket.destroy();
  readers = [];
  sockets = [];
  await plant.dashboard.stop();
});

interface Follower {
  readonly code: number;
  readonly events: { event: string; data: unknown }[];
}

async function follow(): Promise<Follower> {
  const reader = new AbortController();
  readers.push(reader);
  const response = await fetch(plant.url('/api/stream'), { signal: reader.signal });
  const events: Follower['events'] = [];
  if (response.ok) void read(response, events).catch(() => {});
  return { code: response.status, events };
}

async function read(response: Response, events: Follower['events']): Promise<void> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const match = /event: (.*)\ndata: (.*)/.exec(block);
      if (match) events.push({ event: match[1]!, data: JSON.parse(match[2]!) });
    }
  }
}

async function until<T>(what: string, condition: () => T | undefined | false): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const result = condition();
    if (result) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new assert.Assertion({ message: `did not happen: ${what}`, operator: 'until' } as never);
}

const metric = async (name: string) =>
  (await (await fetch(plant.url('/metrics'))).text()).split('\n').find((line) => line.startsWith(name));

test('deltas of values, status on change, anomalies at once', async () => {
  plant = await startPlant();
  const { events } = await follow();
  const find = (name: string) => events.find(({ event }) => event === name);
  await until('status', () => find('status'));
  plant.dashboard.accept([
    { ...plant.clock.stamp(), tag: plant.tags[2]!, value: 1, quality: 'good' },
    { ...plant.clock.stamp(), tag: plant.tags[3]!, value: Number.NaN, quality: 'bad', reason: 'not-finite' },
    { ...plant.clock.stamp(), tag: plant.tags[2]!, value: 2.5, quality: 'good' },
  ]);
  const values = await until('values', () => find('values'));
  assert.equal(values.data, [
    [2, 2.5, 'good'],
    [3, null, 'bad', 'not-finite'],
  ]);
  plant.dashboard.acceptEvent(anomaly('a-7'), plant.clock.stamp());
  const event = await until('anomaly', () => find('anomaly'));
  assert.is((event.data as { id: string }).id, 'a-7');
  const statuses = () => events.filter((one) => one.event === 'status').length;
  assert.is(statuses(), 1);
  plant.status = { ...plant.status, uptime: millis(7_200_000) };
  await until('a beat when nothing changes', () => find('beat') && events.at(-1)?.event === 'beat');
  assert.is(statuses(), 1, 'time alone is no news');
  plant.status = { ...plant.status, timeQuality: 'synced' };
  await until('the new status', () => statuses() === 2);
});

test('the number of readers is bounded, and a place becomes free again', async () => {
  plant = await startPlant();
  const followers = await Promise.all(Array.from({ length: 16 }, follow));
  assert.ok(followers.every(({ code }) => code === 200));
  assert.is((await follow()).code, 503);
  assert.is(await metric('vigie_http_stream_clients'), 'vigie_http_stream_clients 16');
  assert.is(
    await metric('vigie_http_stream_dropped_total{reason="limit"}'),
    'vigie_http_stream_dropped_total{reason="limit"} 1',
  );
  readers[0]!.abort();
  for (let i = 0; i < 400 && (await metric('vigie_http_stream_clients'))?.endsWith('16'); i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is((await follow()).code, 200);
});

test('a reader that does not read is dropped and counted; the others go on', async () => {
  plant = await startPlant();
  const slow = connect(plant.dashboard.port, '127.0.0.1');
  sockets.push(slow);
  slow.on('error', () => {});
  slow.pause();
  slow.write('GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const quick = await follow();
  for (let i = 0; i < 400 && !(await metric('vigie_http_stream_clients'))?.endsWith('2'); i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const summary = 'x'.repeat(64_000);
  let sent = 0;
  const dropped = 'vigie_http_stream_dropped_total{reason="slow"} 1';
  for (; sent < 2000 && (await metric('vigie_http_stream_dropped_total{reason="slow"}')) !== dropped; sent++)
    plant.dashboard.acceptEvent(anomaly(`a-${sent}`, 'start', { summary }), plant.clock.stamp());
  assert.is(await metric('vigie_http_stream_dropped_total{reason="slow"}'), dropped);
  assert.is(await metric('vigie_http_stream_clients'), 'vigie_http_stream_clients 1');
  await until(
    'the quick one has all',
    () => quick.events.filter((one) => one.event === 'anomaly').length === sent,
  );
});

test('stopping ends the streams', async () => {
  plant = await startPlant();
  await follow();
  await plant.dashboard.stop();
  assert.is(plant.dashboard.port, 0);
});

test.run();
