/** A model that is slower than its camera, or a board that is hot: fewer frames are looked at, and the node is told why. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../runtime/core/clock.ts';
import { ModelError } from '../../runtime/core/errors.ts';
import { millis } from '../../runtime/core/units.ts';
import { BoardReader } from '../../runtime/pipeline/detection/rate/board-reader.ts';
import type { CameraEvent } from '../../runtime/sources/camera/events.ts';
import type { CameraJob, FromVision } from '../../runtime/sources/camera/messages.ts';
import { WatchedCamera } from '../../runtime/sources/camera/watched-camera.ts';
import { CameraLoop } from '../../runtime/vision/camera-loop.ts';
import type { Models } from '../../runtime/vision/model.ts';
import { validatePayload } from '../contract/asyncapi.ts';
import { camera, canCapture, pattern } from '../support/cameras.ts';
import { testSpine } from '../support/spine.ts';
import { waitFor } from '../support/wait.ts';

/** Each variant takes its time, by its name, and finds nothing. */
const slow = (ms: Record<string, number>) => {
  const variants = Object.keys(ms);
  return {
    load: async (_job: unknown, index = 0) => {
      const variant = variants[index]!;
      if (!(ms[variant]! >= 0)) throw new ModelError('bad-model', `no file for ${variant}`);
      const identity = { name: 'slow', version: '1', digest: `sha256:${variant}` };
      return {
        detector: { detect: async () => sleep(ms[variant], []) },
        facts: { identity, threshold: 0.5, backend: 'none', variant },
        variants,
      };
    },
    letGo: async () => {},
  } as unknown as Models;
};

/** A camera of 30 frames a second. */
function run(models: Models, rate: object) {
  const sent: FromVision[] = [];
  const config = { ...camera({}).detection.rate, ...rate };
  const job = {
    camera: 'gate',
    pipeline: pattern('ball').replace('{fps}', '30'),
    secret: '',
    paced: false,
    loop: false,
    endless: true,
    model: {},
    hidden: [],
    rate: { config, thermal: [] },
  } as unknown as CameraJob;
  const send = (message: FromVision) => sent.push(message) > 0;
  const clock = new SystemClock(() => true);
  const board = new BoardReader({ root: '/nowhere', vcgencmd: '/nowhere' });
  const loop = new CameraLoop({ job, models, clock, board, send });
  void loop.rebuild();
  // One that cannot be built takes the place of the first, which is closed.
  const end = () => {
    Object.assign(job, { pipeline: 'nothing-of-this-name' });
    return loop.rebuild();
  };
  const told = () => sent.flatMap((message) => (message.type === 'rate' ? [message] : []));
  const looking = () => sent.findLast((message) => message.type === 'model')?.variant;
  return { loop, end, told, looking };
}

test('a change is a record with its reason, and no step of healing', async () => {
  const spine = testSpine();
  const events: CameraEvent[] = [];
  const watched = new WatchedCamera({
    config: camera({}),
    ...spine,
    now: millis(0),
    onEvent: (event) => events.push(event),
  });
  watched.rate({ everyNth: 3, cause: 'heat', reason: 'cpu-thermal is at 81.0 °C' });
  watched.rate({ everyNth: 1, cause: 'cool', reason: 'the board is cool again' });
  assert.equal(
    events.map(({ step, reason, detail }) => `${step} ${reason}: ${detail}`),
    [
      'rate heat: one frame of 3 is looked at: cpu-thermal is at 81.0 °C',
      'rate cool: every frame is looked at: the board is cool again',
    ],
  );
  const [body] = events;
  const envelope = {
    site: 's',
    node: 'n',
    bootId: 'b',
    seq: 1,
    time: '2026-03-02T08:31:02.114Z',
    timeQuality: 'synced',
  };
  assert.equal(validatePayload('camera', { ...envelope, ...body }), []);
  assert.not.match(await spine.registry.metrics(), 'step="rate"');
});

if (canCapture()) {
  test('frames are left out for a slow model, and told so; without adapt none are', async () => {
    const models = slow({ float32: 120 });
    const [adapting, fixed] = [run(models, {}), run(models, { adapt: false })];
    try {
      const told = await waitFor('the change', () => adapting.told()[0]);
      assert.ok(told.everyNth >= 4, JSON.stringify(told));
      assert.match(told.reason, 'inference is slower than the camera');
      await waitFor('frames left out', () => adapting.loop.pulse().spared > 0);
      await waitFor('as many looks', () => fixed.loop.pulse().detected > 10);
      assert.is(fixed.loop.pulse().spared, 0);
      assert.equal(fixed.told(), []);
    } finally {
      await Promise.all([adapting.end(), fixed.end()]);
    }
  });

  test('a faster variant looks where the model is too slow, and gives way again once there is time', async () => {
    const ms = { float32: 130, int8: 60 };
    const { told, looking, end } = run(slow(ms), { wantedFps: 10 });
    try {
      await waitFor('the faster variant', () => looking() === 'int8');
      const change = told().find(({ variant }) => variant === 'int8');
      assert.is(change?.cause, 'slow');
      await waitFor('how fast it is', () => told().length > 0 && looking() === 'int8');
      await sleep(1500);
      assert.is(looking(), 'int8', 'no going to and fro');
      Object.assign(ms, { float32: 30, int8: 12 });
      await waitFor('the better variant', () => looking() === 'float32');
      assert.is(told().findLast(({ variant }) => variant !== undefined)?.variant, 'float32');
      assert.is(told().findLast(({ variant }) => variant !== undefined)?.cause, 'fast');
    } finally {
      await end();
    }
  });

  test('a variant that cannot be loaded is told, and the model that looked goes on', async () => {
    const { loop, told, looking, end } = run(slow({ float32: 130, int8: -1 }), { wantedFps: 10 });
    try {
      const problem = await waitFor('the problem', () =>
        told().find(({ reason }) => reason.includes('cannot be used')),
      );
      assert.match(problem.reason, 'its variant int8 cannot be used: no file for int8');
      const { detected } = loop.pulse();
      await waitFor('further looks', () => loop.pulse().detected > detected + 3);
      assert.is(looking(), 'float32');
    } finally {
      await end();
    }
  });
}

test.run();
