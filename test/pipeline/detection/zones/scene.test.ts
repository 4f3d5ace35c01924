/** From tracks to events: one intruder in one zone is one start and one end. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  checkEvents,
  look,
  MODEL,
  type Mover,
  NOON,
  person,
  phases,
  play,
  sceneOf,
  stamp,
} from '../synthetic.ts';

type Corner = [number, number];
const LOWER: Corner[] = [
  [0, 0.6],
  [1, 0.6],
  [1, 1],
  [0, 1],
];
const LEFT: Corner[] = [
  [0, 0],
  [0.4, 0],
  [0.4, 1],
  [0, 1],
];
const gate = { name: 'gate', polygon: LOWER };

const stands =
  (x: number, y: number, from = 0, to = Number.POSITIVE_INFINITY, score = 0.9): Mover =>
  (ms) =>
    ms >= from && ms < to ? person(x, y, score) : undefined;

test('who comes and goes is one start and one end, with the times of the picture', () => {
  const scene = sceneOf({ zones: [gate] });
  const visitor: Mover = (ms) => person(0.5, ms >= 2000 && ms < 6000 ? 0.8 : 0.55);
  const { events } = play(scene, [visitor], 12_000);
  assert.equal(phases(events), ['start gate', 'end gate left']);
  const [start, end] = events;
  assert.is(start!.id, end!.id);
  assert.equal(start!.model, MODEL);
  assert.ok(Math.abs(end!.durationMs - 4000) <= 300, `${end!.durationMs}`);
  assert.is(end!.enteredAgoMs - end!.durationMs, end!.leftAgoMs);
  assert.ok(end!.leftAgoMs! >= 2000, 'the delay of the end is told');
});

test('without zones the whole picture is one; nobody outside a zone is an event', () => {
  assert.equal(phases(play(sceneOf(), [stands(0.5, 0.5)], 3000).events), ['start picture']);
  assert.equal(phases(play(sceneOf({ zones: [gate] }), [stands(0.5, 0.5)], 3000).events), []);
});

test('the foot counts, or the centre where that is asked for', () => {
  const centre = { ...gate, anchor: 'center' as const };
  assert.equal(phases(play(sceneOf({ zones: [gate] }), [stands(0.5, 0.7)], 2000).events), ['start gate']);
  assert.equal(phases(play(sceneOf({ zones: [centre] }), [stands(0.5, 0.7)], 2000).events), []);
});

test('an exclude zone takes away from every other', () => {
  const zones = [gate, { name: 'path', mode: 'exclude' as const, polygon: LEFT }];
  const { events } = play(sceneOf({ zones }), [stands(0.2, 0.8), stands(0.7, 0.8)], 3000);
  assert.equal(phases(events), ['start gate']);
  assert.ok(events[0]!.box[0] > 0.5);
});

test('one who trembles at the edge is one event', () => {
  const scene = sceneOf({ zones: [gate] });
  const trembling: Mover = (ms) => person(0.5, 0.6 + 0.03 * Math.sin(ms / 150));
  assert.equal(phases(play(scene, [trembling], 20_000).events), ['start gate']);
});

test('dwell: who only passes is no event, who stays is one with the moment of entry', () => {
  const zones = [{ ...gate, dwell: '3s' }];
  assert.equal(phases(play(sceneOf({ zones }), [stands(0.5, 0.8, 0, 2500)], 8000).events), []);
  const { events } = play(sceneOf({ zones }), [stands(0.5, 0.8)], 8000);
  assert.equal(phases(events), ['start gate']);
  assert.ok(events[0]!.enteredAgoMs >= 3000);
});

test('time outside does not count as dwell', () => {
  const zones = [{ ...gate, dwell: '3s' }];
  const inAndOut: Mover = (ms) => person(0.5, 0.6 + 0.2 * Math.cos((Math.PI * ms) / 1000));
  const { events } = play(sceneOf({ zones, events: { exitDelay: '3s' } }), [inAndOut], 5000);
  assert.equal(phases(events), []);
});

test('confidence has hysteresis', () => {
  const zones = [{ ...gate, minConfidence: 0.8 }];
  const scored = (score: (ms: number) => number) => [(ms: number) => person(0.5, 0.8, score(ms))];
  const unsure = play(
    sceneOf({ zones }),
    scored(() => 0.7),
    4000,
  );
  assert.equal(phases(unsure.events), []);
  const weaker = play(
    sceneOf({ zones }),
    scored((ms) => (ms < 1000 ? 0.9 : 0.5)),
    9000,
  );
  assert.equal(phases(weaker.events), ['start gate']);
  const gone = play(
    sceneOf({ zones, tracker: { lowScore: 0.1 } }),
    scored((ms) => (ms < 1000 ? 0.9 : 0.2)),
    9000,
  );
  assert.equal(phases(gone.events), ['start gate', 'end gate doubtful']);
});

test('updates come at their period, with the peak', () => {
  const scene = sceneOf({ zones: [gate], events: { update: '2s' } });
  const { events } = play(scene, [(ms) => person(0.5, 0.8, ms === 2500 ? 0.97 : 0.8)], 7000);
  assert.equal(phases(events), ['start gate', 'update gate', 'update gate', 'update gate']);
  assert.is(events[3]!.peak, 0.97);
});

test('who is hidden for a while stays one event; who vanishes ends as lost', () => {
  const hidden: Mover = (ms) => (ms > 2000 && ms < 4500 ? undefined : person(0.5, 0.8));
  assert.equal(phases(play(sceneOf({ zones: [gate] }), [hidden], 8000).events), ['start gate']);
  const { events } = play(sceneOf({ zones: [gate] }), [stands(0.5, 0.8, 0, 2000)], 8000);
  assert.equal(phases(events), ['start gate', 'end gate lost']);
  assert.ok(Math.abs(events[1]!.durationMs - 1900) <= 300);
});

test('armed hours that end, end the event; when they begin, who is there is an intruder', () => {
  const schedules = [
    { name: 'work', timeZone: 'UTC', hours: [{ from: '12:00', to: '12:01' }, { from: '12:02' }] },
  ];
  const scene = sceneOf({ zones: [{ ...gate, schedule: 'work' }], schedules });
  const { events } = play(scene, [stands(0.5, 0.8)], 150_000, 500);
  const told = phases(events).filter((text) => !text.startsWith('update'));
  assert.equal(told, ['start gate', 'end gate disarmed', 'start gate']);
  const ids = new Set(events.map(({ id }) => id));
  assert.is(ids.size, 2);
});

test('a wall clock that jumps, or is not set, does not touch a track', () => {
  const scene = sceneOf({ zones: [gate] });
  const events = [];
  for (let ms = 0; ms <= 5000; ms += 100) {
    const wall = ms < 1000 ? ms : ms < 2000 ? NOON + 86_400_000 * 400 : NOON;
    events.push(...scene.step(look([person(0.5, 0.8)]), stamp(ms, wall, ms >= 1000)).events);
  }
  assert.equal(phases(events), ['start gate']);
});

test('a model swapped during a track: the same event goes on and names the new one', () => {
  const scene = sceneOf({ zones: [gate], events: { update: '1s' } });
  const other = { name: 'smaller', version: '2.0.0', digest: `sha256:${'a'.repeat(64)}` };
  const events = [];
  for (let ms = 0; ms <= 2500; ms += 100) {
    const [score, model] = ms < 1200 ? [0.9, MODEL] : [0.55, other];
    events.push(...scene.step(look([person(0.5, 0.8, score)], model), stamp(ms)).events);
  }
  checkEvents(events);
  assert.equal(phases(events), ['start gate', 'update gate', 'update gate']);
  assert.equal(new Set(events.map(({ id }) => id)).size, 1);
  assert.is(events[0]!.model.name, 'made-up');
  assert.is(events[2]!.model.name, 'smaller');
});

test('stop ends what is open, once', () => {
  const scene = sceneOf({ zones: [gate] });
  const { events } = play(scene, [stands(0.3, 0.8), stands(0.7, 0.8)], 2000);
  const stopped = scene.stop(stamp(2100));
  assert.equal(phases(stopped), ['end gate stopped', 'end gate stopped']);
  checkEvents([...events, ...stopped], true);
  assert.equal(scene.stop(stamp(2200)), []);
});

test('without looks time ends what is open', () => {
  const scene = sceneOf({ zones: [gate] });
  play(scene, [stands(0.5, 0.8)], 2000);
  assert.ok(scene.busy);
  assert.equal(scene.idle(stamp(4000)).events, []);
  assert.equal(phases(scene.idle(stamp(30_000)).events), ['end gate lost']);
  assert.not(scene.busy);
});

test('pictures are wished for when they are better, and named in later phases', () => {
  const scene = sceneOf({ zones: [gate], events: { update: '5s' } });
  const wishes = [];
  const events = [];
  for (let ms = 0; ms <= 6000; ms += 100) {
    const step = scene.step(look([person(0.5, 0.8, 0.6 + ms / 20_000)]), stamp(ms));
    events.push(...step.events);
    for (const wish of step.snapshots) {
      wishes.push(wish);
      scene.keepSnapshot(wish.event, { ref: `s-${wishes.length}.jpg`, width: 640, height: 360, bytes: 1000 });
    }
  }
  events.push(...scene.stop(stamp(6100)));
  checkEvents(events, true);
  assert.ok(wishes.length >= 2 && wishes.length <= 4, `${wishes.length} pictures`);
  for (let i = 1; i < wishes.length; i++) assert.ok(wishes[i]!.quality > wishes[i - 1]!.quality);
  assert.is(events[0]!.snapshot, undefined, 'the start waits for no picture');
  assert.is(events.at(-1)!.snapshot!.ref, `s-${wishes.length}.jpg`);
  scene.keepSnapshot('no-such-event', { ref: 'x', width: 1, height: 1, bytes: 1 });
});

test('whatever people do, every start has one end, and nobody is twice in one zone', () => {
  const step = fc.record({
    gap: fc.integer({ min: 0, max: 3000 }),
    x: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    y: fc.double({ min: 0.35, max: 1, noNaN: true }),
    score: fc.double({ min: 0.05, max: 1, noNaN: true }),
    there: fc.integer({ min: 0, max: 4 }),
    synced: fc.boolean(),
    jump: fc.integer({ min: -100_000_000, max: 100_000_000 }),
    idle: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const scene = sceneOf({
        zones: [
          { ...gate, dwell: '500ms', schedule: 'nights' },
          { name: 'left', polygon: LEFT },
        ],
        tripwires: [
          {
            name: 'wire',
            line: [
              [0.5, 0],
              [0.5, 1],
            ],
          },
        ],
        schedules: [{ name: 'nights', timeZone: 'Europe/Zurich', hours: [{ from: '13:00', to: '06:00' }] }],
        events: { update: '1s', exitDelay: '1s' },
      });
      let at = 0;
      const events = steps.flatMap(({ gap, x, y, score, there, synced, jump, idle }) => {
        at += gap;
        const moment = stamp(at, NOON + at + jump, synced);
        if (idle === 0) return [...scene.idle(moment).events];
        const crowd = [person(x, y, score), person(1 - x, y, 0.9), person(0.5, 0.9, 0.7)];
        const result = scene.step(look(crowd.slice(0, there)), moment);
        for (const { intrudes } of result.tracks) assert.is(new Set(intrudes).size, intrudes.length);
        return [...result.events];
      });
      checkEvents([...events, ...scene.stop(stamp(at))], true);
    }),
    { numRuns: 150 },
  );
});

test.run();
