import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { planReload } from '../../runtime/config/changes.ts';
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

const plan = (over: object) => {
  const { sources, ...rest } = planReload(config(), config(over));
  return { ...rest, sources: sources.map(({ name }) => name) };
};
const nothing = { sources: [], needsRestart: [] };

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
  assert.equal(taken, { logLevel: 'warn', sources: ['a'] });
  assert.equal([...needsRestart].sort(), Object.keys(sections).sort());
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
