/** SIGTERM at any moment: an orderly end, and what was accepted reaches the broker after the next start. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_CLASSES } from '../../runtime/core/messages.ts';
import { findDatabase, forEachRecord } from '../../runtime/sinks/outbox/inspect.ts';
import type { Row } from '../../runtime/sinks/outbox/store.ts';
import { endAll, type Received, subscribe, withoutDuplicates } from '../sinks/mqtt/harness.ts';
import { closeDevices, plain, startDevice, type TcpDevice } from '../sources/modbus/device.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { getMetric, killNodes, nodeFolder, runNode } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
test.after(endAll);
test.after(closeDevices);

const tags = (prefix: string) =>
  [0, 1, 2, 3].map((address) => ({ name: `${prefix}-${address}`, address, group: prefix }));

/** A bus whose second unit is dead, a dashboard, a broker at `url`. */
function config(device: TcpDevice, httpPort: number, url: string) {
  return {
    node: { site: 'test', name: 'life' },
    sources: [
      {
        type: 'modbus',
        name: 'plc',
        tcp: { host: '127.0.0.1', port: device.port },
        period: '50ms',
        timeout: '300ms',
        breaker: { backoff: '200ms', maxBackoff: '500ms' },
        units: [
          { id: 1, tags: tags('alive') },
          { id: 2, tags: tags('dead') },
        ],
      },
    ],
    outbox: { readings: { batch: '1s' } },
    mqtt: { url, reconnect: { min: '100ms', max: '300ms' }, sessionExpiry: '10min' },
    http: { port: httpPort },
  };
}

/** A browser that watches. */
async function openStream(port: number): Promise<{ ended: Promise<void> }> {
  const response = await fetch(`http://127.0.0.1:${port}/api/stream`);
  const reader = response.body!.getReader();
  await reader.read();
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  return { ended: drain().catch(() => {}) };
}

async function stored(dataDir: string): Promise<Row[]> {
  const rows: Row[] = [];
  assert.is(await forEachRecord(findDatabase(dataDir), async (row) => void rows.push(row)), 0);
  return rows;
}

const seqs = (items: readonly { bootId: string; seq: number }[], bootId: string) =>
  items.filter((item) => item.bootId === bootId).map(({ seq }) => seq);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const byNumber = (a: number, b: number) => a - b;
const classOf = ({ topic }: Received) =>
  topic.endsWith('/readings') ? 'reading' : topic.endsWith('/events/health') ? 'health' : 'event';

