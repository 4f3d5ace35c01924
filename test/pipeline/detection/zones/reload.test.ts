/** Another configuration while somebody is tracked: the track lives on, and so do the events whose zones are still there. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DetectionEvent } from '../../../../runtime/core/messages.ts';
import type { Scene } from '../../../../runtime/pipeline/detection/scene.ts';
import { checkEvents, configOf, look, person, phases, sceneOf, stamp } from '../synthetic.ts';

type Input = NonNullable<Parameters<typeof sceneOf>[0]>;
type Corner = [number, number];
const area = (left: number, right: number): Corner[] => [
  [left, 0.5],
  [right, 0.5],
  [right, 1],
  [left, 1],
];
const gate = { name: 'gate', polygon: area(0, 1) };

/** Somebody at 0.5, 0.8 from `from` on. */
function stand(scene: Scene, from: number, to: number, x: (ms: number) => number = () => 0.5) {
  const events: DetectionEvent[] = [];
  const tracks = new Set<number>();
  for (let ms = from; ms < to; ms += 100) {
    const step = scene.step(look([person(x(ms), 0.8)]), stamp(ms));
    events.push(...step.events);
    for (const { id } of step.tracks) tracks.add(id);
  }
  return { events, tracks: [...tracks] };
}

/** A second under one configuration, what the change itself ends, and five seconds under the other. */
function reload(before: Input, after: Input) {
  const scene = sceneOf(before);
  const first = stand(scene, 0, 1000);
  const change = scene.configure(configOf(after), stamp(1000));
  const later = stand(scene, 1000, 6000);
  const events = [...first.events, ...change, ...later.events];
  checkEvents(events);
  assert.equal([first.tracks, later.tracks], [[1], [1]], 'it is the same track');
  return { first: phases(first.events), change: phases(change), later: phases(later.events), events };
}

test('a zone that stays goes on, with one start', () => {
  const { first, change, later } = reload(
    { zones: [gate] },
    { zones: [{ ...gate, polygon: area(0.2, 0.8) }] },
  );
  assert.equal([first, change, later], [['start gate'], [], []]);
});

test('a zone that moves away is left; one that comes is entered', () => {
  const away = { ...gate, polygon: area(0, 0.3) };
  const door = { name: 'door', polygon: area(0.4, 0.6) };
  const { change, later, events } = reload({ zones: [gate] }, { zones: [away, door] });
  assert.equal([change, later.toSorted()], [[], ['end gate left', 'start door']]);
  assert.equal(new Set(events.map(({ track }) => track)).size, 1);
});

test('a zone that is gone, renamed or excluded now ends its events at once, and says why', () => {
  const others: Input[] = [
    { zones: [{ name: 'elsewhere', polygon: area(0, 0.2) }] },
    { zones: [{ ...gate, mode: 'exclude' }] },
    { labels: ['person', 'dog'], zones: [{ ...gate, labels: ['dog'] }] },
  ];
  for (const after of others) {
    const { change, later } = reload({ zones: [gate] }, after);
    assert.equal([change, later], [['end gate stopped'], []], JSON.stringify(after));
  }
});

test('a dwell that began goes on', () => {
  const scene = sceneOf({ zones: [{ ...gate, dwell: '2s' }] });
  stand(scene, 0, 1500);
  scene.configure(configOf({ zones: [{ ...gate, dwell: '2s', polygon: area(0.1, 0.9) }] }), stamp(1500));
  assert.equal(phases(stand(scene, 1500, 2500).events), ['start gate']);
});

test('other thresholds and schedules hold from the next look on', () => {
  const sure = { ...gate, minConfidence: 0.99 };
  const { later } = reload({ zones: [sure] }, { zones: [gate] });
  assert.equal(later, ['start gate']);
  const never = { name: 'never', timeZone: 'UTC', hours: [{ from: '00:00', to: '00:01' }] };
  const closed = reload({ zones: [gate] }, { zones: [{ ...gate, schedule: 'never' }], schedules: [never] });
  assert.equal([...closed.change, ...closed.later], ['end gate disarmed']);
});

test('a tripwire that did not move remembers on which side somebody is', () => {
  const fence = {
    name: 'fence',
    line: [
      [0.6, 1],
      [0.6, 0.5],
    ] as [Corner, Corner],
  };
  const scene = sceneOf({ tripwires: [fence] });
  stand(scene, 0, 1000);
  // Across, but not yet far enough from the line to be sure.
  stand(scene, 1000, 2000, (ms) => Math.min(0.5 + (ms - 1000) / 8000, 0.605));
  scene.configure(configOf({ tripwires: [fence, { ...fence, name: 'other' }] }), stamp(2000));
  const { events } = stand(scene, 2000, 3000, (ms) => 0.605 + (ms - 2000) / 10_000);
  assert.equal(phases(events), ['once fence'], 'the new one has not seen it come');
});

test.run();
