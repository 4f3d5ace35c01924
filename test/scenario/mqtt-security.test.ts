/** Who may connect, whom the node trusts, and what the broker may refuse. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSecret } from '../../runtime/config/secret.ts';
import { endAll, makeRig, PREFIX, type Rig, startRig, subscribe, until } from '../sinks/mqtt/harness.ts';
import { MemoryQueue } from '../support/memory-queue.ts';
import { startMosquitto } from '../support/mosquitto.ts';

const dir = mkdtempSync(join(tmpdir(), 'mqtt-security-'));
const file = (name: string) => join(dir, name);

test.before(() => {
  authority('ca');
  authority('other-ca');
  certificate('server', 'ca', 'localhost');
  certificate('elsewhere', 'ca', 'broker.elsewhere.example');
  certificate('client', 'ca', 'node-1');
});
test.after(async () => {
  await endAll();
  rmSync(dir, { recursive: true, force: true });
});

test('a refused password is told, and read anew until it is right', async () => {
  const broker = await startMosquitto({ passwords: { node: 'right', ears: 'ears' } });
  writeFileSync(file('password'), 'wrong\n');
  const settings = { url: broker.url, username: 'node', passwordFile: file('password') };
  const rig = await startRig(settings, { readSecret });
  rig.queue.push('event', 'events/anomaly', { schema: 'vigie.anomaly/1' });
  await until(() => rig.sink.health().state === 'degraded', 'the refusal');
  assert.match(rig.sink.health().detail, /user 'node'.*check/);
  assert.not.match(rig.sink.health().detail, /wrong/);
  writeFileSync(file('password'), 'right\n');
  await until(() => rig.queue.records.length === 0, 'delivery with the right password');
  assert.is(rig.sink.health().state, 'ok');
  await rig.stop();
  await broker.stop();
});

test('a password file that is not there is told by name, and picked up when it comes', async () => {
  const broker = await startMosquitto({ passwords: { node: 'right' } });
  const settings = { url: broker.url, username: 'node', passwordFile: file('later') };
  const rig = await startRig(settings, { readSecret });
  await until(() => rig.sink.health().detail.includes(file('later')), 'the missing file in the health');
  writeFileSync(file('later'), 'right');
  await until(() => rig.sink.health().state === 'ok', 'the connection');
  await rig.stop();
  await broker.stop();
});

test('TLS with a client certificate', async () => {
  const broker = await startMosquitto({ tls: { ...pem('server'), ca: file('ca.crt') } });
  const rig = await startRig({ url: broker.url, tls: clientTls('ca') }, { readSecret });
  rig.queue.push('event', 'events/anomaly', { schema: 'vigie.anomaly/1' });
  await until(
    () => rig.queue.records.length === 0,
    () => `delivery; ${rig.sink.health().detail}`,
  );
  await rig.stop();
  await broker.stop();
});

test('a broker that cannot prove who it is gets nothing', async () => {
  const [broker, elsewhere] = [
    await startMosquitto({ tls: { ...pem('server') } }),
    await startMosquitto({ tls: { ...pem('elsewhere') } }),
  ];
  await expectTrouble({ url: broker.url, tls: { caFile: file('other-ca.crt') } }, /no trusted TLS.*caFile/);
  await expectTrouble({ url: broker.url, tls: {} }, /no trusted TLS.*caFile/);
  await expectTrouble({ url: elsewhere.url, tls: { caFile: file('ca.crt') } }, /no trusted TLS.*serverName/);
  await expectTrouble({ url: broker.url, tls: { caFile: file('none.crt') } }, /cannot read mqtt.tls.caFile/);
  const tls = { caFile: file('ca.crt'), serverName: 'broker.elsewhere.example' };
  const rig = await startRig({ url: elsewhere.url, tls });
  await until(() => rig.sink.health().state === 'ok', 'a connection under the name that was configured');
  await rig.stop();
  await Promise.all([broker.stop(), elsewhere.stop()]);
});

test('a certificate that is not valid yet is told with the clock by which it is not', async () => {
  certificateOfTomorrow('tomorrow', 'ca', 'localhost');
  const broker = await startMosquitto({ tls: { ...pem('tomorrow') } });
  const today = /begins later than today by this node's clock: it says 20\d\d-\d\d-\d\d/;
  await expectTrouble({ url: broker.url, tls: { caFile: file('ca.crt') } }, today);
  await broker.stop();
});

test('a broker that wants a client certificate refuses a node without one', async () => {
  const broker = await startMosquitto({ tls: { ...pem('server'), ca: file('ca.crt') } });
  await expectTrouble({ url: broker.url, tls: { caFile: file('ca.crt') } }, /certFile|before MQTT began/);
  await broker.stop();
});

test('each way of not reaching a broker has its own text', async () => {
  await expectTrouble({ url: 'mqtt://broker.invalid:1883' }, /cannot be resolved/);
  const broker = await startMosquitto();
  await expectTrouble({ url: `mqtts://localhost:${broker.port}`, tls: {} }, /with TLS or without/);
  await broker.halt();
  await expectTrouble({ url: broker.url }, /nothing listens/);
  await broker.stop();
});

test('a topic that the access rules deny is held back, the rest flows, and it arrives when the rules change', async () => {
  const allowed = ['user node', `topic write ${PREFIX}#`, `topic read ${PREFIX}cmd/#`];
  const broker = await startMosquitto({
    passwords: { node: 'n', ears: 'e' },
    acl: [...allowed, `topic deny ${PREFIX}events/anomaly`, 'user ears', 'topic read #'],
  });
  const ears = await subscribe(broker.url, `${PREFIX}#`, { username: 'ears', password: 'e' });
  const queue = new MemoryQueue();
  const rig = await startRig(
    { url: broker.url, username: 'node', passwordFile: '/n' },
    { queue, readSecret: () => 'n' },
  );
  for (let i = 0; i < 30; i++) {
    queue.push('event', 'events/anomaly', { schema: 'vigie.anomaly/1', i });
    queue.push('reading', 'readings', { schema: 'vigie.readings/1', i });
  }
  await until(() => ears.on('readings').length === 30, 'the readings');
  await until(() => rig.sink.health().detail.includes('events/anomaly'), 'the denied topic in the health');
  assert.match(rig.sink.health().detail, /reason code 135/);
  await until(() => queue.records.length === 30, 'the readings to leave the outbox');
  assert.ok((await rig.metric('vigie_mqtt_refused_records_total', { code: '135' })) >= 1);
  assert.is(await rig.metric('vigie_mqtt_held_records'), 30);
  broker.setAcl([...allowed, 'user ears', 'topic read #']);
  await until(
    () => queue.records.length === 0,
    () => `the held events, still ${queue.records.length}`,
  );
  await until(() => ears.on('events/anomaly').length >= 30, 'the held events at the subscriber');
  assert.equal(
    ears.on('events/anomaly').map(({ body }) => body.i),
    Array.from({ length: 30 }, (_, i) => i),
  );
  assert.is(rig.sink.health().detail, '');
  await rig.stop();
  await ears.close();
  await broker.stop();
});

test('a record larger than the broker takes waits alone', async () => {
  const broker = await startMosquitto({ extra: ['max_packet_size 20000'] });
  const queue = new MemoryQueue();
  const rig = await startRig({ url: broker.url }, { queue });
  queue.push('reading', 'readings', { schema: 'vigie.readings/1', text: 'x'.repeat(30_000) });
  for (let i = 0; i < 20; i++) queue.push('reading', 'readings', { schema: 'vigie.readings/1', i });
  await until(() => queue.records.length === 1, 'all but the large one');
  assert.is(queue.records[0]!.id, 1);
  assert.match(rig.sink.health().detail, /larger than the broker takes/);
  assert.is(await rig.metric('vigie_mqtt_refused_records_total', { code: '149' }), 1);
  await rig.stop();
  await broker.stop();
});

test('a record over which a broker closes the connection does not block the others for ever', async () => {
  const broker = await startMosquitto({ extra: ['max_packet_size 20000'] });
  const queue = new MemoryQueue();
  queue.push('reading', 'readings', { schema: 'vigie.readings/1', text: 'x'.repeat(30_000) });
  for (let i = 0; i < 50; i++) queue.push('reading', 'readings', { schema: 'vigie.readings/1', i });
  // MQTT 3.1.1 cannot tell of the limit: the broker closes the connection.
  const rig = await startRig({ url: broker.url, version: 4 }, { queue });
  await until(
    () => queue.records.length === 1,
    () => `all but the large one, still ${queue.records.length}`,
  );
  assert.is(queue.records[0]!.id, 1);
  assert.is(await rig.metric('vigie_mqtt_refused_records_total', { code: 'closes-connection' }), 1);
  await rig.stop();
  await broker.stop();
});

test.run();

async function expectTrouble(settings: Parameters<typeof makeRig>[0], text: RegExp): Promise<void> {
  const rig: Rig = makeRig(settings, { readSecret });
  await rig.sink.start();
  const detail = () => rig.sink.health().detail;
  await until(
    () => text.test(detail()),
    () => `${text} in the health, which says: ${detail()}`,
  );
  assert.is(rig.sink.health().state, 'degraded');
  await rig.stop();
  assert.is(rig.queue.removed.length, 0);
}

const pem = (name: string) => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) });
const clientTls = (ca: string) => ({
  caFile: file(`${ca}.crt`),
  certFile: file('client.crt'),
  keyFile: file('client.key'),
});

function authority(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  openssl('req', '-x509', ...newKey(name), '-out', file(`${name}.crt`), ...subject);
}

function certificate(name: string, ca: string, host: string): void {
  openssl('req', ...newKey(name), '-out', file(`${name}.csr`), '-subj', `/CN=${host}`);
  writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${host}\n`);
  const signer = ['-CA', file(`${ca}.crt`), '-CAkey', file(`${ca}.key`), '-CAcreateserial', '-days', '2'];
  openssl(
    'x509',
    '-req',
    '-in',
    file(`${name}.csr`),
    ...signer,
    '-extfile',
    file(`${name}.ext`),
    '-out',
    file(`${name}.crt`),
  );
}

/** As every certificate is to a node whose clock stands in 1970. */
function certificateOfTomorrow(name: string, ca: string, host: string): void {
  certificate(name, ca, host);
  const own = [
    'database = index.txt',
    'serial = serial',
    'new_certs_dir = .',
    'default_md = sha256',
    'policy = any',
  ];
  const policy = '[any]\ncommonName = supplied\n';
  writeFileSync(file('ca.cnf'), `[ca]\ndefault_ca = own\n[own]\n${own.join('\n')}\n${policy}`);
  writeFileSync(file('index.txt'), '');
  writeFileSync(file('serial'), '01\n');
  const dates = ['-startdate', '20990101000000Z', '-enddate', '20990201000000Z'];
  const from = ['-config', 'ca.cnf', '-cert', `${ca}.crt`, '-keyfile', `${ca}.key`, '-in', `${name}.csr`];
  const args = [
    'ca',
    '-batch',
    '-notext',
    ...from,
    ...dates,
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.crt`,
  ];
  execFileSync('openssl', args, { stdio: 'pipe', cwd: dir });
}

function newKey(name: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
