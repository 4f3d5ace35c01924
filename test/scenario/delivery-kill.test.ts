/**
 * kill -9 at 200 random moments under load, with the real outbox, the real MQTT sink and a real broker that is away
 * now and then: every accepted record reaches a subscriber at least once, and each class keeps its order.
 * (outbox-kill.test.ts kills the outbox alone as often, and looks into its database.)
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type MqttConfig, mqttConfig } from '../../runtime/config/schema/mqtt.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { endAll, type Subscriber, subscribe, withoutDuplicates } from '../sinks/mqtt/harness.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { waitFor } from '../support/wait.ts';

const KILLS = 200;
/** Two at once, each a node and a broker of its own: starting a process is what takes the time. */
const LANES = 2;
/** The broker is away for one kill out of so many. */
const OUTAGE_EVERY = 10;
/** After its first accepted record a child lives so long at most, ms. */
const LONGEST_LIFE = 120;

const script = join(packageRoot, 'test/support/delivery-child.ts');
const children = new Set<ChildProcess>();
test.after(endAll);
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
});

function start(directory: string, mqtt: MqttConfig, task: 'produce' | 'drain') {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, directory, JSON.stringify(mqtt), task],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.add(child);
  const closed = once(child, 'close');
  const run = { child, closed, output: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    run.output += chunk;
  });
  return run;
}

type Run = ReturnType<typeof start>;

async function kill({ child, closed }: Run): Promise<void> {
  child.kill('SIGKILL');
  await closed;
  children.delete(child);
}

/** @returns `BOOT SEQ` of what was accepted. */
async function runAndKill(directory: string, mqtt: MqttConfig, life: number): Promise<string[]> {
  const run = start(directory, mqtt, 'produce');
  const begun = () => run.output !== '' || run.child.exitCode !== null;
  await waitFor('the first accepted record', begun, 60_000);
  await sleep(life);
  const { exitCode, signalCode } = run.child;
  assert.equal([exitCode, signalCode], [null, null], 'it lives until it is killed');
  await kill(run);
  // What was written last may be half a line.
  return run.output.split('\n').slice(0, -1);
}

/** In the order of first arrival, each class's numbers rise within each start of the node. */
function assertOrder(ears: Subscriber): void {
  const last = new Map<string, number>();
  for (const { topic, body } of withoutDuplicates(ears.messages)) {
    const key = `${body.bootId} ${topic}`;
    assert.ok(body.seq > (last.get(key) ?? 0), `${key}: ${body.seq} came after ${last.get(key)}`);
    last.set(key, body.seq);
  }
}

interface Outcome {
  accepted: number;
  delivered: number;
  repeated: number;
}

async function lane(random: () => number): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'vigie-delivery-'));
  const broker: Mosquitto = await startMosquitto({ persistent: true });
  const topics = ['readings', 'events/anomaly', 'events/health'].map((end) => `vigie/test/kill/${end}`);
  const ears = await subscribe(broker.url, topics, {
    clean: false,
    clientId: 'ears',
    properties: { sessionExpiryInterval: 3600 },
  });
  const reconnect = { min: '100ms', max: '150ms' };
  const mqtt = mqttConfig.parse({ url: broker.url, drainPerSecond: 5000, reconnect });
  const accepted = new Set<string>();
  for (let n = 1; n <= KILLS / LANES; n++) {
    const outage = n % OUTAGE_EVERY === 0;
    // Half of the outages begin before the child, half while it runs. An orderly end keeps the broker's own promises.
    const early = outage && (n / OUTAGE_EVERY) % 2 === 0;
    if (early) await broker.halt(true);
    const running = runAndKill(directory, mqtt, random() * LONGEST_LIFE);
    if (outage && !early) await broker.halt(true);
    for (const key of await running) accepted.add(key);
    if (outage) await broker.resume();
  }
  const drain = start(directory, mqtt, 'drain');
  const seen = new Set<string>();
  let looked = 0;
  const missing = () => {
    for (; looked < ears.messages.length; looked++) {
      const { bootId, seq } = ears.messages[looked]!.body;
      seen.add(`${bootId} ${seq}`);
    }
    return [...accepted].filter((key) => !seen.has(key));
  };
  await waitFor('every accepted record', () => missing().length === 0, 60_000).catch(() => {});
  await kill(drain);
  assert.equal(missing(), [], 'accepted, and never seen by the subscriber');
  assertOrder(ears);
  const delivered = seen.size;
  await ears.close();
  await broker.stop();
  rmSync(directory, { recursive: true });
  return { accepted: accepted.size, delivered, repeated: ears.messages.length - delivered };
}

test(`${KILLS} kills under load: every accepted record is delivered at least once, in order`, async () => {
  let state = 20_261_121;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const outcomes = await Promise.all(Array.from({ length: LANES }, () => lane(random)));
  for (const { accepted, delivered, repeated } of outcomes) {
    console.log(`${accepted} accepted, ${delivered} delivered, ${repeated} more than once`);
    assert.ok(accepted > 2 * KILLS, `${accepted} records were accepted`);
    assert.ok(delivered >= accepted);
  }
});

test.run();
