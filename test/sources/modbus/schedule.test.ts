import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { Schedule } from '../../../runtime/sources/modbus/schedule.ts';

const job = (name: string, period: number) => ({ name, period: millis(period) });

test('everything is due at once at first, then each in its period and phase', () => {
  const schedule = new Schedule([[job('a', 100), job('b', 250)]], millis(1000));
  const seen: [string, number][] = [];
  for (let now = 1000; now <= 1500; now += 10) {
    for (let turn = schedule.next(millis(now)); turn; turn = schedule.next(millis(now))) {
      assert.is(turn.missed, 0);
      seen.push([turn.job.name, turn.due - 1000]);
    }
  }
  assert.equal(
    seen.filter(([name]) => name === 'a').map(([, due]) => due),
    [0, 100, 200, 300, 400, 500],
  );
  assert.equal(
    seen.filter(([name]) => name === 'b').map(([, due]) => due),
    [0, 250, 500],
  );
});

test('what the bus had no time for is counted and left out, not made up for', () => {
  const schedule = new Schedule([[job('a', 100)]], millis(0));
  assert.is(schedule.next(millis(0))?.missed, 0);
  assert.is(schedule.next(millis(50)), undefined);
  const late = schedule.next(millis(570));
  assert.equal([late?.due, late?.missed], [100, 4]);
  assert.is(schedule.next(millis(580)), undefined);
  assert.is(schedule.wakeAt(), 600);
});

test('a unit with many requests does not starve its neighbours', () => {
  const many = Array.from({ length: 50 }, (_, i) => job(`many-${i}`, 100));
  const schedule = new Schedule([many, [job('few', 100)], [job('other', 100)]], millis(0));
  // Each request takes 10 ms: the bus can serve 10 of the 52 in a period.
  const served: Record<string, number> = {};
  for (let now = 0; now < 10_000; now += 10) {
    const turn = schedule.next(millis(now));
    if (turn) served[turn.job.name] = (served[turn.job.name] ?? 0) + 1;
  }
  assert.ok(served.few! >= 99 && served.other! >= 99, JSON.stringify(served));
  const counts = many.map(({ name }) => served[name] ?? 0);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `its own requests share what is left: ${counts}`);
});

test('a unit that came back is asked at once and then in its old phase', () => {
  const schedule = new Schedule([[job('a', 1000)]], millis(0));
  schedule.next(millis(0));
  schedule.hurry(0, millis(300));
  assert.equal([schedule.next(millis(300))?.due, schedule.wakeAt()], [300, 1000]);
});

test('replaced jobs are due at once and share the phase', () => {
  const [whole, left, right] = [job('whole', 500), job('left', 500), job('right', 500)];
  const schedule = new Schedule([[whole]], millis(0));
  schedule.next(millis(0));
  schedule.replace(0, [whole], [left, right], millis(20));
  assert.equal(
    [schedule.next(millis(20)), schedule.next(millis(20))].map((turn) => turn?.job),
    [left, right],
  );
  assert.is(schedule.wakeAt(), 500);
});

test('no poll comes twice in a period nor earlier than due, and polls and misses add up', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 500 }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 2000, noNaN: true }), { maxLength: 60 }),
      (period, start, steps) => {
        const schedule = new Schedule([[job('a', period)]], millis(start));
        let [now, polls, lastDue] = [start, 0, Number.NEGATIVE_INFINITY];
        for (const step of steps) {
          const turn = schedule.next(millis(now));
          if (turn) {
            assert.ok(turn.due <= now && turn.due > lastDue);
            lastDue = turn.due;
            polls += 1 + turn.missed;
          }
          assert.is(schedule.next(millis(now)), undefined);
          assert.ok(schedule.wakeAt() > now);
          assert.ok(Math.abs(polls - (Math.floor((now - start) / period) + 1)) <= 1);
          now += step;
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('whatever is served, hurried and replaced, the turn goes to the entry that is due first', () => {
  const periods = fc.array(fc.integer({ min: 10, max: 500 }), { minLength: 1, maxLength: 40 });
  const steps = fc.array(
    fc.tuple(fc.constantFrom('next', 'hurry', 'replace'), fc.integer({ min: 0, max: 200 })),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(periods, steps, (all, moves) => {
      let jobs = all.map((period, i) => job(`${i}`, period));
      const schedule = new Schedule([jobs], millis(0));
      const dues = new Map(jobs.map(({ name }) => [name, 0]));
      let [now, count] = [0, 0];
      for (const [move, wait] of moves) {
        now += wait;
        if (move === 'hurry') {
          schedule.hurry(0, millis(now));
          for (const [name, due] of dues) dues.set(name, Math.min(due, now));
        } else if (move === 'replace') {
          const [gone, other] = [jobs[0]!, job(`added ${count++}`, 100)];
          schedule.replace(0, [gone], [other], millis(now));
          jobs = [...jobs.slice(1), other];
          dues.delete(gone.name);
          dues.set(other.name, now);
        } else {
          const turn = schedule.next(millis(now));
          const first = Math.min(...dues.values());
          assert.is(turn?.due, first <= now ? first : undefined);
          if (turn) dues.set(turn.job.name, (Math.floor(now / turn.job.period) + 1) * turn.job.period);
        }
        assert.is(schedule.wakeAt(), Math.min(...dues.values()));
      }
    }),
  );
});

test.run();
