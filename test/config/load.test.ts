import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../runtime/config/load.ts';
import { formatProblem } from '../../runtime/config/problem.ts';
import { buildTags } from '../../runtime/config/tags.ts';

const HEAD = 'node: { site: north, name: pumps }\n';
const load = (text: string) => {
  const { config, problems, quarantined } = loadConfig(text, '/etc/vigie');
  return { config, quarantined, lines: problems.map((problem) => formatProblem('vigie.yaml', problem)) };
};

const unit = (id: number, tag: string, extra = '') =>
  `      - id: ${id}\n        tags:\n          - { name: ${tag}, address: 0${extra} }\n`;
const plc = (name: string, units: string) =>
  `  - type: modbus\n    name: ${name}\n    tcp: { host: ${name}.plant }\n    units:\n${units}`;

test('the smallest file runs with every default', () => {
  const { config, lines } = load(HEAD);
  assert.equal(lines, []);
  assert.is(config?.http.host, '127.0.0.1');
  assert.is(config?.outbox.readings.batch, 60_000);
});

test('an unknown key names its place and the key that was meant', () => {
  const { config, lines } = load(`${HEAD}mqtt:\n  url: mqtt://broker\n  inflght: 5\n`);
  assert.is(config, undefined);
  assert.equal(lines, ["vigie.yaml:4:3: mqtt.inflght: unknown key; did you mean 'inflight'?"]);
});

test('a wrong type, a bad duration and a missing key are all reported at once, in file order', () => {
  const { lines } = load(
    'node: { site: north }\nanomaly: { enabled: maybe }\noutbox: { readings: { batch: 30 } }\n',
  );
  assert.is(lines.length, 3);
  assert.match(lines[0]!, /^vigie\.yaml:1:7: node\.name: is missing\. This node/);
  assert.match(lines[1]!, /^vigie\.yaml:2:21: anomaly\.enabled: expected boolean, found "maybe"$/);
  assert.match(
    lines[2]!,
    /^vigie\.yaml:3:30: outbox\.readings\.batch: expected a duration .*, written with its unit; found 30$/,
  );
});

test('a node cannot have the name under which updates lie', () => {
  assert.match(
    load('node: { site: north, name: ota }\n').lines.join(),
    /^vigie\.yaml:1:\d+: node\.name: .*topic of updates/,
  );
  assert.equal(load('node: { site: ota, name: ota-1 }\n').lines, []);
});

test('a wrong enum value says the choices and the nearest one', () => {
  const { lines } = load(`${HEAD}sources:\n${plc('a', unit(1, 't', ', register: holdng'))}`);
  assert.match(
    lines[0]!,
    /^vigie\.yaml:9:46: .*expected one of coil, discrete, input, holding \(did you mean 'holding'\?\); found "holdng"$/,
  );
});

test('a bad unit is set aside, its neighbours and the other sources run', () => {
  const text = `${HEAD}sources:\n${plc('a', unit(1, 't1') + unit(2, 't2', ', address: -4') + unit(3, 't3'))}${plc('b', unit(1, 't4'))}`;
  const { config, lines, quarantined } = load(text.replace('address: 0, address: -4', 'address: -4'));
  assert.equal(
    config?.sources.map((source) => (source.type === 'modbus' ? source.units.length : 0)),
    [2, 1],
  );
  assert.equal(quarantined, ['sources[0].units[1] (a)']);
  assert.match(lines[0]!, /units\[1\]\.tags\[0\]\.address: expected a number of at least 0, found -4/);
});

test('a later round still points at the right line after an earlier source was set aside', () => {
  const text = `${HEAD}sources:\n  - { type: modbus, name: broken }\n${plc('a', unit(1, 'same'))}${plc('b', unit(1, 'same'))}`;
  const { config, lines } = load(text);
  assert.equal(
    config?.sources.map(({ name }) => name),
    ['a'],
  );
  const duplicate = lines.find((line) => line.includes('appears twice'))!;
  const line = text.split('\n').findIndex((row, index) => index > 10 && row.includes('name: same')) + 1;
  assert.ok(duplicate.startsWith(`vigie.yaml:${line}:`), duplicate);
  assert.match(duplicate, /sources\[2\]\.units\[0\]\.tags\[0\]\.name/);
});

