/** `vigie ota node …` on a running node: what it prints, and the exit status by which a script tells what went wrong. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { epochMillis } from '../../runtime/core/units.ts';
import { scoreCase, scoreOnnx } from '../support/bundles.ts';
import { type CliResult, vigieHere } from '../support/cli.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { killNodes } from '../support/node.ts';
import { startUpdateNode, type UpdateNode } from '../support/update-node.ts';

const DAY = 86_400_000;

let fleet: Fleet;
let broker: Mosquitto;
let node: UpdateNode;

test.before(async () => {
  broker = await startMosquitto();
  fleet = new Fleet();
  await fleet.add({ release: 1, model: scoreOnnx(2), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 1 }]);
  await fleet.serve(broker.url);
  node = startUpdateNode({ fleet, broker: broker.url, httpPort: await freePort(), ota: { jitter: '1d' } });
  await node.node.logged('node.started');
});
test.after(async () => {
  killNodes();
  await fleet?.remove();
  await broker?.stop();
  node?.folder.remove();
});

const ask = (...args: string[]): Promise<CliResult> =>
  vigieHere(['ota', ...args, '--data-dir', node.folder.dataDir]);

test('0: something new is here, 10: nothing is new', async () => {
  const first = await ask('node', 'check');
  assert.equal([first.code, first.stderr], [0, '']);
  assert.match(first.stdout, /score 1: is here and verified/);
  await node.until('release 1', ({ active }) => active?.release === 1);
  const second = await ask('node', 'check');
  assert.is(second.code, 10);
  assert.match(second.stdout, /score 1: it serves/);
});

test('40: a release that was rolled back; its reason is told as long as it is blocked', async () => {
  await fleet.add({ release: 2, model: scoreOnnx(2), health: { latencyP95Ms: 1e-6 } });
  await fleet.assign([{ release: 2 }]);
  assert.is((await ask('node', 'check')).code, 0);
  await node.until('the rollback', ({ refused }) => refused?.release === 2);
  // More than once: a look for updates must not forget it.
  for (let look = 0; look < 2; look++) {
    const { code, stdout } = await ask('node', 'check');
    assert.is(code, 40);
    assert.match(stdout, /score 2: refused: P95 of latency is .* ms were granted \(ota-unhealthy\)/);
  }
  const status = await ask('node', 'status');
  assert.is(status.code, 0);
  assert.match(status.stdout, /score: release 2 is not used: P95 of latency is .* \(ota-unhealthy\)/);
  assert.match(status.stdout, /score: blocked [0-9a-f]{64}/);
});

test('40: a release whose golden output is wrong', async () => {
  await fleet.add({ release: 3, model: scoreOnnx(2, 7), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 3 }]);
  const { code, stdout } = await ask('node', 'check');
  assert.is(code, 40);
  assert.match(stdout, /score 3: refused: .*golden vector 0: output 'score'/);
});

test('21: metadata that has expired, over the broker and from a stick; what serves goes on', async () => {
  await fleet.assign([{ release: 1 }], {}, epochMillis(Date.now() - 20 * DAY));
  for (const args of [
    ['node', 'check'],
    ['import', fleet.publicFolder],
  ]) {
    const { code, stderr } = await ask(...args);
    assert.is(code, 21, stderr);
    assert.match(stderr, /timestamp.* expired/);
  }
  const json = await ask('node', 'check', '--json');
  assert.equal([json.code, JSON.parse(json.stdout).error.code], [21, 'ota-expired']);
  const status = await ask('node', 'status');
  assert.match(status.stdout, /last error +ota-expired/);
  assert.match(status.stdout, /score +serving +1 /);
  await fleet.publish();
  assert.is((await ask('node', 'check')).code, 10);
});

test('24: a release for other boards, 22: one below what was committed', async () => {
  await fleet.add({ release: 4, model: scoreOnnx(2), requires: { boards: ['another-board'] } });
  await fleet.assign([{ release: 4 }]);
  const other = await ask('node', 'check');
  assert.is(other.code, 24);
  assert.match(other.stdout, /another-board/);
  await fleet.add({ release: 5, model: scoreOnnx(2, 2), cases: [scoreCase([1, 2], 6)] });
  await fleet.assign([{ release: 5 }]);
  assert.is((await ask('node', 'check')).code, 0);
  await node.until('release 5', ({ active }) => active?.release === 5);
  await fleet.assign([{ release: 1 }]);
  const below = await ask('node', 'check');
  assert.is(below.code, 22);
  assert.match(below.stdout, /release 1 is below 5/);
});

test('30: nobody answers, 2: the command line, 0: rollback with a reason that is shown', async () => {
  await fleet.stopHub();
  const back = await ask('node', 'rollback', 'score', '--reason', 'the shift does not like it');
  assert.is(back.code, 0);
  const { stdout } = await ask('node', 'status');
  assert.match(stdout, /release 5 is not used: the shift does not like it \(ota-rolled-back\)/);
  assert.is((await ask('node', 'rollback', 'score')).code, 22);
  assert.is((await ask('node', 'rollback')).code, 2);
  await broker.halt();
  assert.is((await ask('node', 'check')).code, 30);
  await node.node.stop();
  assert.is((await ask('node', 'status')).code, 30);
});

test.run();
