import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { lintExposition } from '../metrics/lint.ts';
import { anomaly } from '../plant.ts';
import { type Plant, startPlant } from './harness.ts';

let plant: Plant;
test.before.each(async () => {
  plant = await startPlant();
});
test.after.each(() => plant.dashboard.stop());

const json = async (path: string) => (await fetch(plant.url(path))).json();

/** fetch does not let us choose the Host header. */
function get(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const one = request(plant.url(path), { headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    one.on('error', reject).end();
  });
}

test('healthz answers while the process lives', async () => {
  assert.is((await fetch(plant.url('/healthz'))).status, 200);
});

test('readyz waits for the first good reading and says why', async () => {
  const before = await fetch(plant.url('/readyz'));
  assert.is(before.status, 503);
  assert.equal(await before.json(), {
    ready: false,
    reasons: ['no tag has been read with good quality yet'],
  });
  const bad = { ...plant.clock.stamp(), tag: plant.tags[0]!, value: null, quality: 'bad' as const };
  plant.dashboard.accept([bad]);
  assert.is((await fetch(plant.url('/readyz'))).status, 503, 'a bad reading does not count');
  plant.poll();
  assert.is((await fetch(plant.url('/readyz'))).status, 200);
});

test('readyz names the component that failed', async () => {
  plant.poll();
  const outbox = { state: 'failed', detail: 'disk full' } as const;
  plant.status = { ...plant.status, components: { ...plant.status.components, outbox } };
  assert.equal(await json('/readyz'), { ready: false, reasons: ['outbox failed: disk full'] });
});

test('tags come with latest value, quality and history', async () => {
  for (let i = 0; i < 4; i++) {
    plant.poll(i);
    plant.clock.advance(millis(5000));
  }
  const [tag, next] = plant.tags;
  plant.dashboard.accept([
    { ...plant.clock.stamp(), tag: tag!, value: null, quality: 'bad', reason: 'timeout' },
    { ...plant.clock.stamp(), tag: next!, value: 12345678901234567890n, quality: 'good' },
  ]);
  const { points, tags } = (await json('/api/tags')) as { points: number; tags: Record<string, unknown>[] };
  assert.is(points, 120);
  assert.is(tags.length, plant.tags.length);
  const { history, ...first } = tags[0] as { history: { ages: number[]; values: unknown[] } };
  assert.equal(first, {
    index: 0,
    name: tag!.name,
    stage: tag!.group,
    kind: tag!.kind,
    unit: tag!.unit,
    range: null,
    value: null,
    quality: 'bad',
    reason: 'timeout',
  });
  assert.equal(history.ages, [20, 15, 10, 5, 0]);
  assert.is(history.values.at(-1), null);
  assert.type(history.values[0], 'number');
  assert.is(tags[1]!.value, '12345678901234567890', 'no digit is lost');
});

test('anomalies are active until they end, then past, explained at their worst', async () => {
  const start = anomaly('a-1', 'start', { score: 5 });
  plant.active.push(start);
  plant.dashboard.acceptEvent(start, plant.clock.stamp());
  let lists = (await json('/api/anomalies')) as Record<'active' | 'past', Record<string, unknown>[]>;
  assert.equal([lists.active.length, lists.past.length], [1, 0]);
  assert.is(lists.active[0]!.startedAt, plant.clock.wall() - 65_000);
  plant.active.pop();
  plant.clock.advance(millis(60_000));
  const end = anomaly('a-1', 'end', { score: 0.2, contributions: [], summary: 'over', durationMs: 125_000 });
  plant.dashboard.acceptEvent(end, plant.clock.stamp());
  lists = (await json('/api/anomalies')) as typeof lists;
  assert.equal([lists.active.length, lists.past.length], [0, 1]);
  const past = lists.past[0] as Record<string, unknown> & { contributions: unknown[] };
  assert.is(past.summary, start.summary);
  assert.is(past.contributions.length, 3);
  assert.is(past.durationMs, 125_000);
  assert.is(past.active, false);
});

test('an anomaly says whether it was judged before the stage knew what is normal', async () => {
  plant.active.push(anomaly('a-1', 'start', { learning: true }), anomaly('a-2', 'start'));
  const { active } = (await json('/api/anomalies')) as { active: { learning: boolean }[] };
  assert.equal(
    active.map(({ learning }) => learning),
    [true, false],
  );
});

test('past anomalies are bounded, newest first', async () => {
  for (let i = 0; i < 250; i++) plant.dashboard.acceptEvent(anomaly(`a-${i}`, 'end'), plant.clock.stamp());
  const { past } = (await json('/api/anomalies')) as { past: { id: string }[] };
  assert.is(past.length, 200);
  assert.is(past[0]!.id, 'a-249');
});

