import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Plant, SENSORS, sensorIndex } from '../../simulator/plant/plant.ts';
import { isState, STAGES } from '../../simulator/plant/sensor.ts';
import { calm, type Disturbance } from '../../simulator/plant/state.ts';
import { hourOfDay } from '../../simulator/plant/weather.ts';

/** Rows of readings, `every` simulated seconds. */
function record(plant: Plant, rows: number, every: number, forces: Disturbance = calm()): Float64Array[] {
  return Array.from({ length: rows }, () => {
    plant.step(every, forces);
    return plant.values.slice();
  });
}

const column = (rows: readonly Float64Array[], name: string) => rows.map((row) => row[sensorIndex(name)]!);
const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
const deviation = (xs: readonly number[]) => {
  const m = mean(xs);
  return Math.sqrt(mean(xs.map((x) => (x - m) ** 2)));
};
function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(a.map((x, i) => (x - ma) * (b[i]! - mb))) / (deviation(a) * deviation(b));
}

test('127 sensors in 8 stages, more than 20 kinds, unique names', () => {
  const count = Object.fromEntries(
    STAGES.map((stage) => [stage, SENSORS.filter((s) => s.stage === stage).length]),
  );
  assert.equal(count, {
    pretreatment: 15,
    'primary-settling': 18,
    'biological-treatment': 35,
    'secondary-settling': 16,
    tertiary: 12,
    disinfection: 8,
    sludge: 10,
    outlet: 13,
  });
  assert.is(SENSORS.length, 127);
  assert.is(new Set(SENSORS.map(({ name }) => name)).size, 127);
  const kinds = new Set(SENSORS.map(({ kind }) => kind));
  assert.ok(kinds.size > 20);
  for (const kind of [
    'ph',
    'dissolved-oxygen',
    'turbidity',
    'flow',
    'temperature',
    'pressure',
    'conductivity',
  ])
    assert.ok(kinds.has(kind), kind);
  for (const kind of [
    'total-nitrogen',
    'phosphorus',
    'suspended-solids',
    'cod',
    'bod5',
    'heavy-metal',
    'redox',
  ])
    assert.ok(kinds.has(kind), kind);
  for (const kind of ['residual-chlorine', 'ammonia', 'nitrate', 'nitrite', 'energy', 'level', 'pump-state'])
    assert.ok(kinds.has(kind), kind);
});

test('the same seed gives the same readings bit for bit, another seed does not', () => {
  const run = (seed: number) => record(new Plant({ seed }), 200, 1.5);
  const [a, b, c] = [run(7), run(7), run(8)];
  assert.equal(a, b);
  assert.not.equal(a, c);
});

test('a healthy plant stays within every valid range for two weeks, with room below and above', () => {
  const rows = record(new Plant({ seed: 3 }), 14 * 24 * 12, 300);
  for (const { name, range } of SENSORS.filter((sensor) => !isState(sensor))) {
    const values = column(rows, name);
    assert.ok(Math.min(...values) >= range[0], `${name} low: ${Math.min(...values)}`);
    assert.ok(Math.max(...values) < range[1], `${name} high: ${Math.max(...values)}`);
    assert.ok(
      mean(values) > range[0] + 0.01 * (range[1] - range[0]),
      `${name} lies at the bottom of its range: ${mean(values)}`,
    );
  }
});

test('states are 0 or 1, the control mode is 1 to 3', () => {
  const rows = record(new Plant({ seed: 3 }), 24 * 12, 300);
  for (const { name, kind } of SENSORS.filter(isState)) {
    const allowed = kind === 'control-mode' ? [1, 2, 3] : [0, 1];
    assert.ok(
      column(rows, name).every((value) => allowed.includes(value)),
      name,
    );
  }
});

test('a baseline of 45 seconds says what is normal ten minutes later', () => {
  const plant = new Plant({ seed: 1 });
  const early = record(plant, 45, 1);
  const late = record(plant, 600, 1).slice(-60);
  for (const { name } of SENSORS.filter((sensor) => !isState(sensor))) {
    const shift = Math.abs(mean(column(late, name)) - mean(column(early, name)));
    assert.ok(shift < 3 * deviation(column(early, name)), `${name} moved by ${shift}`);
    assert.ok(deviation(column(early, name)) > 0, `${name} stands still`);
  }
});

