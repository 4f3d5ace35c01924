import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../../../runtime/core/errors.ts';
import { bytes, epochMillis } from '../../../../runtime/core/units.ts';
import type { ZoneStore, ZonesWritten } from '../../../../runtime/core/zone-store.ts';
import { CAMERA_PAGES, type Plant, type PlantOptions, startPlant } from '../harness.ts';
import { intrusion, MadeUpCamera, stamp } from './made-up-camera.ts';

let plant: Plant;
let camera: MadeUpCamera;

/** The wall's own pace: streams run on timers. */
const clock = { tick: undefined as NodeJS.Timeout | undefined };
async function begin(options: PlantOptions = {}): Promise<void> {
  camera = new MadeUpCamera();
  plant = await startPlant({ cameras: [camera], ...options });
  let last = performance.now();
  clock.tick = setInterval(() => {
    const now = performance.now();
    plant.clock.advance((now - last) as Parameters<Plant['clock']['advance']>[0]);
    last = now;
  }, 5);
}
test.after.each(async () => {
  clearInterval(clock.tick);
  await plant.dashboard.stop();
});

/** Reads from a stream until `enough`, then leaves. */
async function reading(path: string, enough: (text: string) => boolean): Promise<string> {
  const abort = new AbortController();
  const response = await fetch(plant.url(path), { signal: abort.signal });
  assert.is(response.status, 200);
  let text = '';
  const limit = setTimeout(() => abort.abort(), 8000);
  try {
    for await (const piece of response.body!) {
      text += Buffer.from(piece).toString('latin1');
      if (enough(text)) break;
    }
  } finally {
    clearTimeout(limit);
    abort.abort();
  }
  return text;
}

const pictures = (text: string) => text.split('Content-Type: image/jpeg').length - 1;

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (condition()) return;
    await sleep(20);
  }
  assert.unreachable(`never: ${what}`);
}

test('the kept picture of an event is served; anything else below it is not there', async () => {
  await begin();
  const found = await fetch(plant.url('/cameras/gate/snapshots/kept-1.jpg'));
  assert.equal([found.status, found.headers.get('content-type')], [200, 'image/jpeg']);
  for (const path of ['snapshots/other.jpg', 'snapshots/kept-1', 'snapshots/..%2fkept-1.jpg', 'snapshots/']) {
    assert.is((await fetch(plant.url(`/cameras/gate/${path}`))).status, 404, path);
  }
});

test('the stream is JPEGs, one after the other; none is made when nobody looks', async () => {
  await begin();
  await sleep(100);
  assert.is(camera.wishes.length, 0, 'nobody looks');
  const text = await reading('/cameras/gate/stream.mjpg', (so) => pictures(so) >= 4);
  const [, first] = text.split('Content-Type: image/jpeg\r\nContent-Length: ');
  const length = Number.parseInt(first!, 10);
  const body = first!.slice(first!.indexOf('\r\n\r\n') + 4);
  assert.is(body.slice(0, 3), '\xff\xd8\xff');
  assert.ok(body.slice(length).startsWith('\r\n--picture'));
  assert.equal({ ...camera.wishes[0] }, { most: 640, quality: 75, mostBytes: 209_715, annotated: true });
  await sleep(150);
  const made = camera.wishes.length;
  await sleep(250);
  assert.is(camera.wishes.length, made, 'nobody looks any more');
});

test('everyone sees the same pictures: each is made once', async () => {
  await begin();
  const one = reading('/cameras/gate/stream.mjpg', (so) => pictures(so) >= 6);
  const other = reading('/cameras/gate/stream.mjpg', (so) => pictures(so) >= 6);
  await Promise.all([one, other]);
  assert.ok(camera.wishes.length < 10, `${camera.wishes.length} pictures for twice 6`);
});

test('a camera that shows the same frame sends it once', async () => {
  await begin();
  camera.still = true;
  const abort = new AbortController();
  const response = await fetch(plant.url('/cameras/gate/stream.mjpg'), { signal: abort.signal });
  let text = '';
  const all = (async () => {
    for await (const piece of response.body!) text += Buffer.from(piece).toString('latin1');
  })().catch(() => {});
  await sleep(500);
  abort.abort();
  await all;
  assert.is(pictures(text), 1);
});

