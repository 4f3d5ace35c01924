import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnomalyEvent, Contribution } from '../../../runtime/core/messages.ts';
import { hours, type Millis, millis, minutes } from '../../../runtime/core/units.ts';
import { AlarmLatch } from '../../../runtime/pipeline/decide/alarm.ts';
import { Episode, type EpisodeStep, type Finding } from '../../../runtime/pipeline/decide/episode.ts';

const part = (tag: string, share: number): Contribution => ({
  tag,
  kind: 'value',
  unit: 'mg/L',
  value: 9,
  normal: { low: 1, high: 2 },
  direction: 'high',
  share,
});

const finding = (over: Partial<Finding> = {}): Finding => ({
  detector: 'pca',
  scores: { pca: 2 },
  faultKind: 'unknown',
  contributions: [part('a', 0.7), part('b', 0.2)],
  learning: false,
  ...over,
});

const on = (over: Partial<EpisodeStep> = {}): EpisodeStep => ({
  alarm: true,
  onset: millis(0),
  score: 2,
  find: () => finding(),
  valueNow: () => 1.5,
  ...over,
});
const off = () => on({ alarm: false, onset: undefined, score: 0.1 });

function episode(update: Millis = minutes(5)) {
  let ids = 0;
  return new Episode({ group: 'g', update, newId: () => `id-${++ids}` });
}

test('one fault makes one start and one end, with the time from its onset', () => {
  const one = episode();
  assert.is(one.step(off(), millis(0)), undefined);
  const start = one.step(on({ onset: millis(900) }), millis(5000))!;
  assert.is(start.phase, 'start');
  assert.is(start.durationMs, 4100);
  assert.is(one.active, start);
  one.step(on({ score: 7 }), millis(6000));
  const end = one.step(off(), millis(60_000))!;
  assert.is(end.phase, 'end');
  assert.is(end.id, start.id);
  assert.is(end.peak, 7);
  assert.is(end.score, 0.1);
  assert.is(end.contributions[0]!.value, 1.5, 'the value of the moment');
  assert.is(end.contributions[0]!.tag, 'a', 'the explanation of the fault');
  assert.is(one.active, undefined);
});

/** The minutes at which an episode is reported again while nothing about it changes. */
function reports(one: Episode, fromMinute: number, toMinute: number, step = on()): number[] {
  const at: number[] = [];
  for (let t = fromMinute * 60_000 + 1000; t <= toMinute * 60_000; t += 1000)
    if (one.step(step, millis(t))) at.push(t / 60_000);
  return at;
}

test('an episode that goes on is reported again, each time after twice as long, up to an hour', () => {
  const one = episode(minutes(5));
  one.step(on(), millis(0));
  assert.equal(reports(one, 0, 300), [5, 15, 35, 75, 135, 195, 255]);
  const slow = episode(hours(3));
  slow.step(on(), millis(0));
  assert.equal(reports(slow, 0, 420), [180, 360], 'never sooner than the update period');
});

test('news of an episode make its reports frequent again', () => {
  const one = episode(minutes(5));
  one.step(on(), millis(0));
  reports(one, 0, 80);
  const upset = on({ find: () => finding({ faultKind: 'process-upset' }) });
  const [first, ...then] = reports(one, 80, 120, upset);
  assert.ok(first! > 80 && first! < 81, String(first));
  assert.equal(
    then.map((minute) => Math.round(minute - first!)),
    [5, 15, 35],
  );
});

test('another fault kind or another top tag is news, at a bounded rate', () => {
  const one = episode(minutes(5));
  one.step(on(), millis(0));
  const upset = () => finding({ faultKind: 'process-upset' });
  assert.is(one.step(on({ find: upset }), millis(1000)), undefined, 'too early');
  assert.is(one.step(on({ find: upset }), millis(30_000))!.faultKind, 'process-upset');
  const close = () =>
    finding({ faultKind: 'process-upset', contributions: [part('b', 0.5), part('a', 0.45)] });
  assert.is(one.step(on({ find: close }), millis(60_000)), undefined, 'a close second is no news');
  const other = () => finding({ faultKind: 'process-upset', contributions: [part('b', 0.9)] });
  assert.is(one.step(on({ find: other }), millis(90_000))!.contributions[0]!.tag, 'b');
});

test('a score of NaN keeps the last one: the event stays a number', () => {
  const one = episode();
  assert.is(one.step(on({ score: Number.NaN }), millis(0))!.score, 1);
  one.step(on({ score: 3 }), millis(1));
  assert.is(one.step(on({ alarm: false, score: Number.NaN }), millis(2))!.score, 3);
});

test('property: starts and ends pair up, updates lie between, ids are unique, never two are open', () => {
  const scores = fc.array(
    fc.record({
      wait: fc.integer({ min: 1, max: 120_000 }),
      score: fc.oneof(fc.double({ min: 0, max: 4, noNaN: true }), fc.constant(Number.NaN)),
      kind: fc.constantFrom('unknown' as const, 'process-upset' as const, 'sensor-drift' as const),
      top: fc.constantFrom('a', 'b', 'c'),
    }),
    { maxLength: 150 },
  );
  const alarm = fc.record({
    delayOn: fc.integer({ min: 0, max: 10_000 }).map(millis),
    delayOff: fc.integer({ min: 0, max: 60_000 }).map(millis),
    minDuration: fc.integer({ min: 0, max: 60_000 }).map(millis),
    clear: fc.double({ min: 0.1, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(scores, alarm, fc.boolean(), (steps, options, closed) => {
      const latch = new AlarmLatch(options);
      const one = episode(minutes(1));
      const events: AnomalyEvent[] = [];
      let now = 0;
      for (const { wait, score, kind, top } of steps) {
        now += wait;
        const state = latch.step(score, millis(now));
        const find = () => finding({ faultKind: kind, contributions: [part(top, 1)] });
        const event = one.step(on({ alarm: state, onset: latch.onset, score, find }), millis(now));
        if (event) events.push(event);
        assert.is(one.active !== undefined, state);
      }
      if (closed) {
        const event = one.close(millis(now));
        if (event) events.push(event);
        assert.is(one.active, undefined);
      }
      let open: AnomalyEvent | undefined;
      const seen = new Set<string>();
      for (const event of events) {
        if (event.phase === 'start') {
          assert.is(open, undefined);
          assert.not(seen.has(event.id));
          seen.add(event.id);
        } else assert.is(event.id, open?.id);
        assert.ok(event.durationMs >= 0 && event.peak >= event.score && Number.isFinite(event.score));
        open = event.phase === 'end' ? undefined : event;
      }
      assert.is(open?.id, one.active?.id);
    }),
    { numRuns: 300 },
  );
});

test.run();
