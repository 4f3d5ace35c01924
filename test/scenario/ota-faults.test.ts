/** Updates through real faults: the broker, the hub and the node die at every state, and the model serves in the end. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scoreCase, scoreOnnx } from '../support/bundles.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { getMetric, killNodes } from '../support/node.ts';
import { serves, startUpdateNode, type UpdateNode } from '../support/update-node.ts';
import { waitFor } from '../support/wait.ts';

const MIB = 1024 ** 2;
const BALLAST = 6 * MIB;

let fleet: Fleet;
let broker: Mosquitto;
let node: UpdateNode;
let port: number;

test.before(async () => {
  broker = await startMosquitto();
  fleet = new Fleet();
  await fleet.add({ release: 1, model: scoreOnnx(2), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 1 }]);
  await fleet.serve(broker.url);
  port = await freePort();
  // Slow enough to be met in the middle.
  node = startUpdateNode({ fleet, broker: broker.url, httpPort: port, ota: { rate: '3MiB', check: '1min' } });
  await node.until('release 1 to serve', serves(1));
});
test.after(async () => {
  killNodes();
  await fleet?.remove();
  await broker?.stop();
  node?.folder.remove();
});

async function push(release: number, health = {}, ballast = BALLAST): Promise<void> {
  const cases = [scoreCase([1, 2], 3 * release)];
  await fleet.add({ release, model: scoreOnnx(2, release, 0, ballast), cases, health, attempts: 2 });
  await fleet.assign([{ release }]);
}

/** A transfer under way, with some of it on disk. */
const halfway = () =>
  waitFor('the transfer', async () => {
    const parts = readdirSync(join(node.folder.dataDir, 'ota', 'parts'));
    const kept = (await getMetric(port, 'vigie_ota_transfer', { kind: 'bytesKept' }).catch(() => 0)) ?? 0;
    return parts.some((name) => name.endsWith('.part')) && kept > MIB / 2;
  });

/** The look that follows a fault is minutes away: asked for, as an announcement would. */
async function again(release: number): Promise<void> {
  await waitFor(
    'the release',
    async () => {
      if (serves(release)((await node.model()) ?? { active: null, serving: null })) return true;
      await node.ask('ota-check').catch(() => {});
      await sleep(100);
      return false;
    },
    30_000,
  );
}

test('case 32: the broker is killed in the middle of a transfer, and comes back', async () => {
  await push(2);
  await halfway();
  await broker.halt();
  await sleep(500);
  await broker.resume();
  await again(2);
});

test('case 32: without the broker a trial goes on, and commits', async () => {
  await push(3, { windowSeconds: 3 }, 0);
  await node.until('the trial', ({ trial }) => trial?.release === 3);
  await broker.halt();
  await node.until('the commit', serves(3));
  await broker.resume();
});

test('case 33: the hub restarts in the middle of a transfer, with a newer repository', async () => {
  await waitFor('the hub', () => fleet.connected);
  await push(4);
  await halfway();
  await fleet.stopHub();
  await fleet.add({ release: 5, model: scoreOnnx(2, 5), cases: [scoreCase([1, 2], 15)] });
  await fleet.assign([{ release: 5 }]);
  await fleet.serve(broker.url);
  await again(5);
});

test('case 34: the node is killed in the middle of a transfer, and goes on where it was', async () => {
  await push(6);
  await halfway();
  await sleep(500);
  await node.kill();
  node.start();
  await again(6);
  const kept = (await getMetric(port, 'vigie_ota_transfer', { kind: 'bytesKept' })) ?? 0;
  assert.ok(kept < BALLAST - MIB / 4, `${kept} bytes after the restart, of ${BALLAST} in all`);
});

test('case 50: killed in each attempt of its trial, a model makes way for the one before', async () => {
  await push(7, { windowSeconds: 3600 }, 0);
  for (const left of [1, 0]) {
    await node.until(
      `the trial, ${left} left`,
      ({ trial }) => trial?.release === 7 && trial.attemptsLeft === left,
    );
    await node.kill();
    node.start();
  }
  const { refused } = await node.until('the release before', serves(6));
  assert.equal([refused?.release, refused?.code], [7, 'ota-unhealthy']);
  assert.match(refused!.reason, /2 attempts/);
});

test('a stick brings the same update without a broker', async () => {
  await fleet.add({ release: 8, model: scoreOnnx(2, 8), cases: [scoreCase([1, 2], 24)] });
  await fleet.stopHub();
  await fleet.assign([{ release: 8 }]);
  await broker.halt();
  const answer = await node.ask('ota-import', { directory: fleet.publicFolder });
  assert.equal(
    (answer.models as { result: string }[]).map(({ result }) => result),
    ['staged'],
  );
  await node.until('release 8 to serve', serves(8));
  await node.node.stop();
});

test.run();
