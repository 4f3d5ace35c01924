/** The real outbox and a real broker: through outages, restarts of the node and large batches, nothing is lost. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { outboxConfig } from '../../runtime/config/schema/outbox.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { createLog } from '../../runtime/core/log.ts';
import type { RecordClass } from '../../runtime/core/messages.ts';
import { Outbox } from '../../runtime/sinks/outbox/outbox.ts';
import { endAll, PREFIX, startRig, subscribe, until, withoutDuplicates } from '../sinks/mqtt/harness.ts';
import { startMosquitto } from '../support/mosquitto.ts';

const directory = mkdtempSync(join(tmpdir(), 'mqtt-outbox-'));
const clock = new SystemClock(() => true);

test.after(async () => {
  await endAll();
  rmSync(directory, { recursive: true, force: true });
});

async function openOutbox(name: string): Promise<Outbox> {
  const options = { clock, log: createLog('silent'), registry: new Registry() };
  const outbox = new Outbox({ directory: join(directory, name), config: outboxConfig.parse({}), ...options });
  await outbox.start();
  return outbox;
}

const accept = (outbox: Outbox, name: RecordClass, topic: string, body: object) =>
  outbox.accept({ ...clock.stamp(), class: name, topic, body: { schema: 'x', ...body } });

test('records of two starts of the node, with the broker away, arrive once it is there', async () => {
  const broker = await startMosquitto({ persistent: true });
  const session = { clean: false, clientId: 'ears', properties: { sessionExpiryInterval: 600 } };
  const ears = await subscribe(broker.url, `${PREFIX}#`, session);
  await broker.halt(true);
  const before = await openOutbox('restart');
  for (let i = 0; i < 100; i++) await accept(before, 'reading', 'readings', { i });
  await before.stop();
  const outbox = await openOutbox('restart');
  const rig = await startRig({ url: broker.url }, { queue: outbox, bootId: outbox.bootId });
  for (let i = 100; i < 200; i++)
    await accept(outbox, i % 10 ? 'reading' : 'event', i % 10 ? 'readings' : 'events/anomaly', { i });
  await broker.resume();
  await until(() => outbox.depth().records === 0 || ears.on('readings').length >= 190, 'some delivery');
  await broker.halt(true);
  for (let i = 200; i < 400; i++) await accept(outbox, 'reading', 'readings', { i });
  await broker.resume();
  const distinct = () => withoutDuplicates(ears.messages.filter(({ body }) => body.seq));
  await until(
    () => distinct().length === 400,
    () => `400 records, ${distinct().length} so far`,
  );
  const readings = distinct().filter(({ topic }) => topic === `${PREFIX}readings`);
  const order = readings.map(({ body }) => body.i);
  assert.equal(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal([...new Set(readings.map(({ body }) => body.bootId))], [before.bootId, outbox.bootId]);
  await until(() => rig.metric('vigie_mqtt_inflight_records').then((count) => count === 0), 'all PUBACKs');
  await rig.stop();
  await outbox.stop();
  const after = await openOutbox('restart');
  await until(() => after.health().state === 'ok', 'the reopened outbox');
  assert.equal(await after.take(1), [], 'what was delivered does not come back');
  await after.stop();
  await ears.close();
  await broker.stop();
});

test('a backlog of batches that are larger than one read drains to its end', async () => {
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url, `${PREFIX}readings`);
  const outbox = await openOutbox('large');
  for (let i = 0; i < 30; i++) {
    const noise = Array.from({ length: 20_000 }, (_, k) => ((i + 1) * (k + 7) * 2_654_435_761) % 1_000_003);
    await accept(outbox, 'reading', 'readings', { i, noise });
  }
  const rig = await startRig({ url: broker.url, inflight: 30 }, { queue: outbox, bootId: outbox.bootId });
  await until(
    () => ears.messages.length >= 30,
    () => `30 batches, ${ears.messages.length} so far`,
  );
  assert.equal(
    ears.messages.map(({ body }) => body.i),
    Array.from({ length: 30 }, (_, i) => i),
  );
  await rig.stop();
  await outbox.stop();
  await ears.close();
  await broker.stop();
});

test.run();
