/** docs/asyncapi.yaml is what the node does: its examples and real messages from a real broker hold against it. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeRequest } from '../../ota/protocol/frames.ts';
import type { AnomalyEvent } from '../../runtime/core/messages.ts';
import type { Outcome } from '../../runtime/system/record.ts';
import { systemEvent } from '../../runtime/system/report.ts';
import { eventsOf, type UpdateEvent } from '../../runtime/updates/events.ts';
import { endAll, PREFIX, startRig, subscribe, until } from '../sinks/mqtt/harness.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { document, validateHeaders, validateMessage, validatePayload } from './asyncapi.ts';

test.after(endAll);

const ANOMALY: AnomalyEvent = {
  schema: 'vigie.anomaly/1',
  id: 'e-1',
  phase: 'start',
  group: 'settling',
  durationMs: 5000,
  score: 1.2,
  peak: 1.4,
  detector: 'pca',
  scores: { pca: 1.2 },
  faultKind: 'sensor-drift',
  contributions: [
    {
      tag: 'turbidity',
      kind: 'turbidity',
      unit: '{NTU}',
      value: null,
      normal: { low: 1, high: 2 },
      direction: 'missing',
      share: 1,
    },
  ],
  summary: 'turbidity is missing',
};

test('every reference leads somewhere, and every channel has an operation or is a reply', () => {
  assert.is(document.asyncapi, '3.0.0');
  for (const { messages } of Object.values(document.channels)) {
    for (const { $ref } of Object.values(messages)) {
      assert.ok(document.components.messages[$ref.replace('#/components/messages/', '')], $ref);
    }
  }
  for (const { channel } of Object.values(document.operations)) {
    assert.ok(document.channels[channel.$ref.replace('#/channels/', '')], channel.$ref);
  }
});

for (const [name, message] of Object.entries(document.components.messages)) {
  for (const example of message.examples) {
    test(`the example '${example.name}' of ${name} is valid`, () => {
      if ('payload' in example) assert.equal(validatePayload(name, example.payload), []);
      if ('headers' in example) assert.equal(validateHeaders(name, example.headers), []);
    });
  }
}

const [UPDATE] = eventsOf(undefined, {
  name: 'pump-vibration',
  active: null,
  previous: null,
  trial: null,
  staged: { release: 3, digest: 'ab'.repeat(32) },
  floor: 0,
  serving: null,
  trouble: null,
  blocked: [],
  pinned: false,
  refused: null,
}) as [UpdateEvent];

const OUTCOME: Outcome = {
  outcome: 'confirmed',
  slot: 'B',
  version: '1.4.0',
  reason: 'well',
  at: '2026-03-02',
};

test('what breaks the contract is found', () => {
  const topic = `${PREFIX}events/health`;
  assert.ok(validateMessage(topic, '{"schema":"vigie.health/1"}').length > 0);
  assert.match(validateMessage(topic, 'x')[0]!, /not JSON/);
  assert.match(validateMessage('vigie/a/b/nowhere', '{}')[0]!, /no channel/);
  const [online] = document.components.messages.status!.examples;
  assert.match(
    validateMessage('vigie/other/node-1/status', JSON.stringify(online!.payload))[0]!,
    /says it is of/,
  );
});

test('what breaks the contract of a binary message is found', () => {
  const topic = 'vigie/plant/ota/v1/req/node-1';
  const frame = Buffer.from(
    encodeRequest({ id: 7, subject: { metadata: 'timestamp.json' }, offset: 0, length: 100 }),
  );
  assert.equal(validateMessage(topic, frame), []);
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(frame);
    copy[at] = value;
    return validateMessage(topic, copy);
  };
  assert.match(changed(0, 2)[0]!, /'version' is 2/);
  assert.match(changed(1, 3)[0]!, /'kind' is 3/);
  assert.match(changed(14, 1)[0]!, /'length' is/);
  assert.match(validateMessage(topic, frame.subarray(0, 17))[0]!, /ends within 'length'/);
  assert.match(validateMessage(topic, frame.subarray(0, 18))[0]!, /'subject' has 0 bytes/);
  const time = 'vigie/plant/ota/v1/time/req/node-1';
  assert.match(validateMessage(time, Buffer.alloc(18, 1))[0]!, /'nonce' has 17 bytes/);
  assert.match(validateMessage(`vigie/plant/ota/v1/state/node-1`, '{}')[0]!, /required/);
});

test('real messages hold against the contract', async () => {
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url, 'vigie/#');
  const rig = await startRig({ url: broker.url });
  const { queue } = rig;
  rig.commands.add({ name: 'echo', description: 'Says it again.', run: async (args) => args });
  const q = [[1, 'bad', 'timeout']];
  const series = [{ tag: 'turbidity', unit: '{NTU}', t: [0, 1000], v: [1.5, null], q }];
  queue.push('reading', 'readings', { schema: 'vigie.readings/1', series });
  queue.push('event', 'events/anomaly', ANOMALY);
  const change = { component: 'plc-1', part: 'unit-3', state: 'degraded', previous: 'ok', detail: 'silent' };
  queue.push('health', 'events/health', { schema: 'vigie.health/1', ...change });
  queue.push('event', 'events/update', UPDATE);
  queue.push('event', 'events/system', systemEvent(OUTCOME));
  await until(() => queue.records.length === 0, 'delivery');
  await ears.client.publishAsync(`${PREFIX}cmd/echo`, '{"id":"1","args":{"a":1}}', { qos: 1 });
  await ears.client.publishAsync(`${PREFIX}cmd/nothing`, '', { qos: 1 });
  const replies = () => ears.messages.filter(({ topic }) => topic.endsWith('/reply')).length;
  await until(() => replies() === 2, 'two replies');
  await rig.stop();
  await until(() => ears.on('status').length === 2, 'the farewell');
  const seen = new Set(ears.messages.map(({ topic }) => topic.slice(PREFIX.length)));
  for (const topic of [
    'status',
    'readings',
    'events/anomaly',
    'events/health',
    'events/update',
    'events/system',
    'cmd/echo/reply',
    'cmd/nothing/reply',
  ]) {
    assert.ok(seen.has(topic), topic);
  }
  for (const { topic, text } of ears.messages) {
    if (topic !== `${PREFIX}cmd/nothing`) assert.equal(validateMessage(topic, text), []);
  }
  await ears.close();
  await broker.stop();
});

test.run();