test('no more pictures a second than configured, and no more bytes', async () => {
  await begin({ config: { cameras: { ...CAMERA_PAGES, fps: 20, bandwidth: bytes(64 * 1024) } } });
  const began = performance.now();
  const text = await reading('/cameras/gate/stream.mjpg', (so) => pictures(so) >= 8);
  const took = (performance.now() - began) / 1000;
  assert.ok(text.length < 64 * 1024 * (took + 1.5), `${text.length} bytes in ${took} s`);
  assert.ok(camera.wishes.length <= 20 * took + 2, `${camera.wishes.length} pictures in ${took} s`);
  assert.ok(camera.wishes[0]!.mostBytes <= 8192);
});

test('who reads too slowly gets fewer pictures and no queue, and does not slow down others', async () => {
  const config = { cameras: { ...CAMERA_PAGES, bandwidth: bytes(64 * 1024 * 1024) } };
  await begin({ config });
  camera.padding = 2_000_000;
  const slow = connect(Number(new URL(plant.url('/')).port), '127.0.0.1');
  slow.write('GET /cameras/gate/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n');
  slow.pause();
  const before = process.memoryUsage().arrayBuffers;
  await reading('/cameras/gate/stream.mjpg', (so) => so.length > 24e6);
  const grown = process.memoryUsage().arrayBuffers - before;
  const metrics = await (await fetch(plant.url('/metrics'))).text();
  assert.match(metrics, /vigie_live_pictures_total\{[^}]*outcome="skipped"[^}]*\} [1-9]/);
  assert.ok(grown < 120e6, `${grown} bytes more`);
  slow.destroy();
});

test('viewers are counted, and one too many is told so', async () => {
  await begin({ config: { cameras: { ...CAMERA_PAGES, viewers: 1 } } });
  const abort = new AbortController();
  await fetch(plant.url('/cameras/gate/stream.mjpg'), { signal: abort.signal });
  const second = await fetch(plant.url('/cameras/gate/stream.mjpg'));
  assert.is(second.status, 503);
  assert.is(second.headers.get('retry-after'), '10');
  assert.match(await second.text(), /too many live pictures/);
  abort.abort();
  await sleep(100);
  await reading('/cameras/gate/stream.mjpg', (so) => pictures(so) >= 1);
});

test('a camera without pictures keeps its viewers, and shows when it is back', async () => {
  await begin();
  camera.broken = true;
  const seen = reading('/cameras/gate/stream.mjpg', (so) => pictures(so) >= 1);
  await sleep(300);
  assert.is(camera.wishes.length, 1, 'asked again after a pause');
  const snapshot = await fetch(plant.url('/cameras/gate/snapshot.jpg'));
  assert.is(snapshot.status, 503);
  assert.match(await snapshot.text(), /no frame came yet/);
  camera.broken = false;
  assert.is(pictures(await seen), 1);
});

test('snapshots: with drawings and plain; many at once are one', async () => {
  await begin();
  const paths = ['', '', '', '?plain=1', '?plain=1'];
  const answers = await Promise.all(
    paths.map((query) => fetch(plant.url(`/cameras/gate/snapshot.jpg${query}`))),
  );
  for (const answer of answers) {
    assert.is(answer.headers.get('content-type'), 'image/jpeg');
    assert.is(Buffer.from(await answer.arrayBuffer()).readUInt16BE(0), 0xffd8);
  }
  assert.equal(
    camera.wishes.map(({ annotated }) => annotated),
    [true, false],
  );
});

