import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../../runtime/core/errors.ts';
import { createLog } from '../../../runtime/core/log.ts';
import { millis } from '../../../runtime/core/units.ts';
import { BasicAuth } from '../../../runtime/sinks/dashboard/auth.ts';
import { FakeClock } from '../plant.ts';
import { createPlant, startPlant } from './harness.ts';

const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const withPassword = { config: { passwordFile: '/run/secret' }, password: () => 'geheim é' };
const signal = new AbortController().signal;

test('with a password everything but healthz needs it', async () => {
  const plant = await startPlant(withPassword);
  plant.poll();
  const code = async (path: string, headers?: Record<string, string>) =>
    (await fetch(plant.url(path), { headers: headers ?? {} })).status;
  for (const path of ['/', '/metrics', '/readyz', '/api/tags', '/api/stream', '/assets/app.js', '/nothing'])
    assert.is(await code(path), 401, path);
  assert.is(await code('/healthz'), 200);
  for (const path of ['/', '/metrics', '/readyz', '/api/tags', '/assets/app.js'])
    assert.is(await code(path, basic('vigie', 'geheim é')), 200, path);
  assert.is(await code('/', basic('vigie', 'wrong')), 401);
  assert.is(await code('/', basic('root', 'geheim é')), 401);
  assert.is(await code('/', { Authorization: 'Bearer x' }), 401);
  const challenge = await fetch(plant.url('/'));
  assert.match(challenge.headers.get('www-authenticate')!, /^Basic realm="Vigie"/);
  await plant.dashboard.stop();
});

test('open to the network without a password: refuses to start', async () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.5']) {
    const { dashboard } = createPlant({ config: { host } });
    try {
      await dashboard.start(signal);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, InputError);
      assert.is((error as InputError).code, 'http-password-missing');
    }
    assert.is(dashboard.port, 0);
    await dashboard.stop();
  }
});

test('open to the network with a password: any host name, but never without login', async () => {
  const plant = await startPlant({ ...withPassword, config: { ...withPassword.config, host: '0.0.0.0' } });
  assert.is((await fetch(plant.url('/api/status'))).status, 401);
  assert.is((await fetch(plant.url('/api/status'), { headers: basic('vigie', 'geheim é') })).status, 200);
  await plant.dashboard.stop();
});

test('switched off: no port, no complaint', async () => {
  const plant = await startPlant({ config: { enabled: false } });
  assert.is(plant.dashboard.port, 0);
  assert.is(plant.dashboard.health().state, 'ok');
  plant.poll();
  await plant.dashboard.stop();
});

test('an empty or unreadable password refuses to start', async () => {
  for (const password of [
    () => '',
    () => {
      throw new InputError('secret-unreadable', 'cannot read');
    },
  ]) {
    const { dashboard } = createPlant({ ...withPassword, password });
    try {
      await dashboard.start(signal);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, InputError);
    }
  }
});

function authWith(readPassword: () => string) {
  const clock = new FakeClock();
  const auth = new BasicAuth({ username: 'vigie', readPassword, clock, log: createLog('silent') });
  auth.load();
  return { auth, clock };
}

test('a changed password is taken into use at the next attempt, or soon', () => {
  let password = 'old';
  const { auth, clock } = authWith(() => password);
  const header = (text: string) => basic('vigie', text).Authorization;
  password = 'new';
  assert.is(auth.check(header('new'), 'a'), 'ok', 'at once for who knows it');
  assert.is(auth.check(header('old'), 'a'), 'denied');
  password = 'newer';
  clock.advance(millis(10_000));
  assert.is(auth.check(header('new'), 'a'), 'denied', 'whoever knows the one before is out after 10 s');
  password = '';
  clock.advance(millis(10_000));
  assert.is(auth.check(header('newer'), 'a'), 'ok', 'an empty file does not open the door');
  assert.is(auth.check(header(''), 'a'), 'denied');
});

