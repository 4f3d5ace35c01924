import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { planReload, type ReloadPlan } from '../../runtime/config/changes.ts';
import { loadConfig } from '../../runtime/config/load.ts';
import type { Config } from '../../runtime/config/schema/root.ts';

const plc = (name: string, over: object = {}, tag: object = {}) => ({
  type: 'modbus',
  name,
  tcp: { host: `${name}.plant` },
  units: [{ id: 1, tags: [{ name: `${name}-t`, address: 0, ...tag }] }],
  ...over,
});

function config(over: object = {}): Config {
  const base = { node: { site: 'north', name: 'pumps' }, sources: [plc('a'), plc('b')] };
  const { config: loaded, problems } = loadConfig(stringify({ ...base, ...over }), '/');
  assert.equal(problems, []);
  return loaded!;
}

const named = ({ sources, cameras, ...rest }: ReloadPlan) => ({
  ...rest,
  sources: sources.map(({ name }) => name),
  cameras: cameras.map(({ name }) => name),
});
const plan = (over: object) => {
  return named(planReload(config(), config(over)));
};
const nothing = { sources: [], cameras: [], needsRestart: [] };

test('the same file, or one that only spells out defaults, changes nothing', () => {
  assert.equal(plan({}), nothing);
  assert.equal(plan({ log: { level: 'info' }, http: { port: 8470 }, anomaly: { enabled: true } }), nothing);
});

test('the level of the log is taken over', () => {
  assert.equal(plan({ log: { level: 'debug' } }), { ...nothing, logLevel: 'debug' });
});

test('how a source reads is taken over by that source alone', () => {
  for (const over of [
    { timeout: '900ms' },
    { maxGap: 0 },
    { tcp: { host: 'c.plant' } },
    { breaker: { failures: 3 } },
  ])
    assert.equal(
      plan({ sources: [plc('a', over), plc('b')] }),
      { ...nothing, sources: ['a'] },
      JSON.stringify(over),
    );
  for (const tag of [{ address: 7 }, { type: 'int16' }, { scale: 0.1 }, { writable: true }])
    assert.equal(
      plan({ sources: [plc('a'), plc('b', {}, tag)] }),
      { ...nothing, sources: ['b'] },
      JSON.stringify(tag),
    );
  const both = [plc('a', { timeout: '1s' }), plc('b', { timeout: '1s' })];
  assert.equal(plan({ sources: both }).sources, ['a', 'b']);
});

test('what changes the tags themselves, their order or their number needs a restart', () => {
  const changed = [
    [plc('a')],
    [plc('b'), plc('a')],
    [plc('a'), plc('b'), plc('c')],
    [plc('a'), plc('x')],
    [],
    [plc('a', { period: '1s' }), plc('b')],
    ...[
      { name: 'new' },
      { unit: 'mg/L' },
      { group: 'g' },
      { kind: 'ph' },
      { range: [0, 1] },
      { deadband: 1 },
    ].map((tag) => [plc('a', {}, tag), plc('b')]),
  ];
  for (const sources of changed)
    assert.equal(plan({ sources }), { ...nothing, needsRestart: ['sources'] }, JSON.stringify(sources));
});

test('every other section needs a restart, and is named', () => {
  const sections = {
    node: { site: 'north', name: 'other' },
    anomaly: { enabled: false },
    outbox: { maxBytes: '1GiB' },
    mqtt: { url: 'mqtt://broker' },
    http: { port: 9000 },
  };
  for (const [key, value] of Object.entries(sections))
    assert.equal(plan({ [key]: value }), { ...nothing, needsRestart: [key] });
  const { needsRestart, ...taken } = plan({
    ...sections,
    log: { level: 'warn' },
    sources: [plc('a', { timeout: '1s' }), plc('b')],
  });
  assert.equal(taken, { logLevel: 'warn', sources: ['a'], cameras: [] });
  assert.equal([...needsRestart].sort(), Object.keys(sections).sort());
});

const camera = (name: string, over: object = {}, detection: object = {}) => ({
  name,
  source: { type: 'test' },
  model: { manifest: 'm' },
  detection: { zones: [{ name: 'yard', polygon: TRIANGLE }], ...detection },
  ...over,
});
const TRIANGLE = [
  [0, 0],
  [1, 0],
  [1, 1],
];

test('what a camera looks for, where and when is taken over by that camera alone', () => {
  const before = config({ cameras: [camera('gate'), camera('yard')] });
  const of = (...cameras: object[]) => named(planReload(before, config({ cameras })));
  for (const detection of [
    { zones: [] },
    { zones: [{ name: 'yard', polygon: TRIANGLE, minConfidence: 0.7 }] },
    { tripwires: [{ name: 'fence', line: TRIANGLE.slice(0, 2) }] },
    { schedules: [{ name: 'nights', timeZone: 'UTC', hours: [{ from: '18:00', to: '06:00' }] }] },
    { labels: ['person', 'car'] },
    { tracker: { lostFor: '9s' } },
    { events: { update: '5s' } },
    { motion: { enabled: false } },
    { rate: { minFps: 2 } },
  ]) {
    const after = of(camera('gate', {}, detection), camera('yard'));
    assert.equal(after, { ...nothing, cameras: ['gate'] }, JSON.stringify(detection));
  }
});

test('what else changes of a camera waits for a restart, and is named; so does its detection then', () => {
  const before = config({ cameras: [camera('gate'), camera('yard')] });
  const of = (...cameras: object[]) => named(planReload(before, config({ cameras })));
  assert.equal(of(camera('gate', { fps: 10 }), camera('yard')), {
    ...nothing,
    needsRestart: ['cameras.gate.fps'],
  });
  const both = of(camera('gate', {}, { zones: [] }), camera('yard', { rotation: 90 }, { zones: [] }));
  assert.equal(both.cameras, ['gate']);
  assert.equal(both.needsRestart.toSorted(), ['cameras.yard.detection', 'cameras.yard.rotation']);
  const doubtful = camera('gate', {}, { tracker: { lowScore: 0.8 } });
  assert.equal(of(doubtful, camera('yard')).needsRestart, ['cameras.gate.detection']);
  for (const cameras of [[camera('gate')], [camera('yard'), camera('gate')], []])
    assert.equal(of(...cameras), { ...nothing, needsRestart: ['cameras'] });
});

test('each change is either taken over or named: none is forgotten', () => {
  const pick = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
  const file = fc.record({
    log: pick({ level: 'debug' }, { level: 'error' }),
    anomaly: pick({ enabled: false }),
    mqtt: pick({ url: 'mqtt://a' }, { url: 'mqtt://b' }),
    http: pick({ enabled: false }),
    outbox: pick({ readings: { enabled: false } }),
    sources: pick([plc('a')], [plc('a', { timeout: '1s' }), plc('b')], [plc('b'), plc('a')]),
  });
  const made = (over: object) =>
    config(Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)));
  fc.assert(
    fc.property(file, file, (one, two) => {
      const [before, after] = [made(one), made(two)];
      const { logLevel, sources, needsRestart } = planReload(before, after);
      for (const key of Object.keys(after) as (keyof Config)[]) {
        const same = JSON.stringify(before[key]) === JSON.stringify(after[key]);
        const handled =
          needsRestart.includes(key) ||
          (key === 'log' && logLevel === after.log.level) ||
          (key === 'sources' && sources.length > 0);
        assert.is(handled, !same, key);
      }
    }),
    { numRuns: 60 },
  );
});

test.run();
