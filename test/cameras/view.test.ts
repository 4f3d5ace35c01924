import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SceneUpdate } from '../../runtime/cameras/scenes.ts';
import { LiveView } from '../../runtime/cameras/view.ts';
import type { ViewScene } from '../../runtime/core/camera-view.ts';
import type { Clock } from '../../runtime/core/clock.ts';
import { HEALTHY } from '../../runtime/core/component.ts';
import type { DetectionEvent, Stamp } from '../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../runtime/core/units.ts';
import type { PictureWish } from '../../runtime/sources/camera/messages.ts';
import { camera } from '../support/cameras.ts';

const square = [
  [0, 0],
  [1, 0],
  [1, 1],
];
const config = camera({
  detection: {
    zones: [
      { name: 'yard', polygon: square },
      { name: 'road', polygon: square, mode: 'exclude' },
    ],
    tripwires: [
      {
        name: 'gate',
        line: [
          [0, 0],
          [1, 1],
        ],
        direction: 'left-to-right',
      },
    ],
  },
  model: { manifest: 'm' },
});

function rig() {
  let now = 5000;
  const wishes: PictureWish[] = [];
  const clock = { mono: () => millis(now), wall: () => epochMillis(0) } as Clock;
  const picture = async (wish: PictureWish) => {
    wishes.push(wish);
    return {
      camera: 'gate',
      sequence: 7,
      capturedAt: millis(1),
      width: 4,
      height: 2,
      jpeg: new Uint8Array(1),
    };
  };
  const view = new LiveView({
    camera: config,
    clock,
    picture,
    health: () => HEALTHY,
    kept: async () => undefined,
    earlier: () => [{ event: 'old', at: epochMillis(1) }],
  });
  return { view, wishes, pass: (ms: number) => (now += ms) };
}

const track = {
  id: 3,
  label: 'person',
  score: 0.914,
  box: [0, 0, 0.5, 0.5],
  state: 'seen',
  intrudes: ['yard'],
};
const update = {
  frame: { sequence: 42, capturedAt: 4900, timing: { handOver: 1.25, detect: 20 } },
  step: { tracks: [track], events: [], snapshots: [] },
} as unknown as SceneUpdate;
const WISH = { most: 640, quality: 70, mostBytes: 50_000 };

test('an annotated picture is of the frame that its boxes were found on', async () => {
  const { view, wishes } = rig();
  view.update(update);
  const { sequence, width } = await view.picture({ ...WISH, annotated: true });
  assert.equal([sequence, width], [7, 4]);
  const { annotations, ...wish } = wishes[0]!;
  assert.equal(wish, { ...WISH, sequence: 42 });
  assert.equal(
    annotations?.boxes?.map(({ label, dashed }) => [label, dashed]),
    [['person 3 91%', false]],
  );
  assert.equal(
    annotations?.zones?.map(({ name, hatched }) => [name, hatched]),
    [
      ['yard', false],
      ['road', true],
    ],
  );
  assert.equal(
    annotations?.tripwires?.map(({ toRight, toLeft }) => [toRight, toLeft]),
    [[true, false]],
  );
  assert.is(annotations?.line, 'gate  1970-01-01 00:00:00 UTC  hand-over 1.3 ms  detect 20.0 ms');
});

test('what was found long ago is not drawn on a picture of now', async () => {
  const { view, wishes, pass } = rig();
  view.update(update);
  pass(2000);
  await view.picture({ ...WISH, annotated: true });
  assert.equal([wishes[0]?.sequence, wishes[0]?.annotations?.boxes], [undefined, []]);
  await view.picture({ ...WISH, annotated: false });
  assert.is(wishes[1]?.annotations, undefined);
});

test('events stay to be shown once they are over, with their pictures, up to a bound', () => {
  const { view } = rig();
  const heard: unknown[] = [];
  view.follow({
    scene: () => {},
    event: () => {},
    pictured: (...picture) => heard.push(picture),
    configured: () => heard.push('configured'),
  });
  const stamp = { mono: 1 } as Stamp;
  const event = (phase: string, id: string) => view.event({ id, phase } as DetectionEvent, stamp);
  event('start', 'open');
  for (const id of ['a', 'b']) {
    event('start', id);
    view.pictured(id);
    event('end', id);
  }
  view.pictured('b');
  view.pictured('nobody');
  const recent = () =>
    view.recentEvents().map(({ event, picture }) => `${event.id} ${event.phase} ${picture}`);
  assert.equal(recent(), ['open start 0', 'a end 1', 'b end 2']);
  assert.equal(heard, [
    ['a', 1],
    ['b', 1],
    ['b', 2],
  ]);
  for (let i = 0; i < 100; i++) event('once', `c${i}`);
  assert.is(recent().length, 50);
  assert.is(recent()[0], 'open start 0', 'what is open stays');
  assert.equal(view.earlierPictures(), [{ event: 'old', at: 1 }]);
});

test('zones that change are drawn at once, and told to who follows', async () => {
  const { view, wishes } = rig();
  let told = 0;
  view.follow({ scene: () => {}, event: () => {}, configured: () => told++ });
  assert.equal(view.zones(), ['yard']);
  view.configure(
    camera({ detection: { zones: [{ name: 'door', polygon: square }] }, model: { manifest: 'm' } }),
  );
  assert.equal([view.zones(), told], [['door'], 1]);
  await view.picture({ ...WISH, annotated: true });
  assert.equal(
    wishes[0]?.annotations?.zones?.map(({ name }) => name),
    ['door'],
  );
});

test('who follows hears scenes and events; open events are kept until they end', () => {
  const { view } = rig();
  const heard: unknown[] = [];
  const stop = view.follow({
    scene: (scene: ViewScene) => heard.push(scene.sequence),
    event: ({ phase }: DetectionEvent) => heard.push(phase),
  });
  const stamp = { mono: 1 } as Stamp;
  const event = (phase: string, id = 'e') => view.event({ id, phase } as DetectionEvent, stamp);
  view.update(update);
  event('start');
  event('once', 'crossing');
  event('update');
  assert.equal(
    view.openEvents().map((open) => [open.event.id, open.event.phase]),
    [['e', 'update']],
  );
  event('end');
  assert.equal(view.openEvents(), []);
  stop();
  event('start');
  assert.equal(heard, [42, 'start', 'once', 'update', 'end']);
});

test.run();
