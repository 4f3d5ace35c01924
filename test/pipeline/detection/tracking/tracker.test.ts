/** One person is one track: through crossings, hidings, doubt and uneven times. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../../runtime/core/units.ts';
import { MOST_TRACKS, Tracker } from '../../../../runtime/pipeline/detection/tracking/tracker.ts';
import { configOf, look, MODEL, type Mover, person, play, sceneOf } from '../synthetic.ts';

/** Walks from x to x + length during ten seconds. */
const walk =
  (x: number, y: number, length: number, score: (ms: number) => number | undefined = () => 0.9): Mover =>
  (ms) => {
    const value = score(ms);
    return value === undefined ? undefined : person(x + (length * ms) / 10_000, y, value);
  };

test('two who cross each other stay themselves', () => {
  const scene = sceneOf();
  const movers = [walk(0.1, 0.7, 0.8), walk(0.9, 0.74, -0.8)];
  const { tracks, events } = play(scene, movers, 10_000);
  assert.is(tracks.size, 2);
  const { tracks: views } = scene.step(look([]), {
    mono: millis(10_050),
    wall: 0,
    timeQuality: 'synced',
  } as never);
  const xs = [...views].sort((a, b) => a.id - b.id).map(({ box }) => box[0]);
  assert.ok(xs[0]! > 0.7 && xs[1]! < 0.3, `swapped: ${xs}`);
  assert.is(events.filter(({ phase }) => phase === 'start').length, 2);
});

test('who walks behind a pillar for two seconds comes out the same', () => {
  const hidden = walk(0.1, 0.8, 0.4, (ms) => (ms > 4000 && ms < 6000 ? undefined : 0.9));
  const { tracks, looks } = play(sceneOf(), [hidden], 10_000);
  assert.is(tracks.size, 1);
  assert.is(looks.at(-1)!.seen, 1);
});

test('who is gone for longer than lostFor is someone new', () => {
  const gone = walk(0.1, 0.8, 0, (ms) => (ms > 3000 && ms < 7500 ? undefined : 0.9));
  assert.is(play(sceneOf(), [gone], 10_000).tracks.size, 2);
  assert.is(play(sceneOf({ tracker: { lostFor: '5s' } }), [gone], 10_000).tracks.size, 1);
});

test('doubtful detections continue a track, and start none', () => {
  const fading = walk(0.1, 0.8, 0.3, (ms) => (ms < 2000 ? 0.9 : 0.3));
  const { tracks, looks } = play(sceneOf(), [fading, walk(0.6, 0.8, 0.1, () => 0.3)], 10_000);
  assert.is(tracks.size, 1);
  assert.is(looks.at(-1)!.seen, 1);
});

test('detections below lowScore are nothing', () => {
  const fading = walk(0.1, 0.8, 0, (ms) => (ms < 2000 ? 0.9 : 0.2));
  assert.is(play(sceneOf(), [fading], 10_000).looks.at(-1)!.seen, 0);
});

test('one look is no person; two are, unless they must not wait', () => {
  const flash = (ms: number) => (ms === 500 ? person(0.5, 0.8) : undefined);
  assert.is(play(sceneOf(), [flash], 3000).tracks.size, 0);
  assert.is(play(sceneOf({ tracker: { confirm: '0ms' } }), [flash], 3000).tracks.size, 1);
});

test('the upper half of who is seen whole is no second person', () => {
  const whole = walk(0.4, 0.9, 0.1);
  const upper = (ms: number) => ({ ...person(0.4 + ms / 1e5, 0.75, 0.6, 0.07, 0.14) });
  assert.is(play(sceneOf(), [whole, upper], 4000).tracks.size, 1);
});

test('classes are not mixed up', () => {
  const dog = (ms: number) => ({ ...walk(0.1, 0.8, 0.3)(ms)!, label: 'dog' });
  assert.is(play(sceneOf({ labels: ['person', 'dog'] }), [walk(0.1, 0.8, 0.3), dog], 3000).tracks.size, 2);
  assert.is(play(sceneOf(), [dog], 3000).tracks.size, 0, 'not asked for');
});

test('uneven frame times, down to two looks a second, make no second track', () => {
  const gaps = fc.array(fc.integer({ min: 30, max: 500 }), { minLength: 20, maxLength: 60 });
  const x = fc.double({ min: 0.2, max: 0.5, noNaN: true });
  const speed = fc.double({ min: -0.5, max: 0.5, noNaN: true });
  fc.assert(
    fc.property(gaps, x, speed, (list, start, length) => {
      let at = 0;
      const times = list.map((gap) => {
        at += gap;
        return at;
      });
      const inside = walk(start, 0.8, length);
      assert.is(play(sceneOf(), [inside], at, times).tracks.size, 1);
    }),
    { numRuns: 60 },
  );
});

test('a detector that misses every third look makes no second track', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 2 })), (luck) => {
      const unlucky = walk(0.1, 0.8, 0.6, (ms) => (ms > 500 && luck.next().value === 0 ? undefined : 0.8));
      assert.is(play(sceneOf(), [unlucky], 8000).tracks.size, 1);
    }),
    { numRuns: 60 },
  );
});

test('another model takes a track over', () => {
  const tracker = new Tracker(configOf().tracker);
  for (let ms = 0; ms <= 2000; ms += 100) {
    const model = ms < 1000 ? MODEL : { ...MODEL, digest: `sha256:${'1'.repeat(64)}` };
    const score = ms < 1000 ? 0.9 : 0.55;
    const { tracks } = tracker.step(look([person(0.5, 0.8, score)], model), millis(ms));
    assert.equal(
      tracks.map(({ id }) => id),
      [1],
    );
    if (ms === 1000) assert.is(tracks[0]!.confidence, 0.55, 'scores of two models are not mixed');
  }
});

test('times that stand still or go back neither break nor move a track', () => {
  const tracker = new Tracker(configOf().tracker);
  for (const ms of [0, 100, 200, 300, 300, 50, 10, 400]) {
    const { tracks } = tracker.step(look([person(0.5, 0.8)]), millis(ms));
    assert.equal(
      tracks.map(({ id }) => id),
      [1],
    );
    assert.ok(Math.abs(tracks[0]!.box[0] - 0.46) < 1e-6);
  }
});

test('after a gap without looks nobody is taken for someone of before', () => {
  const times = [0, 100, 200, 300, 400, 60_000, 60_100, 60_200, 60_300];
  assert.is(play(sceneOf(), [walk(0.5, 0.8, 0)], 0, times).tracks.size, 2);
});

test('a flood of boxes is bounded', () => {
  const tracker = new Tracker(configOf().tracker);
  const flood = Array.from({ length: 2000 }, (_, i) =>
    person(0.01 + (i % 50) / 51, 0.1 + Math.floor(i / 50) / 45, 0.9, 0.01, 0.015),
  );
  tracker.step(look(flood), millis(0));
  tracker.step(look(flood.slice(1000)), millis(100));
  assert.is(tracker.tracks.length, MOST_TRACKS);
  assert.ok(tracker.refused > 0);
});

test.run();