test('stopped with a dead unit, a broker that is down and a browser that watches: nothing is lost, all arrives later', async () => {
  const device = await startDevice((asked) => (asked.unit === 1 ? plain(asked) : undefined));
  const http = await freePort();
  const folder = nodeFolder(config(device, http, `mqtt://127.0.0.1:${await freePort()}`));

  const first = runNode(folder);
  await first.logged('node.started');
  const { bootId: firstBoot } = await first.logged('outbox.opened');
  const stream = await openStream(http);
  const readings = () => getMetric(http, 'vigie_outbox_accepted_records_total', { class: 'reading' });
  const health = () => getMetric(http, 'vigie_outbox_accepted_records_total', { class: 'health' });
  await waitFor('readings on disk', async () => ((await readings()) ?? 0) >= 3);
  await waitFor('the health of the dead unit on disk', async () => ((await health()) ?? 0) >= 2);
  const accepted = (await getMetric(http, 'vigie_outbox_accepted_records_total'))!;
  assert.equal(await first.stop(), { code: 0, signal: null, late: [] });
  await stream.ended;
  const waiting = await stored(folder.dataDir);
  const last = Math.max(...seqs(waiting, firstBoot));
  assert.ok(last >= accepted, `${last} of ${accepted} accepted records`);
  assert.equal(seqs(waiting, firstBoot).sort(byNumber), upTo(last), 'accepted – delivered (none)');

  const broker = await startMosquitto({ persistent: true });
  const ears = await subscribe(broker.url, 'vigie/test/life/#', {
    clean: false,
    clientId: 'ears',
    properties: { sessionExpiryInterval: 600 },
  });
  const records = () =>
    withoutDuplicates(ears.messages.filter(({ body }) => body?.seq)).map((message) => ({
      bootId: message.body.bootId as string,
      seq: message.body.seq as number,
      class: classOf(message),
    }));
  folder.configure(config(device, http, broker.url));
  const second = runNode(folder);
  const { bootId: secondBoot } = await second.logged('outbox.opened');
  await waitFor('the backlog', () => seqs(records(), firstBoot).length === last);
  await waitFor('own records', () => seqs(records(), secondBoot).length >= 2);
  await broker.halt(true);
  const before = (await readings()) ?? 0;
  await waitFor('more readings on disk', async () => ((await readings()) ?? 0) >= before + 2);
  assert.equal(await second.stop(), { code: 0, signal: null, late: [] });
  const left = await stored(folder.dataDir);
  const lastOfSecond = Math.max(...seqs(left, secondBoot));
  const somewhere = new Set([...seqs(left, secondBoot), ...seqs(records(), secondBoot)]);
  assert.is(somewhere.size, lastOfSecond, 'each accepted record is delivered or on disk');
  assert.ok(seqs(left, secondBoot).length >= 2);

  await broker.resume();
  const third = runNode(folder);
  await waitFor('the rest', () => new Set(seqs(records(), secondBoot)).size === lastOfSecond);
  assert.equal(await third.stop(), { code: 0, signal: null, late: [] });
  for (const boot of [firstBoot, secondBoot]) {
    for (const name of RECORD_CLASSES) {
      const order = seqs(
        records().filter((record) => record.class === name),
        boot,
      );
      assert.equal(order, [...order].sort(byNumber), `${name} records of ${boot} come in order`);
    }
  }
  await ears.close();
  await broker.stop();
  folder.remove();
});

test('signals that come twice, as from Ctrl-C below npm, do not break off the stop', async () => {
  const device = await startDevice((asked) => (asked.unit === 1 ? plain(asked) : undefined));
  const http = await freePort();
  const folder = nodeFolder(config(device, http, `mqtt://127.0.0.1:${await freePort()}`));
  for (const signals of [
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT', 'SIGTERM'],
  ] as const) {
    const node = runNode(folder);
    await node.logged('node.started');
    const { bootId } = await node.logged('outbox.opened');
    const name = 'vigie_outbox_accepted_records_total';
    await waitFor('a reading', async () => ((await getMetric(http, name, { class: 'reading' })) ?? 0) >= 1);
    for (const signal of signals) node.signal(signal);
    assert.equal((await node.logged('node.stopped')).late, []);
    assert.equal(await node.exit, { code: 0, signal: null });
    const numbers = seqs(await stored(folder.dataDir), bootId).sort(byNumber);
    assert.equal(numbers, upTo(numbers.length));
  }
  folder.remove();
});

test('SIGTERM while the node still starts ends it in order too', async () => {
  const device = await startDevice();
  const folder = nodeFolder(config(device, await freePort(), `mqtt://127.0.0.1:${await freePort()}`));
  const warm = runNode(folder);
  await warm.logged('node.started');
  await warm.stop();
  for (const event of ['', 'outbox.opened', 'mqtt.connection.lost', 'dashboard.listen.ok']) {
    const node = runNode(folder);
    // Before the first line there may be no handler yet: then the signal itself ends the process.
    if (event) await node.logged(event);
    else await new Promise((resolve) => setTimeout(resolve, 300));
    node.signal('SIGTERM');
    const { code, signal } = await node.exit;
    assert.ok(code === 0 || (event === '' && signal === 'SIGTERM'), `${event}: ${code} ${node.stderr()}`);
    if (code === 0) assert.equal((await node.logged('node.stopped')).late, [], event);
    assert.is(node.stderr(), '');
  }
  folder.remove();
});

test.run();