test('guessing is slowed down per address, and others are not held up', () => {
  const { auth, clock } = authWith(() => 'right');
  const [wrong, right] = [basic('vigie', 'no').Authorization, basic('vigie', 'right').Authorization];
  for (let i = 0; i < 5; i++) assert.is(auth.check(wrong, '10.0.0.9'), 'denied');
  assert.equal(auth.check(right, '10.0.0.9'), { retryAfter: 1000 }, 'even the right one waits');
  assert.is(auth.check(right, '10.0.0.1'), 'ok');
  clock.advance(millis(1000));
  assert.is(auth.check(wrong, '10.0.0.9'), 'denied');
  assert.equal(auth.check(wrong, '10.0.0.9'), { retryAfter: 2000 });
  let guesses = 0;
  for (let second = 0; second < 3600; second++) {
    clock.advance(millis(1000));
    if (auth.check(wrong, '10.0.0.9') === 'denied') guesses += 1;
  }
  assert.ok(guesses < 80, `${guesses} guesses an hour`);
  clock.advance(millis(60_000));
  assert.is(auth.check(right, '10.0.0.9'), 'ok');
  assert.is(auth.check(wrong, '10.0.0.9'), 'denied', 'and starts anew');
  assert.is(auth.check(right, '10.0.0.9'), 'ok');
});

test('a request without a login is no guess', () => {
  const { auth } = authWith(() => 'right');
  for (let i = 0; i < 50; i++) assert.is(auth.check(undefined, 'a'), 'denied');
  assert.is(auth.check(basic('vigie', 'right').Authorization, 'a'), 'ok');
});

test('the pause is answered with 429 and counted', async () => {
  const plant = await startPlant(withPassword);
  const attempt = () => fetch(plant.url('/'), { headers: basic('vigie', 'no') });
  for (let i = 0; i < 5; i++) assert.is((await attempt()).status, 401);
  const paused = await attempt();
  assert.is(paused.status, 429);
  assert.is(paused.headers.get('retry-after'), '1');
  plant.clock.advance(millis(2000));
  const metrics = await fetch(plant.url('/metrics'), { headers: basic('vigie', 'geheim é') });
  assert.match(await metrics.text(), /vigie_http_auth_failures_total 6/);
  await plant.dashboard.stop();
});

test('a port in use is degraded health that names the port; the node goes on', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', () => resolve()));
  const { port } = other.address() as AddressInfo;
  const plant = await startPlant({ config: { port } });
  const { state, detail } = plant.dashboard.health();
  assert.is(state, 'degraded');
  assert.match(detail, new RegExp(`port ${port} of 127.0.0.1 is in use`));
  plant.poll();
  await new Promise((resolve) => other.close(resolve));
  for (let i = 0; i < 400 && plant.dashboard.health().state !== 'ok'; i++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(plant.dashboard.health().state, 'ok', 'taken over once it is free');
  assert.is((await fetch(plant.url('/readyz'))).status, 200);
  await plant.dashboard.stop();
  await plant.dashboard.stop();
  assert.is(plant.dashboard.health().state, 'stopped');
});

test('connections are bounded and counted', async () => {
  const plant = await startPlant();
  const sockets: Socket[] = [];
  for (let i = 0; i < 70; i++) {
    const socket = connect(plant.dashboard.port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
  }
  const closed = () => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
  for (const socket of sockets) socket.resume();
  for (let i = 0; i < 400 && closed() < 6; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(closed(), 6);
  for (const socket of sockets) socket.destroy();
  let text = '';
  for (let i = 0; i < 400 && text === ''; i++) {
    text = await fetch(plant.url('/metrics')).then(
      (response) => response.text(),
      () => '',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const count = Number(/vigie_http_refused_connections_total (\d+)/.exec(text)?.[1]);
  assert.ok(count >= 6, `${count} counted`);
  await plant.dashboard.stop();
});

test.run();
