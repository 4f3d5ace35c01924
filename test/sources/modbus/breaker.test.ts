import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis, seconds } from '../../../runtime/core/units.ts';
import { Breaker } from '../../../runtime/sources/modbus/breaker.ts';

const make = (failures = 1) => new Breaker({ failures, backoff: seconds(5), maxBackoff: seconds(60) });

test('a unit is left alone after its time-outs, and the pause doubles at each failed probe up to its bound', () => {
  const breaker = make(2);
  assert.not(breaker.timedOut(millis(0)));
  assert.is(breaker.state, 'closed');
  assert.ok(breaker.suspect);
  assert.ok(breaker.timedOut(millis(100)));
  assert.is(breaker.state, 'open');
  const pauses: number[] = [];
  let now: number = breaker.probeAt;
  assert.is(now, 5100);
  for (let i = 0; i < 6; i++) {
    breaker.probing();
    assert.is(breaker.state, 'half-open');
    assert.not(breaker.timedOut(millis(now)), 'still offline is no news');
    pauses.push(breaker.probeAt - now);
    now = breaker.probeAt;
  }
  assert.equal(pauses, [10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
});

test('an answer brings it back, with the first pause for the next time', () => {
  const breaker = make();
  breaker.timedOut(millis(0));
  breaker.probing();
  breaker.timedOut(millis(5000));
  breaker.probing();
  assert.ok(breaker.answered());
  assert.not(breaker.answered(), 'only once');
  assert.not(breaker.suspect);
  breaker.timedOut(millis(20_000));
  assert.is(breaker.probeAt, 25_000);
});

test('one broken frame is forgiven, three in a row are not', () => {
  const breaker = make();
  for (let i = 0; i < 10; i++) {
    assert.not(breaker.garbled(millis(i)));
    assert.not(breaker.garbled(millis(i)));
    breaker.answered();
  }
  breaker.garbled(millis(0));
  breaker.garbled(millis(0));
  assert.ok(breaker.garbled(millis(0)));
  assert.is(breaker.state, 'open');
});

test('a probe whose bus broke is tried again after the same pause', () => {
  const breaker = make();
  breaker.timedOut(millis(0));
  breaker.probing();
  breaker.undecided(millis(6000));
  assert.equal([breaker.state, breaker.probeAt], ['open', 11_000]);
});

test('a dead unit never costs more than one time-out per pause, whatever happens in between', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 100 }), (steps) => {
      const breaker = make();
      let [now, last] = [0, Number.NEGATIVE_INFINITY];
      for (const step of steps) {
        now += step;
        if (breaker.state === 'open' && breaker.probeAt > now) continue;
        if (breaker.state === 'open') breaker.probing();
        assert.ok(now - last >= 5000);
        breaker.timedOut(millis(now));
        last = now;
      }
    }),
    { numRuns: 100 },
  );
});

test.run();
