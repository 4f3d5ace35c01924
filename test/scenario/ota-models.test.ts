/** Signed models end to end: a real broker, a hub, real nodes. A good model serves; bad ones make way for it, with the reason. */

import { connectAsync } from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { validateMessage } from '../contract/asyncapi.ts';
import { scoreCase, scoreOnnx } from '../support/bundles.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { getJson, getMetric, killNodes } from '../support/node.ts';
import { subscribe } from '../support/subscriber.ts';
import { serves, startUpdateNode, type UpdateNode } from '../support/update-node.ts';
import { waitFor } from '../support/wait.ts';

let fleet: Fleet;
let broker: Mosquitto;
const nodes: UpdateNode[] = [];
const ports: number[] = [];

test.before(async () => {
  broker = await startMosquitto();
  fleet = new Fleet();
  await fleet.add({ release: 1, model: scoreOnnx(2), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 1 }]);
  await fleet.serve(broker.url);
});
test.after(async () => {
  killNodes();
  await fleet?.remove();
  await broker?.stop();
  for (const { folder } of nodes) folder.remove();
});

/** Everything that is said below the topics of updates, as it was sent. */
async function overhear(url: string) {
  const client = await connectAsync(url, { protocolVersion: 5 });
  const messages: { readonly topic: string; readonly bytes: Buffer }[] = [];
  client.on('message', (topic, bytes) => void messages.push({ topic, bytes }));
  await client.subscribeAsync('vigie/plant/ota/#', { qos: 1 });
  return { messages, stop: () => client.endAsync(true) };
}

test('two nodes fetch, test, try and keep a good model', async () => {
  const updates = await overhear(broker.url);
  const ears = await subscribe(broker.url, 'vigie/plant/+/events/update');
  for (const name of ['node-1', 'node-2']) {
    const port = await freePort();
    ports.push(port);
    nodes.push(startUpdateNode({ name, fleet, broker: broker.url, httpPort: port }));
  }
  for (const node of nodes) await node.until('release 1 to serve', serves(1));
  const status = await getJson(ports[0]!, '/api/status');
  assert.equal([status.models.score.state, status.models.score.release], ['serving', 1]);
  const inferences = async () =>
    (await getMetric(ports[0]!, 'vigie_model_inferences', { model: 'score' })) ?? 0;
  await waitFor('inferences', async () => (await inferences()) > 5);
  const steps = () =>
    ears.messages.filter(({ topic }) => topic.includes('node-1')).map(({ body }) => body.step);
  await waitFor('the events', () => steps().includes('committed'));
  for (const { topic, payload } of ears.messages) assert.equal(validateMessage(topic, payload), []);
  await ears.stop();
  await updates.stop();
  const kinds = new Set(updates.messages.map(({ topic }) => topic.replace(/^.*\/v1\/|\/node-\d$/g, '')));
  assert.equal([...kinds].sort(), ['announce', 'req', 'res', 'state', 'time/req', 'time/res']);
  for (const { topic, bytes } of updates.messages) assert.equal(validateMessage(topic, bytes), []);
});

test('a model whose golden output is wrong never serves', async () => {
  await fleet.add({ release: 2, model: scoreOnnx(2, 7), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 2 }]);
  for (const node of nodes) {
    const { refused } = await node.until('the refusal', ({ refused }) => refused?.release === 2);
    assert.is(refused!.code, 'selftest-failed');
    assert.match(refused!.reason, /expected 3/);
    assert.ok(serves(1)((await node.model())!));
  }
});

test('a model that does not fit its tags is rolled back when it is tried', async () => {
  await fleet.add({ release: 3, model: scoreOnnx(3), cases: [scoreCase([1, 2, 3], 6)] });
  await fleet.assign([{ release: 3 }]);
  for (const node of nodes) {
    const { refused, serving } = await node.until('the rollback', ({ refused }) => refused?.release === 3);
    assert.is(refused!.code, 'model-inputs');
    assert.is(serving?.release, 1);
  }
});

test('case 49: a model that is too slow is rolled back', async () => {
  await fleet.add({ release: 4, model: scoreOnnx(2), health: { latencyP95Ms: 0.0001 } });
  await fleet.assign([{ release: 4 }]);
  for (const node of nodes) {
    const { refused } = await node.until('the rollback', ({ refused }) => refused?.release === 4);
    assert.is(refused!.code, 'ota-unhealthy');
    assert.match(refused!.reason, /P95 of latency/);
    await node.until('release 1 again', serves(1));
  }
});

test('case 49: a model that cannot be loaded is refused', async () => {
  await fleet.add({ release: 5, model: scoreOnnx(2), shipped: Buffer.from('no model at all') });
  await fleet.assign([{ release: 5 }]);
  for (const node of nodes) {
    const { refused } = await node.until('the refusal', ({ refused }) => refused?.release === 5);
    assert.is(refused!.code, 'no-backend');
    assert.ok(serves(1)((await node.model())!));
  }
});

test('a rolled back model is not tried again, until somebody unblocks it', async () => {
  const [node] = nodes as [UpdateNode];
  const { blocked, refused } = (await node.model())!;
  assert.ok(blocked.includes(refused!.digest));
  await node.ask('ota-check');
  assert.ok(serves(1)((await node.model())!));
  await node.ask('ota-unblock', { name: 'score', digest: refused!.digest });
  assert.not.ok((await node.model())!.blocked.includes(refused!.digest));
});

test('a better release follows, and the rollback by hand brings the one before', async () => {
  await fleet.add({ release: 6, model: scoreOnnx(2, 2), cases: [scoreCase([1, 2], 6)], deltaFrom: 1 });
  await fleet.assign([{ release: 6 }]);
  for (const node of nodes) await node.until('release 6 to serve', serves(6));
  const [node, other] = nodes as [UpdateNode, UpdateNode];
  await node.ask('ota-rollback', { name: 'score' });
  const { previous, floor } = await node.until('release 1 again', serves(1));
  assert.equal([previous, floor], [null, 6], 'the floor stays');
  await other.ask('ota-pin', { name: 'score', pinned: true });
  await fleet.add({ release: 7, model: scoreOnnx(2, 3), cases: [scoreCase([1, 2], 9)] });
  await fleet.assign([{ release: 7 }]);
  await node.until('release 7 to serve', serves(7));
  assert.ok(serves(6)((await other.model())!), 'pinned');
});

test('everything serves again after a restart, without the broker', async () => {
  const [node] = nodes as [UpdateNode];
  await node.node.stop();
  await broker.halt();
  node.start();
  await node.until('release 7 to serve', serves(7));
  await node.node.stop();
});

test.run();
