/** `vigie demo` with a broker of the user's own. */

import { connectAsync } from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnomalyEvent } from '../../runtime/core/messages.ts';
import { startDevelopmentBroker } from '../../simulator/broker.ts';
import { watchEvents } from '../../simulator/demo/subscriber.ts';
import { vigie } from '../support/cli.ts';
import { freePort } from '../support/mosquitto.ts';
import { waitFor } from '../support/wait.ts';

test('a broker that cannot be reached ends the demo, its node and its plant with it', async () => {
  const port = await freePort();
  const broker = `mqtt://127.0.0.1:${await freePort()}`;
  // The command ends only once nothing that it started runs any more.
  const { code, stderr } = await vigie(['demo', '--port', String(port), '--broker', broker]);
  assert.is(code, 1);
  assert.match(stderr, /^vigie: cannot connect to the broker mqtt:.*ECONNREFUSED.*\n$/);
});

test("on a shared broker the demo shows its own node's events, whatever others publish", async () => {
  const broker = await startDevelopmentBroker();
  const seen: AnomalyEvent[] = [];
  const subscription = await watchEvents<AnomalyEvent>(broker.url, 'demo/plant/events/anomaly', (event) =>
    seen.push(event),
  );
  const other = await connectAsync(broker.url, { protocolVersion: 4 });
  await other.publishAsync('vigie/north/pumps/events/anomaly', 'not even JSON', { qos: 1 });
  await other.publishAsync('vigie/demo/plant/events/anomaly', '{ "summary": "ours" }', { qos: 1 });
  await waitFor('the event', () => seen.length > 0);
  assert.equal(
    seen.map(({ summary }) => summary),
    ['ours'],
  );
  await other.endAsync();
  await subscription.stop();
  await broker.stop();
});

test.run();