test('events: what is open, what moves, what happens; followed only while someone listens', async () => {
  await begin();
  camera.open.push({ event: intrusion('i-1'), stamp: stamp() });
  assert.is(camera.followers.size, 0);
  const reader = reading(
    '/cameras/gate/events',
    (so) => so.includes('event: detection') && so.includes('event: scene'),
  );
  await until(() => camera.followers.size === 1, 'followed');
  for (let i = 0; i < 30; i++) camera.show();
  camera.tell(intrusion('i-1', 'end'), stamp());
  const text = await reader;
  assert.match(text, /event: health\ndata: {"state":"ok"/);
  assert.match(text, /event: events\ndata: \[{"id":"i-1","kind":"intrusion","phase":"start"/);
  assert.match(text, /event: detection\ndata: {"id":"i-1","kind":"intrusion","phase":"end"/);
  assert.ok(text.split('event: scene').length <= 4, 'fewer scenes than frames');
  await until(() => camera.followers.size === 0, 'not followed any more');
});

test('events: what is over and what an earlier start left are told with their pictures; new ones as they come', async () => {
  await begin();
  camera.earlier = [{ event: 'old', at: epochMillis(5000) }];
  camera.over.push({ event: intrusion('i-0', 'end'), stamp: stamp(), picture: 2 });
  camera.open.push({ event: intrusion('i-1'), stamp: stamp() });
  const reader = reading('/cameras/gate/events', (so) => so.includes('event: zones'));
  await until(() => camera.followers.size === 1, 'followed');
  for (const follower of camera.followers) {
    follower.pictured?.('i-1', 1);
    follower.configured?.();
  }
  const text = await reader;
  const known = JSON.parse(/event: events\ndata: (.*)/.exec(text)![1]!);
  assert.equal(
    known.map((one: Record<string, unknown>) => [one.id, one.phase, one.picture]),
    [
      ['old', 'earlier', 1],
      ['i-0', 'end', 2],
      ['i-1', 'start', 0],
    ],
  );
  assert.match(text, 'event: picture\ndata: {"id":"i-1","picture":1}');
});

test('the list, the page, and what is not there', async () => {
  await begin();
  camera.state = { state: 'degraded', detail: 'stall' };
  const list = await (await fetch(plant.url('/api/cameras'))).json();
  assert.equal(list, {
    cameras: [{ name: 'gate', health: { state: 'degraded', detail: 'stall' }, events: 0 }],
  });
  assert.match(await (await fetch(plant.url('/cameras/gate/'))).text(), /<title>/);
  for (const path of [
    '/cameras/roof/',
    '/cameras/gate/x',
    '/cameras/roof/stream.mjpg',
    '/api/cameras/gate/zones',
  ]) {
    assert.is((await fetch(plant.url(path))).status, 404, path);
  }
  const head = await fetch(plant.url('/cameras/gate/stream.mjpg'), { method: 'HEAD' });
  assert.is(head.status, 200);
  assert.is(camera.wishes.length, 0);
});

test('a login is asked for everywhere, as on the rest of the page', async () => {
  await begin({ config: { passwordFile: '/run/secret' }, password: () => 'geheim' });
  const paths = [
    '/cameras/gate/',
    '/cameras/gate/stream.mjpg',
    '/cameras/gate/snapshot.jpg',
    '/cameras/gate/events',
    '/api/cameras',
    '/api/cameras/gate/zones',
  ];
  for (const path of paths) assert.is((await fetch(plant.url(path))).status, 401, path);
  assert.is(camera.wishes.length, 0);
  const headers = { Authorization: `Basic ${btoa('vigie:geheim')}` };
  assert.is((await fetch(plant.url('/cameras/gate/snapshot.jpg'), { headers })).status, 200);
});

class MadeUpStore implements ZoneStore {
  edits: unknown[] = [];
  outcome: ZonesWritten | InputError = { revision: 'b', takesEffect: 'at-restart' };
  read = async () => ({ zones: [], tripwires: [], revision: 'a' });
  write = async (_: string, edit: unknown) => {
    this.edits.push(edit);
    if (this.outcome instanceof InputError) throw this.outcome;
    return this.outcome;
  };
}

const COMMAND = { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' };

test('zones are written by our own page alone, and problems come back', async () => {
  const zones = new MadeUpStore();
  await begin({ zones });
  const post = (headers: Record<string, string>, body = '{"zones":[]}') =>
    fetch(plant.url('/api/cameras/gate/zones'), { method: 'POST', headers, body });
  assert.is((await post({ 'Content-Type': 'application/json' })).status, 403);
  assert.is((await post({ ...COMMAND, Origin: 'http://elsewhere' })).status, 403);
  assert.equal(zones.edits, []);
  assert.equal(await (await post(COMMAND)).json(), { revision: 'b', takesEffect: 'at-restart' });
  zones.outcome = { problems: [{ path: ['zones', 0, 'name'], message: 'is missing' }] };
  const refused = await post(COMMAND);
  assert.is(refused.status, 422);
  assert.equal(((await refused.json()) as { problems: unknown }).problems, zones.outcome.problems);
  zones.outcome = new InputError('config-changed', 'changed meanwhile');
  assert.is((await post(COMMAND)).status, 409);
  assert.is((await post(COMMAND, 'no json')).status, 400);
});

test('where editing is off, zones are shown and not written', async () => {
  const zones = new MadeUpStore();
  await begin({ zones, config: { cameras: { ...CAMERA_PAGES, editZones: false } } });
  const found = (await (await fetch(plant.url('/api/cameras/gate/zones'))).json()) as { readOnly: string };
  assert.match(found.readOnly, /editZones is off/);
  const answer = await fetch(plant.url('/api/cameras/gate/zones'), {
    method: 'POST',
    headers: COMMAND,
    body: '{}',
  });
  assert.is(answer.status, 403);
  assert.equal(zones.edits, []);
});

test.run();
