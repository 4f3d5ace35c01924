/** A detection model on trial whose process crashes in native code: stood in for by SIGSEGV from outside, sent while it looks. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startReleaseNode } from '../support/camera-node.ts';
import { canCapture, lampOnnx } from '../support/cameras.ts';
import { killNodes } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-camera-crash-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

if (canCapture()) {
  test('the second crash rolls back whatever errors were granted, and nothing else notices', async () => {
    const run = await startReleaseNode(work);
    const { node } = run;
    try {
      await run.assign(1, lampOnnx());
      await run.serves(1);
      const start = await waitFor('the intrusion', () => run.intrusions()[0]);
      const lenient = { windowSeconds: 600, minInferences: 1000, maxErrorRate: 0.5 };
      await run.assign(2, lampOnnx(-0.01), { health: lenient });
      await run.until('the trial', ({ trial, serving }) => trial?.release === 2 && serving?.release === 2);
      const crash = async () => {
        const from = run.intrusions().length;
        await waitFor('its looks', () =>
          run
            .intrusions()
            .slice(from)
            .some(({ model }) => model.version === '1.0.2'),
        );
        const { pid } = node.lines.findLast(({ event }) => event === 'vision.process.started')!;
        process.kill(pid, 'SIGSEGV');
      };
      await crash();
      await node.logged('vision.process.started', () => true, node.lines.length);
      const goesOn = await run.until('the trial', ({ trial }) => trial?.release === 2);
      assert.is(goesOn.refused, null, 'one crash may be chance');
      await crash();
      const { refused } = await run.until('the rollback', (model) => model.refused?.release === 2);
      const reason = 'its process ended 2 times (the last: the process ended by SIGSEGV)';
      assert.equal([refused!.code, refused!.reason], ['ota-unhealthy', reason]);
      await run.serves(1);
      const from = run.intrusions().length;
      const last = await waitFor('a look of the release before', () =>
        run
          .intrusions()
          .slice(from)
          .find(({ model }) => model.version === '1.0.1'),
      );
      assert.equal([last.id, last.track], [start.id, start.track], 'one track');

      await waitFor('its report', () => run.updates().at(-1)?.startsWith('rolled-back'));
      assert.equal(run.updates().slice(-2), ['trial 2', `rolled-back 2 ${reason}`]);
      const restarts = run.cameraSteps().filter((step) => step === 'restart-process process-exited');
      assert.is(restarts.length, 2);
      await run.checkTheRest();
    } finally {
      await run.stop();
    }
  });
}

test.run();
