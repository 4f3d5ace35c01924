/** A model that is slower than its camera, or a board that is hot: fewer frames are looked at, and the node is told why. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../runtime/core/clock.ts';
import { millis } from '../../runtime/core/units.ts';
import type { CameraEvent } from '../../runtime/sources/camera/events.ts';
import type { CameraJob, FromVision } from '../../runtime/sources/camera/messages.ts';
import { WatchedCamera } from '../../runtime/sources/camera/watched-camera.ts';
import { CameraLoop } from '../../runtime/vision/camera-loop.ts';
import type { Models } from '../../runtime/vision/model.ts';
import { validatePayload } from '../contract/asyncapi.ts';
import { camera, canCapture, pattern } from '../support/cameras.ts';
import { testSpine } from '../support/spine.ts';
import { waitFor } from '../support/wait.ts';

/** Takes its time, and finds nothing. */
const slow = (ms: number) =>
  ({
    load: async () => ({
      detector: { detect: async () => sleep(ms, []) },
      facts: {
        identity: { name: 'slow', version: '1', digest: 'sha256:0' },
        threshold: 0.5,
        backend: 'none',
        variant: 'float32',
      },
      variants: ['float32'],
    }),
    letGo: async () => {},
  }) as unknown as Models;

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
    const { rate } = camera({}).detection;
    const run = (adapt: boolean) => {
      const sent: FromVision[] = [];
      const job = {
        camera: 'gate',
        pipeline: pattern('ball').replace('{fps}', '30'),
        secret: '',
        paced: false,
        loop: false,
        endless: true,
        model: {},
        hidden: [],
        rate: { config: { ...rate, adapt }, thermal: [] },
      } as unknown as CameraJob;
      const send = (message: FromVision) => sent.push(message) > 0;
      const loop = new CameraLoop({ job, models: slow(120), clock: new SystemClock(() => true), send });
      void loop.rebuild();
      // One that cannot be built takes the place of the first, which is closed.
      const end = () => {
        Object.assign(job, { pipeline: 'nothing-of-this-name' });
        return loop.rebuild();
      };
      return { loop, end, told: () => sent.find(({ type }) => type === 'rate') };
    };
    const [adapting, fixed] = [run(true), run(false)];
    const told = await waitFor('the change', adapting.told);
    assert.ok(told.type === 'rate' && told.everyNth >= 4, JSON.stringify(told));
    assert.match(told.type === 'rate' ? told.reason : '', 'inference is slower than the camera');
    await waitFor('frames left out', () => adapting.loop.pulse().spared > 0);
    await waitFor('as many looks', () => fixed.loop.pulse().detected > 10);
    assert.is(fixed.loop.pulse().spared, 0);
    assert.is(fixed.told(), undefined);
    await Promise.all([adapting.end(), fixed.end()]);
  });
}

test.run();
