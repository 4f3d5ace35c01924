import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { loadConfig } from '../../../runtime/config/load.ts';
import type { Tag } from '../../../runtime/core/messages.ts';
import { millis } from '../../../runtime/core/units.ts';
import { loadTreeModel, TreeModelDetector } from '../../../runtime/pipeline/anomaly/tree-model.ts';
import { encodeModel } from '../../addon/onnx-builder.ts';
import { sharedPath } from '../../support/shared.ts';

const test = suite('tree model', { directory: '' });
test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'vigie-'));
});
test.after.each((context) => rmSync(context.directory, { recursive: true }));

const tag = (name: string, index: number): Tag => ({
  name,
  index,
  source: 's',
  group: 'g',
  kind: 'value',
  unit: '',
  period: millis(1000),
  deadband: 0,
});
const COLUMNS = ['b', 'extra', 'a'].map(tag);

function write(directory: string, over: Record<string, unknown> = {}) {
  const file = join(directory, 'model.onnx');
  writeFileSync(file, encodeModel());
  return { name: 'imported', group: 'g', file, inputs: ['a', 'b'], limit: 100, ...over };
}

function rowsOf(rows: number[][]) {
  return {
    count: rows.length,
    width: 3,
    data: Float64Array.from(rows.flat()),
    mono: Float64Array.from(rows.keys()),
  };
}

test('inputs are taken by name, whatever the order of the columns; the limit scales to 1', async ({
  directory,
}) => {
  const model = await loadTreeModel(write(directory));
  const plain = (a: number, b: number) =>
    model.trees.output(model.trees.ensemble.score(Float64Array.of(a, b)));
  const values = [plain(0, 0), plain(9, 0), plain(0, 9), plain(9, 9)];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  assert.ok(high > low, 'the model tells rows apart');
  const detector = new TreeModelDetector(
    { ...model, config: { ...model.config, limit: (low + high) / 2 } },
    COLUMNS,
  );
  assert.ok(Number.isNaN(detector.step(Float64Array.of(0, 0, 0))), 'not ready before it is fitted');
  const lowest = [
    [0, 0],
    [9, 0],
    [0, 9],
    [9, 9],
  ][values.indexOf(low)]!;
  const highest = [
    [0, 0],
    [9, 0],
    [0, 9],
    [9, 9],
  ][values.indexOf(high)]!;
  detector.fit(rowsOf([[lowest[1]!, 5, lowest[0]!]]));
  assert.is(detector.step(Float64Array.of(lowest[1]!, 5, lowest[0]!)), 0);
  assert.is(detector.step(Float64Array.of(highest[1]!, 5, highest[0]!)), 2);
  const contributions = new Float64Array(3);
  detector.explain(contributions);
  assert.is(contributions[1], 0, 'a tag the model does not read has no part');
  const twin = new TreeModelDetector(
    { ...model, config: { ...model.config, limit: (low + high) / 2 } },
    COLUMNS,
  );
  twin.load(JSON.parse(JSON.stringify(detector.save())));
  assert.is(twin.step(Float64Array.of(highest[1]!, 5, highest[0]!)), 2);
});

test('a model that calls the baseline anomalous is refused, not left to alarm for ever', async ({
  directory,
}) => {
  const model = await loadTreeModel(write(directory, { limit: -1e6 }));
  assert.throws(
    () => new TreeModelDetector(model, COLUMNS).fit(rowsOf([[0, 0, 0]])),
    /calls what is normal here anomalous/,
  );
});

const fails = (config: ReturnType<typeof write>, pattern: RegExp) =>
  loadTreeModel(config).then(
    () => assert.unreachable(),
    (error) => assert.match(`${error.message}: ${error.cause?.message}`, pattern),
  );

test('a file that is missing, foreign, or of another width is named', async ({ directory }) => {
  await fails(
    write(directory, { file: join(directory, 'none.onnx') }),
    /none\.onnx\) cannot be used: ENOENT/,
  );
  await fails(write(directory, { inputs: ['a'] }), /reads 2 columns, its configuration names 1 tags/);
  const config = write(directory);
  writeFileSync(config.file, 'not a model');
  await fails(config, /model 'imported'/);
});

test('an input that is no tag of the group sets the model aside, not the node', () => {
  const text = `node: { site: a, name: b }
sources: [{ type: replay, name: r, file: x.csv, tags: [{ name: a, group: g }, { name: b, group: h }] }]
anomaly: { models: [{ name: m, group: g, file: m.onnx, inputs: [a, b, c], limit: 0 }] }`;
  const { config, problems, quarantined } = loadConfig(text, '/etc/vigie');
  assert.equal(config?.anomaly.models, []);
  assert.equal(quarantined, ['anomaly.models[0] (m)']);
  assert.equal(
    problems.map(({ message }) => message),
    ["'b' is no tag of group 'g': it is in group 'h'", "'c' is no tag of group 'g': there is no such tag"],
  );
});

const file = sharedPath('models/small/iforest_water_treatment.onnx');
if (file) {
  test('the water-treatment forest alarms on exactly the days its reference calls anomalous', async () => {
    const vectors = parse(readFileSync(file.replace('.onnx', '.vectors.json'), 'utf8')) as {
      median: number[];
      cases: { x: number[]; score: number }[];
    };
    const columns = vectors.median.map((_, i) => tag(`c${i}`, i));
    const config = { name: 'water', group: 'g', file, inputs: columns.map(({ name }) => name), limit: 0 };
    const detector = new TreeModelDetector(await loadTreeModel(config), columns);
    detector.fit({ count: 1, width: 38, data: Float64Array.from(vectors.median), mono: Float64Array.of(0) });
    const calls = vectors.cases.map(({ x }) => detector.step(Float64Array.from(x)) > 1);
    assert.equal(
      calls,
      vectors.cases.map(({ score }) => score > 0),
    );
    assert.ok(calls.includes(true) && calls.includes(false));
  });
}

test.run();
