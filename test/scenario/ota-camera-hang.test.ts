/** A detection model that loads, passes its self-test, and hangs in native code at the first lamp that it sees. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startReleaseNode } from '../support/camera-node.ts';
import { canCapture, hangingLampOnnx, lampOnnx } from '../support/cameras.ts';
import { killNodes } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-camera-hang-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

if (canCapture()) {
  test('the node goes back by itself, ends what hangs, and nothing else notices', async () => {
    const run = await startReleaseNode(work);
    const { node, ears } = run;
    try {
      await run.assign(1, lampOnnx());
      await run.serves(1);
      const { pid } = await node.logged('vision.process.started');
      const start = await waitFor('the intrusion', () => run.intrusions()[0]);
      await run.assign(2, hangingLampOnnx(), { onnx: true });
      await run.until('the trial', ({ trial, serving }) => trial?.release === 2 && serving?.release === 2);
      const { refused } = await run.until('the rollback', (model) => model.refused?.release === 2);
      assert.equal(
        [refused!.code, refused!.reason],
        ['ota-unhealthy', 'it hangs: an inference has not come back for 10 s'],
      );
      await run.serves(1);
      await waitFor('its report', () => run.updates().at(-1)?.startsWith('rolled-back'));
      assert.equal(run.updates().slice(-2), ['trial 2', `rolled-back 2 ${refused!.reason}`]);
      await waitFor('the recovery', () => run.cameraSteps().includes('recovered healed'));
      const from = run.intrusions().length;
      const last = await waitFor('an event after it', () => run.intrusions()[from]);
      assert.equal([last.id, last.track, last.model.version], [start.id, start.track, '1.0.1'], 'one track');
      assert.equal(
        run.cameraSteps(),
        ['restart-process model-hung', 'recovered healed'],
        'no camera was blamed',
      );
      const [told] = ears.of('events/camera');
      assert.match(told!.body.detail, /^lamp 1\.0\.2 has been at one frame for 1\d s$/);
      assert.throws(() => process.kill(pid, 0), /ESRCH/, 'nothing goes round and round any more');
      await run.checkTheRest();
    } finally {
      await run.stop();
    }
  });
}

test.run();