test('two sources on one endpoint are refused: a bus has one owner', () => {
  const { config, lines } = load(
    `${HEAD}sources:\n${plc('a', unit(1, 't1'))}${plc('b', unit(1, 't2')).replace('b.plant', 'a.plant')}`,
  );
  assert.equal(
    config?.sources.map(({ name }) => name),
    ['a'],
  );
  assert.match(
    lines[0]!,
    /sources\[1\]\.tcp: bus 'a\.plant:502' appears twice \(first in source 'a'\); one source owns a bus/,
  );
});

test('an entry that is empty is reported, not ignored', () => {
  const { lines, config } = load(`${HEAD}sources:\n  -\n${plc('a', unit(1, 't'))}`);
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /sources\[0\]/);
  assert.is(config?.sources.length, 1);
});

test('a duplicate key is an error with its line', () => {
  const { lines } = load(`${HEAD}log: { level: info }\nlog: { level: warn }\n`);
  assert.match(lines[0]!, /^vigie\.yaml:3:1: .*unique/);
});

test('YAML that cannot be parsed says where', () => {
  const { config, lines } = load('node: { site: [\n');
  assert.is(config, undefined);
  assert.match(lines[0]!, /^vigie\.yaml:\d+:\d+: /);
});

test('an inline password is refused', () => {
  const { lines } = load(
    `${HEAD}mqtt: { url: 'mqtt://me:secret@broker', username: me, passwordFile: hunter2 }\n`,
  );
  assert.is(lines.length, 2);
  assert.match(lines.join('\n'), /secrets never stand in this file/);
});

test('listening beyond loopback without a password is refused', () => {
  assert.match(load(`${HEAD}http: { host: 0.0.0.0 }\n`).lines[0]!, /needs a password/);
});

test('thousands of tags load, numbered without gaps', () => {
  const tags = Array.from({ length: 5000 }, (_, i) => `          - { name: t${i}, address: ${i} }`).join(
    '\n',
  );
  const { config, lines } = load(`${HEAD}sources:\n${plc('a', `      - id: 1\n        tags:\n${tags}\n`)}`);
  assert.equal(lines, []);
  const built = buildTags(config!);
  assert.is(built.length, 5000);
  assert.ok(built.every((tag, index) => tag.index === index && tag.source === 'a' && tag.period === 5000));
});

test('no text, however odd, throws or is accepted without a config or a problem', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'node:',
      'sources:',
      '  - ',
      'type: modbus',
      '{',
      '}',
      '[',
      '\n',
      ': ',
      'null',
      '- units: [null, 3]',
      '&a',
      '*a',
      '!!binary',
      '\t',
    ),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { config, problems } = loadConfig(pieces.join(''), '/');
      assert.ok(config !== undefined || problems.length > 0);
    }),
    { numRuns: 500 },
  );
});

test('line ends, byte order marks and foreign encodings: the place is right, and what is no text is said', () => {
  const windows = `\uFEFF${HEAD}mqtt: { url: 3 }\n`.replaceAll('\n', '\r\n');
  assert.match(load(windows).lines[0]!, /^vigie\.yaml:2:14: mqtt\.url/);
  assert.match(load('\uFEFFnode: { site: a, name: b, x: 1 }\n').lines[0]!, /^vigie\.yaml:1:27: node\.x/);
  const latin1 = Buffer.from(`${HEAD}# 20 \xb0C\n`, 'latin1').toString('utf8');
  assert.equal(load(latin1).lines, ['vigie.yaml:2:6: not UTF-8 text: save the file in UTF-8']);
});

