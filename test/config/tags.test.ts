import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../runtime/config/load.ts';
import { buildTags } from '../../runtime/config/tags.ts';

const FILE = `
node: { site: north, name: pumps }
sources:
  - type: modbus
    name: plc
    period: 2s
    tcp: { host: plc }
    units:
      - id: 1
        tags:
          - { name: ph, address: 0, group: inlet, kind: ph, unit: '[pH]', range: [0, 14], deadband: 0.05 }
      - id: 2
        tags:
          - { name: fast, address: 0, period: 100ms }
  - type: serial
    name: scale
    serial: { path: /dev/ttyS9 }
    framing: { type: line }
    pattern: '(?<kg>\\d+)'
    period: 3s
    tags:
      - { name: weight, match: kg, unit: kg }
  - type: replay
    name: tape
    file: tape.csv
    speed: 4
    tags:
      - { name: level, column: L }
      - { name: slow, period: 1min }
`;

test('tags come in the order of the file, numbered without gaps, with their source', () => {
  const tags = buildTags(loadConfig(FILE, '/').config!);
  assert.equal(
    tags.map(({ index, source, name }) => [index, source, name]),
    [
      [0, 'plc', 'ph'],
      [1, 'plc', 'fast'],
      [2, 'scale', 'weight'],
      [3, 'tape', 'level'],
      [4, 'tape', 'slow'],
    ],
  );
});

test('what is said is kept, what is not said has its default', () => {
  const [ph, fast] = buildTags(loadConfig(FILE, '/').config!);
  assert.equal(ph, {
    name: 'ph',
    index: 0,
    source: 'plc',
    group: 'inlet',
    kind: 'ph',
    unit: '[pH]',
    period: 2000,
    deadband: 0.05,
    range: { low: 0, high: 14 },
  });
  assert.equal(
    [fast!.group, fast!.kind, fast!.unit, fast!.deadband, 'range' in fast!],
    ['default', 'value', '', 0, false],
  );
});

test('the period is the tag’s own, else the source’s; a recording has a second, shortened by its speed', () => {
  const tags = buildTags(loadConfig(FILE, '/').config!);
  assert.equal(
    tags.map(({ period }) => period),
    [2000, 100, 3000, 250, 60_000],
  );
});

test('no sources, no tags', () => {
  assert.equal(buildTags(loadConfig('node: { site: a, name: b }', '/').config!), []);
});

test.run();
