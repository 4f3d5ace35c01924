/** Cameras that end, stall, hang in a driver or freeze: each is healed, and says so. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { camera, canCapture, pattern, stoppedAfterEach, type TestGroup } from '../../support/cameras.ts';
import { waitFor } from '../../support/wait.ts';

const start = stoppedAfterEach();

const isOk = ({ group }: TestGroup) => waitFor('frames', () => group.health().state === 'ok');
const parts = ({ group }: TestGroup, name: string) => group.health().parts?.[name];

if (canCapture()) {
  test('a stream that ends is built anew', async () => {
    const stops =
      'videotestsrc is-live=true num-buffers=20 ! video/x-raw,format=NV12,width=64,height=48,framerate=20/1';
    const test = await start([camera({ pipeline: stops })]);
    await waitFor('the rebuild', () => test.steps().includes('rebuild absent'));
    await waitFor('the recovery', () => test.steps().includes('recovered healed'));
    assert.match(test.events[0]!.detail, 'stream-ended');
  });

  test('a stall is met by a new pipeline, one that does not even end by a new process', async () => {
    const caps = 'video/x-raw,format=NV12,width=64,height=48,framerate=20/1';
    // A second of pictures; then an element sleeps that no change of state wakes, as drivers do.
    const hangs = `videotestsrc is-live=true num-buffers=20 ! ${caps} ! c.sink_0
      videotestsrc ! ${caps} ! identity sleep-time=1000000000 ! c.sink_1 concat name=c`;
    const test = await start([camera({ pipeline: hangs })]);
    await isOk(test);
    const { pid } = test.group;
    await waitFor('the rebuild', () => test.steps()[0] === 'rebuild stall');
    await waitFor('the restart', () => test.steps()[1] === 'restart-process fault');
    assert.match(test.events[1]!.detail, 'capture-hung');
    await waitFor('the recovery', () => test.steps()[2] === 'recovered healed');
    assert.is.not(test.group.pid, pid);
  });

  test('a picture that freezes is a fault of its own', async () => {
    const frozen = camera({ pipeline: pattern('black'), healing: { freeze: '1s' } });
    const test = await start([frozen]);
    await waitFor('the step', () => test.steps().includes('rebuild frozen'));
    const { detail } = test.events.find(({ reason }) => reason === 'frozen')!;
    assert.match(detail, 'the very same picture');
    assert.is(parts(test, 'gate')?.state, 'degraded');
  });
}

test.run();