test('a unit that could never answer or be told apart is set aside', () => {
  const serial = (units: string) =>
    `${HEAD}sources:\n${plc('a', units)}`.replace('tcp: { host: a.plant }', 'serial: { path: /dev/ttyUSB0 }');
  assert.match(
    load(serial(unit(0, 't1') + unit(1, 't2'))).lines[0]!,
    /units\[0\]\.id: unit 0 is the broadcast/,
  );
  assert.equal(load(`${HEAD}sources:\n${plc('a', unit(0, 't1') + unit(255, 't2'))}`).lines, []);
  const named = (unit(1, 't1') + unit(2, 't2')).replace('id: 1', 'id: 1\n        name: unit-2');
  const { lines, quarantined } = load(serial(named));
  assert.match(lines[0]!, /units\[1\]\.id: 'unit-2' is the name of unit 1 already/);
  assert.equal(quarantined, ['sources[0].units[1] (a)']);
});

test('an anchor may stand at thousands of tags; anchors that nest to explode are refused', () => {
  const tags = Array.from(
    { length: 3000 },
    (_, i) => `{ name: t${i}, address: ${i}, range: ${i ? '*r' : '&r [0, 9]'} }`,
  );
  const units = `      - id: 1\n        tags: [${tags.join(', ')}]\n`;
  const { config, lines } = load(`${HEAD}sources:\n${plc('a', units)}`);
  assert.equal(lines, []);
  assert.equal(config && buildTags(config)[2999]?.range, { low: 0, high: 9 });
  const levels = Array.from(
    { length: 9 },
    (_, i) => `x${i}: &x${i} [${Array(9).fill(i ? `*x${i - 1}` : 'lol')}]`,
  );
  assert.match(load(`${HEAD}${levels.join('\n')}\n`).lines[0]!, /Excessive alias count/);
});

test('a model comes from a file or as a bundle, and a bundle needs updates', () => {
  const source = `sources:\n${plc('plc', unit(1, 'flow'))}`;
  const model = (more: string) =>
    `${HEAD}${source}anomaly: { models: [{ name: m, group: default, inputs: [flow], ${more} }] }\n`;
  const ota = 'ota: { root: root.json, hours: [22:00-05:30] }\n';
  assert.match(load(model('limit: 1')).lines.join(), /names no model/);
  assert.match(load(model('file: a.onnx')).lines.join(), /limit: is missing/);
  assert.match(load(model('file: a.onnx, bundle: b, limit: 1') + ota).lines.join(), /stands beside file/);
  assert.match(load(model('bundle: score')).lines.join(), /bundles need the section 'ota'/);
  const { config, lines } = load(model('bundle: score') + ota);
  assert.equal(lines, []);
  assert.is(config?.ota?.root, '/etc/vigie/root.json');
  assert.equal(config?.ota?.hours, [{ from: 22 * 60, to: 5 * 60 + 30 }]);
  assert.match(load(`${HEAD}ota: { root: r, hours: ['7-8'] }\n`).lines.join(), /no span of the day/);
});

test("a camera's model comes from a manifest or as a bundle that detects", () => {
  const gate = (model: string) =>
    `${HEAD}cameras: [{ name: gate, source: { type: test }, model: { ${model} } }]\n`;
  const ota = 'ota: { root: root.json }\n';
  assert.match(load(gate('threads: 1')).lines.join(), /names no model/);
  assert.match(load(gate('manifest: m, bundle: b') + ota).lines.join(), /stands beside manifest/);
  assert.match(load(gate('bundle: finder')).lines.join(), /'finder' would never arrive/);
  const source = `sources:\n${plc('plc', unit(1, 'flow'))}`;
  const scorer = 'anomaly: { models: [{ name: m, group: default, inputs: [flow], bundle: finder }] }\n';
  const both = load(gate('bundle: finder') + source + scorer + ota);
  assert.match(both.lines.join(), /'finder' is named in anomaly.models, too/);
  const { config, lines } = load(gate('bundle: finder') + ota);
  assert.equal([lines, config?.cameras[0]?.model], [[], { bundle: 'finder' }]);
  const faces = `${HEAD}cameras: [{ name: gate, source: { type: test }, privacy: { blur: faces, faceModel: yunet } }]\n`;
  assert.is(load(faces).config?.cameras[0]?.privacy.faceModel, '/etc/vigie/yunet');
});

test.run();