test('status is what the node says, with its time', async () => {
  const status = (await json('/api/status')) as Record<string, unknown>;
  assert.is(status.wall, plant.clock.wall());
  assert.is(status.node, 'pi-1');
  assert.equal(status.outbox, plant.status.outbox);
});

test('metrics are served in order, with the requests themselves', async () => {
  await fetch(plant.url('/healthz'));
  await fetch(plant.url('/no/such/thing'));
  const response = await fetch(plant.url('/metrics'));
  const text = await response.text();
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  assert.equal(lintExposition(text), []);
  assert.match(text, /vigie_http_requests_total\{route="\/healthz",code="200"\} 1/);
  assert.match(text, /vigie_http_requests_total\{route="other",code="404"\} 1/);
});

test('the page is cached by ETag and locked down', async () => {
  const page = await fetch(plant.url('/'));
  assert.match(await page.text(), /<title>Vigie/);
  const policy = page.headers.get('content-security-policy')!;
  assert.match(policy, /default-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.not.match(policy, /unsafe/);
  assert.is(page.headers.get('x-content-type-options'), 'nosniff');
  const etag = page.headers.get('etag')!;
  assert.is(await get('/', { 'If-None-Match': etag }), 304);
  for (const path of ['/assets/app.js', '/assets/style.css', '/assets/uplot.js', '/assets/uplot.css'])
    assert.is((await fetch(plant.url(path))).status, 200, path);
});

test('nothing outside the public files can be named', async () => {
  for (const path of [
    '/assets/../dashboard.ts',
    '/assets/..%2fdashboard.ts',
    '/assets/%2e%2e/auth.js',
    '/assets/nothing.js',
    '/assets/',
    '/dashboard.ts',
    '//etc/passwd',
  ])
    assert.is(await get(path, { Host: 'localhost' }), 404, path);
});

test('a host name that is not loopback is refused: DNS rebinding', async () => {
  for (const Host of [
    'evil.example',
    'evil.example:8470',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    'localhost@evil',
  ])
    assert.is(await get('/api/status', { Host }), 403, Host);
  for (const Host of ['localhost:9000', '127.0.0.1', '[::1]:8470', 'LOCALHOST'])
    assert.is(await get('/api/status', { Host }), 200, Host);
});

test('a request that never ends does not keep its connection', async () => {
  const socket = connect(plant.dashboard.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  const trickle = setInterval(() => socket.write('a'), 200);
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)));
  const ended = await Promise.race([closed, sleep(20_000, false, { ref: false })]);
  clearInterval(trickle);
  socket.destroy();
  assert.ok(ended, 'closed within 20 s');
});

test('the wrong method is told the right one', async () => {
  const response = await fetch(plant.url('/api/status'), { method: 'POST' });
  assert.is(response.status, 405);
  assert.is(response.headers.get('allow'), 'GET');
  assert.is((await fetch(plant.url('/api/tags'), { method: 'HEAD' })).status, 200);
});

const command = (headers: Record<string, string>, body = '{"group":"outlet"}', name = 'baseline-refresh') =>
  fetch(plant.url(`/api/commands/${name}`), { method: 'POST', headers, body });
const OURS = { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' };

test('a command runs for our own page and for tools', async () => {
  const response = await command(OURS);
  assert.is(response.status, 200);
  assert.equal(await response.json(), { refreshed: true });
  assert.is((await command({ ...OURS, Origin: plant.url('').replace(/\/$/, '') })).status, 200);
  const behindProxy = { ...OURS, Origin: 'https://plant.example', 'Sec-Fetch-Site': 'same-origin' };
  assert.is((await command(behindProxy)).status, 200);
  assert.equal(plant.ran, Array(3).fill({ group: 'outlet' }));
});

test('a command from elsewhere does not run: CSRF', async () => {
  const refused: Record<string, string>[] = [
    { 'Content-Type': 'application/json' },
    { 'Content-Type': 'text/plain', 'X-Vigie-Command': '1' },
    { ...OURS, Origin: 'https://evil.example' },
    { ...OURS, Origin: 'null' },
    { ...OURS, 'Sec-Fetch-Site': 'cross-site' },
  ];
  for (const headers of refused) assert.is((await command(headers)).status, 403, JSON.stringify(headers));
  assert.equal(plant.ran, []);
});

test('bad commands are told what is wrong', async () => {
  const unknown = await command(OURS, '{}', 'explode');
  assert.is(unknown.status, 404);
  assert.match(((await unknown.json()) as { message: string }).message, /known: baseline-refresh/);
  for (const body of ['{', '[1]', 'null', `"${'x'.repeat(70_000)}"`])
    assert.is((await command(OURS, body)).status, 400, body.slice(0, 10));
  assert.equal(plant.ran, []);
});

test.run();
