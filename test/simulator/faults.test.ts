import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../runtime/core/errors.ts';
import { FAULT_KINDS, MODES } from '../../simulator/faults/catalogue.ts';
import { FaultInjector, type TruthEntry } from '../../simulator/faults/injector.ts';
import { type FaultRequest, parseFaultSpec, parseFaultWords } from '../../simulator/faults/request.ts';
import { Plant, SENSORS, sensorIndex } from '../../simulator/plant/plant.ts';
import { Random } from '../../simulator/random.ts';

/** Runs a plant with faults; rows are what the sensors showed, one per `dt` simulated seconds. */
function run(requests: FaultRequest[], steps: number, dt = 1, probability = 0, seed = 1) {
  const plant = new Plant({ seed });
  const truth: TruthEntry[] = [];
  const injector = new FaultInjector(new Random(seed), probability, (entry) => truth.push(entry));
  for (const request of requests) injector.inject(request);
  const rows: Float64Array[] = [];
  for (let i = 0; i < steps; i++) {
    plant.step(dt, injector.forces(i * dt, dt));
    injector.tamper(plant.values);
    rows.push(plant.values.slice());
  }
  return { rows, truth, injector };
}

/** Tags whose readings differ between two runs within [from, to). */
function changed(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
  from: number,
  to: number,
): Set<string> {
  const names = new Set<string>();
  for (let t = from; t < to; t++) {
    SENSORS.forEach(({ name }, i) => {
      if (a[t]![i] !== b[t]![i]) names.add(name);
    });
  }
  return names;
}

const STEPS = 240;
const START = 60;
const healthy = run([], STEPS).rows;

for (const { name, kind, target } of MODES) {
  test(`${name} shows in its tags, not before its start`, () => {
    const sensor = target === 'sensor' ? { target: 'bio-do-1' } : {};
    const stage = target === 'stage' ? { target: 'tertiary' } : {};
    const { rows, truth } = run([{ what: name, after: START, duration: 120, ...sensor, ...stage }], STEPS);
    assert.equal(
      truth.map((entry) => [entry.event, entry.kind, entry.mode, entry.elapsed]),
      [
        ['start', kind, name, START],
        ['end', kind, name, START + 120],
      ],
    );
    assert.is(changed(healthy, rows, 0, START).size, 0, 'nothing before the start');
    const during = changed(healthy, rows, START, START + 120);
    const { tags } = truth[0]!;
    assert.ok(tags.length > 0);
    for (const tag of tags) assert.ok(during.has(tag), `${tag} does not show it`);
    if (target === 'sensor') {
      assert.equal([...during], ['bio-do-1']);
      assert.is(changed(healthy, rows, START + 120, STEPS).size, 0, 'well again at the end');
    }
  });
}

const shift = (rows: readonly Float64Array[], name: string, at: number) => {
  const i = sensorIndex(name);
  return rows[at]![i]! - healthy[at]![i]!;
};

test('stuck stands still, dead reads below the range, offset stays, drift grows to a fifth of the range', () => {
  const values = (what: string) =>
    run([{ what, target: 'bio-do-1', after: START, duration: 120 }], STEPS).rows.map(
      (row) => row[sensorIndex('bio-do-1')]!,
    );
  assert.is(new Set(values('stuck').slice(START, START + 120)).size, 1);
  assert.is(values('stuck')[START], values('stuck')[START - 1]);
  assert.is(values('dead')[START], -3);
  const offset = run([{ what: 'offset', target: 'pre-ph', after: START }], STEPS).rows;
  assert.ok(Math.abs(Math.abs(shift(offset, 'pre-ph', START)) - 1.4) < 1e-9);
  const drift = run([{ what: 'drift', target: 'pre-ph', after: START, duration: 120 }], STEPS).rows;
  const late = Math.abs(shift(drift, 'pre-ph', START + 119));
  assert.ok(late > 1.3 && late <= 1.4, String(late));
  assert.ok(Math.abs(shift(drift, 'pre-ph', START + 30)) < 0.5);
});

test('a pollution peak travels through the stages with delay', () => {
  const request = { what: 'organic-peak', after: 0, duration: 3600 };
  const calmRows = run([], 720, 10).rows;
  const { rows } = run([request], 720, 10);
  const arrival = (name: string) => {
    const i = sensorIndex(name);
    return rows.findIndex((row, t) => row[i]! > 1.1 * calmRows[t]![i]!);
  };
  const path = ['pre-cod', 'pri-cod', 'out-cod'].map(arrival);
  assert.ok(
    path.every((at) => at >= 0),
    path.join(' '),
  );
  assert.ok(path[0]! < path[1]! && path[1]! < path[2]!, path.join(' '));
});

