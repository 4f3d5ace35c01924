/** Home Assistant is told of cameras and zones by retained messages, and nothing of them stays once they are gone. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../runtime/core/log.ts';
import { HomeAssistant } from '../../../runtime/sinks/home-assistant/home-assistant.ts';
import { topicsFile } from '../../../runtime/sinks/home-assistant/topics-file.ts';
import { validateMessage } from '../../contract/asyncapi.ts';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { waitFor } from '../../support/wait.ts';
import { intrusion, MadeUpCamera, stamp } from '../dashboard/cameras/made-up-camera.ts';
import { endAll, NODE, PREFIX, SITE, startRig, subscribe } from '../mqtt/harness.ts';
import { validateDiscovery } from './documented.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-home-assistant-'));
test.after(async () => {
  await endAll();
  rmSync(folder, { recursive: true });
});

class Camera extends MadeUpCamera {
  names = ['approach', 'yard'];
  override zones = () => this.names;
}

let directories = 0;
function rig(camera: Camera, rigged: Awaited<ReturnType<typeof startRig>>, directory?: string) {
  const own = directory ?? mkdtempSync(join(folder, `${++directories}-`));
  const make = (on: boolean) =>
    new HomeAssistant({
      facts: on ? { site: SITE, node: NODE, version: '1.2.3', discovery: 'homeassistant' } : undefined,
      cameras: [camera],
      pictures: new Set(['gate']),
      link: rigged.sink.updates,
      directory: own,
      log: createLog('silent'),
    });
  return { make, directory: own };
}

/** What a new subscriber is given. */
async function retained(broker: Mosquitto): Promise<Record<string, string>> {
  const ears = await subscribe(broker.url, ['homeassistant/#', `${PREFIX}cameras/#`, `${PREFIX}marker`]);
  await ears.client.publishAsync(`${PREFIX}marker`, 'x');
  await waitFor('the marker', () => ears.on('marker').length > 0);
  await ears.close();
  const kept = ears.messages.filter(({ packet }) => packet.retain);
  return Object.fromEntries(kept.map(({ topic, text }) => [topic, text]));
}

const STATES = `${PREFIX}cameras/gate/`;
const discovery = (found: Record<string, string>) =>
  Object.keys(found).filter((topic) => topic.startsWith('homeassistant/'));

test('entities are told as Home Assistant documents them, with their states', async () => {
  const broker = await startMosquitto();
  const rigged = await startRig({ url: broker.url });
  const camera = new Camera();
  const sink = rig(camera, rigged).make(true);
  await sink.start();
  const found = await waitFor('everything', async () => {
    const now = await retained(broker);
    return Object.keys(now).length === 6 && now;
  });
  for (const topic of discovery(found)) assert.equal(validateDiscovery(topic, found[topic]!), []);
  for (const [topic, text] of Object.entries(found)) assert.equal(validateMessage(topic, text), []);
  const entities = discovery(found).map((topic) => JSON.parse(found[topic]!));
  assert.equal(entities.map((entity) => [entity.name, entity.topic ?? entity.state_topic]).sort(), [
    ['Last event', `${PREFIX}snapshots/gate/+`],
    ['approach', `${STATES}occupancy/approach`],
    ['yard', `${STATES}occupancy/yard`],
  ]);
  assert.is(new Set(entities.map(({ unique_id }) => unique_id)).size, 3);
  assert.is(new Set(entities.map(({ device }) => device.identifiers[0])).size, 1);
  assert.equal(
    [found[`${STATES}available`], found[`${STATES}occupancy/approach`], found[`${STATES}occupancy/yard`]],
    ['online', 'OFF', 'OFF'],
  );
  const said = (topic: string, text: string) =>
    waitFor(`${topic} ${text}`, async () => (await retained(broker))[STATES + topic] === text);
  camera.open.push({ event: intrusion('e1'), stamp: stamp() });
  camera.tell(intrusion('e1'), stamp());
  await said('occupancy/approach', 'ON');
  camera.open.length = 0;
  camera.state = { state: 'failed', detail: 'no frames' };
  camera.tell(intrusion('e1', 'end'), stamp());
  await said('occupancy/approach', 'OFF');
  await said('available', 'offline');
  await sink.stop();
  assert.equal([camera.followers.size, sink.health().state], [0, 'ok']);
  await rigged.stop();
  await broker.stop();
});

test('a zone that is gone is taken away, and everything once it is turned off, over restarts too', async () => {
  const broker = await startMosquitto();
  const rigged = await startRig({ url: broker.url });
  const camera = new Camera();
  const { make, directory } = rig(camera, rigged);
  const sink = make(true);
  await sink.start();
  await waitFor('everything', async () => Object.keys(await retained(broker)).length === 6);
  camera.names = ['approach'];
  const fewer = await waitFor('one zone less', async () => {
    const now = await retained(broker);
    return Object.keys(now).length === 4 && now;
  });
  assert.not.ok(Object.keys(fewer).some((topic) => topic.includes('yard')));
  await sink.stop();
  assert.is(Object.keys(await retained(broker)).length, 4, 'a stop takes nothing away');
  const off = make(false);
  await off.start();
  await waitFor('nothing', async () => Object.keys(await retained(broker)).length === 0);
  await waitFor('no file', () => !existsSync(topicsFile(directory)));
  await off.stop();
  await rigged.stop();
  await broker.stop();
});

test('a broker that forgot is told again; one that comes late, too', async () => {
  const broker = await startMosquitto();
  await broker.halt();
  const rigged = await startRig({ url: broker.url });
  const camera = new Camera();
  const sink = rig(camera, rigged).make(true);
  await sink.start();
  for (let round = 0; round < 2; round++) {
    await broker.resume();
    await waitFor('everything', async () => Object.keys(await retained(broker)).length === 6);
    await broker.halt();
    await waitFor('the break', () => !rigged.sink.updates.connected);
  }
  await sink.stop();
  await rigged.stop();
  await broker.stop();
});

test('names that discovery does not take, or that look alike, make entities of their own', async () => {
  const broker = await startMosquitto();
  const rigged = await startRig({ url: broker.url });
  const camera = new Camera('gate.1');
  camera.names = ['a.b', 'a_b'];
  const sink = rig(camera, rigged).make(true);
  await sink.start();
  const found = await waitFor('everything', async () => {
    const now = await retained(broker);
    return discovery(now).length === 2 && now;
  });
  for (const topic of discovery(found)) assert.equal(validateDiscovery(topic, found[topic]!), []);
  await sink.stop();
  await rigged.stop();
  await broker.stop();
});

test.run();