test('the day shows: flow by night is half of that by day', () => {
  const plant = new Plant({ seed: 2 });
  const byHour = new Map<number, number>();
  for (let i = 0; i < 24; i++) {
    record(plant, 12, 300);
    byHour.set(Math.floor(hourOfDay(plant.state.time)), plant.values[sensorIndex('pre-flow')]!);
  }
  assert.ok(byHour.get(4)! < 0.6 * byHour.get(11)!);
});

test('physics holds over three days', () => {
  const rows = record(new Plant({ seed: 5 }), 3 * 24 * 30, 120);
  const sign = (a: string, b: string) => correlation(column(rows, a), column(rows, b));
  const together: [string, string][] = [
    ['pre-turb', 'pre-tss'],
    ['pri-turb', 'pri-tss'],
    ['pre-flow', 'out-flow'],
    ['pre-flow', 'pre-power'],
    ['pre-flow', 'out-power'],
    ['bio-air-1', 'bio-blower-1-power'],
    ['bio-air-1', 'bio-air-pressure'],
    ['bio-alk', 'bio-ph-2'],
    ['dis-cl2', 'dis-redox'],
    ['pre-flow', 'pri-level-1'],
    ['pri-cod', 'pri-bod5'],
    ['dis-uvt', 'dis-uv'],
  ];
  const apart: [string, string][] = [
    ['pri-cod', 'bio-do-1'],
    ['bio-do-1', 'bio-nh4-2'],
    ['ter-turb-out', 'dis-uvt'],
  ];
  for (const [a, b] of together) assert.ok(sign(a, b) > 0.5, `${a} and ${b}: ${sign(a, b)}`);
  for (const [a, b] of apart) assert.ok(sign(a, b) < -0.3, `${a} and ${b}: ${sign(a, b)}`);
});

test('oxygen falls with load and with temperature; nitrification turns ammonia into nitrate and eats alkalinity', () => {
  const settled = (change: (forces: Disturbance, plant: Plant) => void) => {
    const plant = new Plant({ seed: 4 });
    for (let i = 0; i < 200; i++) {
      const forces = calm();
      change(forces, plant);
      plant.step(60, forces);
    }
    return plant.state.biology;
  };
  const usual = settled(() => {});
  const loaded = settled((forces) => {
    forces.organicLoad = 1.6;
  });
  const warm = settled((_forces, plant) => {
    plant.state.influent.temperature = 27;
  });
  const ammonia = settled((forces) => {
    forces.ammoniaLoad = 1.5;
  });
  const airless = settled((forces) => {
    forces.blower1 = 0;
  });
  assert.ok(loaded.oxygen < 0.95 * usual.oxygen);
  assert.ok(warm.oxygen < 0.98 * usual.oxygen);
  assert.ok(
    ammonia.nitrate > usual.nitrate && ammonia.alkalinity < usual.alkalinity && ammonia.ph < usual.ph,
  );
  assert.ok(airless.oxygen < usual.oxygen && airless.ammonia > usual.ammonia);
  assert.ok(airless.nitrite > usual.nitrite);
});

test('the wet well integrates what comes and what is pumped', () => {
  const plant = new Plant({ seed: 4 });
  const before = plant.state.pretreatment.level;
  const forces = calm();
  forces.inletPump1 = 0;
  for (let i = 0; i < 120; i++) plant.step(1, forces);
  const risen = plant.state.pretreatment.level - before;
  const { influent, pretreatment } = plant.state;
  assert.ok(risen > 0);
  assert.ok(Math.abs(risen - ((influent.flow - pretreatment.flow) / 120 / 3600) * 120) < 0.05);
});

test('rain comes, dilutes and raises the flow', () => {
  const plant = new Plant({ seed: 6 });
  const wet: number[] = [];
  const dry: number[] = [];
  for (let i = 0; i < 20 * 24 * 12; i++) {
    plant.step(300, calm());
    const { weather, influent } = plant.state;
    (weather.runoff > 0.5 ? wet : dry).push(influent.cod / influent.flow);
  }
  assert.ok(wet.length > 0 && wet.length < dry.length);
  assert.ok(mean(wet) < mean(dry));
});

test.run();