test('a tripped pump lowers the flow and fills the well; a failed blower lowers air and oxygen', () => {
  const trip = run([{ what: 'pump-trip', after: START }], STEPS).rows;
  assert.ok(shift(trip, 'pre-flow', STEPS - 1) < -300);
  assert.ok(shift(trip, 'pre-level', STEPS - 1) > 0.05);
  assert.is(trip[STEPS - 1]![sensorIndex('pre-pump-1')], 0);
  const blower = run([{ what: 'blower-failure', after: START }], STEPS).rows;
  assert.ok(shift(blower, 'bio-air-1', STEPS - 1) < -200);
  assert.ok(shift(blower, 'bio-do-1', STEPS - 1) < -0.2);
});

test('forged values are plausible each: within the valid range', () => {
  for (const what of ['forged-constant', 'forged-combination', 'replayed-values']) {
    for (const target of ['pretreatment', 'biological-treatment', 'disinfection', 'outlet']) {
      const { rows, truth } = run([{ what, target, after: 30, duration: 60 }], 100);
      for (const tag of truth[0]!.tags) {
        const i = sensorIndex(tag);
        const [low, high] = SENSORS[i]!.range;
        assert.ok(
          rows.every((row) => row[i]! >= low && row[i]! <= high),
          `${what} ${tag}`,
        );
      }
    }
  }
});

test('random faults come at their probability, never two at once, of every kind', () => {
  const minutes = 20_000;
  const truth: TruthEntry[] = [];
  const injector = new FaultInjector(new Random(9), 0.02, (entry) => truth.push(entry));
  let idle = 0;
  for (let i = 0; i < minutes; i++) {
    injector.forces(i * 60, 60);
    if (injector.active.length === 0) idle += 1;
    assert.ok(injector.active.length <= 1);
  }
  const starts = truth.filter(({ event }) => event === 'start');
  const rate = starts.length / (idle + starts.length);
  assert.ok(rate > 0.015 && rate < 0.025, String(rate));
  assert.equal(new Set(starts.map(({ kind }) => kind)), new Set(FAULT_KINDS));
});

test('without probability nothing happens by itself; the same seed gives the same faults', () => {
  assert.is(run([], 2000, 60).truth.length, 0);
  const faults = (seed: number) => JSON.stringify(run([], 1000, 60, 0.05, seed).truth);
  assert.is(faults(3), faults(3));
  assert.is.not(faults(3), faults(4));
});

test('clear ends what is active and forgets what is planned', () => {
  const { injector, truth } = run([{ what: 'stuck' }, { what: 'pump-trip', after: 1e6 }], 10);
  injector.clear();
  assert.is(injector.active.length, 0);
  assert.equal(
    truth.map(({ event, id }) => [event, id]),
    [
      ['start', 1],
      ['end', 1],
    ],
  );
});

test('fault specifications read as documented', () => {
  assert.equal(parseFaultSpec('drift'), { what: 'drift' });
  assert.equal(parseFaultSpec('drift:bio-do-1@60+2min'), {
    what: 'drift',
    target: 'bio-do-1',
    after: 60,
    duration: 120,
  });
  assert.equal(parseFaultSpec('pump-trip+500ms'), { what: 'pump-trip', duration: 0.5 });
  assert.equal(parseFaultWords(['drift', 'bio-do-1', '60s']), {
    what: 'drift',
    target: 'bio-do-1',
    duration: 60,
  });
  assert.equal(parseFaultWords(['pump-trip', '30']), { what: 'pump-trip', duration: 30 });
});

test('wrong faults say what was expected', () => {
  const message = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      assert.instance(error, InputError);
      return (error as Error).message;
    }
    return assert.unreachable() as never;
  };
  const inject = (request: FaultRequest) => message(() => run([request], 0));
  assert.match(
    message(() => parseFaultSpec('earthquake')),
    "no fault 'earthquake'; there are: sensor-failure",
  );
  assert.match(
    message(() => parseFaultSpec('drift@@')),
    'expected KIND[:TARGET]',
  );
  assert.match(
    message(() => parseFaultSpec('drift@5x')),
    "'5x' is no duration",
  );
  assert.match(
    message(() => parseFaultWords([])),
    'fault drift bio-do-1 60s',
  );
  assert.match(
    message(() => parseFaultWords(['drift', 'a', 'b', 'c'])),
    'fault drift bio-do-1 60s',
  );
  assert.match(inject({ what: 'drift', target: 'bio-d' }), "no sensor 'bio-d'; there are: bio-flow");
  assert.match(inject({ what: 'drift', target: 'bio-blower-1' }), 'is on or off');
  assert.match(inject({ what: 'pump-trip', target: 'pre-flow' }), 'the plant as a whole');
  assert.match(inject({ what: 'forged-constant', target: 'pre-flow' }), 'takes a stage: pretreatment');
  assert.match(inject({ what: 'drift', duration: 0 }), 'longer than 0 s');
});

test('any text is a request or an error that teaches', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'drift:@+1s-pume .'), maxLength: 20 }), (text) => {
      for (const parse of [() => parseFaultSpec(text), () => parseFaultWords(text.split(' '))]) {
        try {
          assert.ok(parse().what);
        } catch (error) {
          assert.instance(error, InputError);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
