/** Detection models as signed bundles: a hub, a broker, a node whose camera takes release after release while a track goes on. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startReleaseNode } from '../support/camera-node.ts';
import { canCapture, lampOnnx } from '../support/cameras.ts';
import { getJson, killNodes } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-ota-camera-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

/** What a lamp model of this bias makes of black. */
function golden(bias: number) {
  const y = new Float32Array(96);
  y.fill(bias, 0, 16).fill(1, 80);
  return {
    inputs: { x: { type: 'float32', shape: [1, 3, 32, 32], data: new Float32Array(3072) } },
    outputs: { y: { type: 'float32', shape: [1, 6, 4, 4], data: y } },
  } as const;
}

if (canCapture()) {
  test('releases come, go on during one track, are refused and rolled back, and the camera never stops', async () => {
    const run = await startReleaseNode(work);
    const { node, ears, port } = run;
    const { assign, until, serves, intrusions: events } = run;
    const told = (version: string) =>
      waitFor(`an event of ${version}`, () => events().findLast((body) => body.model.version === version));
    try {
      const { pid } = await node.logged('vision.process.started');
      const health = async () =>
        (await getJson(port, '/api/status').catch(() => undefined))?.components['vision-gate'];
      const blind = await waitFor('frames', async () => {
        const now = await health();
        return now?.state === 'degraded' ? now : undefined;
      });
      assert.match(blind.detail, "no release of the bundle 'lamp' serves yet");

      const first = await assign(1, lampOnnx());
      await serves(1);
      await told('1.0.1');
      const start = events()[0]!;
      assert.equal([start.phase, start.label, start.model.digest], ['start', 'lamp', first]);
      assert.is((await health()).state, 'ok');

      const second = await assign(2, lampOnnx(-0.01), {
        cases: [golden(-0.01)],
        health: { minInferences: 60, maxOutputShift: 1 },
      });
      await serves(2);
      const update = await told('1.0.2');
      assert.equal([update.id, update.track, update.model.digest], [start.id, start.track, second]);

      await assign(3, lampOnnx(-0.02), { cases: [golden(3)] });
      const { refused: wrong } = await until('the refusal', ({ refused }) => refused?.release === 3);
      assert.is(wrong!.code, 'selftest-failed');

      // Everything is right about it, but it finds nothing.
      await assign(4, lampOnnx(-2), {
        health: { minInferences: 60, windowSeconds: 60, maxOutputShift: 0.5 },
      });
      const { refused } = await until('the rollback', ({ refused }) => refused?.release === 4);
      assert.equal([refused!.code, (await serves(2)).serving!.release], ['ota-unhealthy', 2]);
      assert.match(refused!.reason, 'its output lies 1.00 from that of the model before');
      await assign(5, lampOnnx(-0.03), { health: { latencyP95Ms: 0.001 } });
      const { refused: slow } = await until('the rollback', ({ refused }) => refused?.release === 5);
      assert.match(slow!.reason, 'P95 of latency');
      await serves(2);

      const last = events().length;
      await waitFor('an event after the rollback', () => events().length > last);
      const after = events().at(-1)!;
      assert.equal([after.id, after.model.digest, after.phase], [start.id, second, 'update']);
      assert.is(events().filter(({ phase }) => phase === 'start').length, 1);
      assert.equal(ears.of('events/camera'), [], 'nothing had to be healed');
      process.kill(pid, 0);
    } finally {
      await run.stop();
    }
  });
}

test.run();
