import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { BaselineFiles, baselineKey } from '../../../runtime/pipeline/analysis/baseline-file.ts';
import { Learning } from '../../../runtime/pipeline/analysis/learning.ts';
import { normalRange } from '../../../runtime/pipeline/analysis/normal-range.ts';
import { makeConfig, makeTag, temporaryFolder } from './harness.ts';

const { baseline: options } = makeConfig({ baseline: { learn: '100s', minRows: 20, maxRows: 100 } });
const row = (...values: number[]) => Float64Array.from(values);

function learning(tags = [makeTag(0), makeTag(1)]): Learning {
  return new Learning(tags, millis(1000), options);
}

test('learning is done when both the time and the rows are there', () => {
  const one = learning();
  for (let i = 1; i < 100; i++) one.push(row(i, i), millis(i * 1000));
  assert.not(one.done);
  assert.ok(one.progress > 0.98);
  one.push(row(1, 1), millis(100_000));
  assert.ok(one.done);
  const few = learning();
  for (let i = 0; i < 19; i++) few.push(row(i, i), millis(i * 50_000));
  assert.not(few.done, 'too few rows');
});

test('a group of many tags keeps fewer rows, so that its fit holds nothing up', () => {
  const kept = (width: number) => {
    const tags = Array.from({ length: width }, (_, i) => makeTag(i));
    const one = new Learning(tags, millis(1000), makeConfig({ baseline: { learn: '2h' } }).baseline);
    for (let i = 1; i <= 6000; i++) one.push(new Float64Array(width).fill(i), millis(i * 1000));
    return one.result().rows.count;
  };
  assert.ok(kept(60) > 2500);
  const wide = kept(127);
  assert.ok(wide > 700 && wide <= 1488, String(wide));
});

test('a tag with too few valid values is watched by its configuration alone', () => {
  const one = learning([makeTag(0), makeTag(1, { range: { low: 0, high: 10 } })]);
  for (let i = 0; i < 100; i++) one.push(row(i, i < 5 ? i : 99), millis(i * 1000));
  const { columns, rows, taught } = one.result();
  assert.equal(columns, [0, 1]);
  assert.is(taught, 1);
  assert.ok(rows.data.every((value, i) => Number.isNaN(value) === (i % 2 === 1)));
});

test('silence and empty rows are not time watched', () => {
  const one = learning();
  for (let i = 1; i <= 30; i++) one.push(row(Number.NaN, Number.NaN), millis(i * 1000));
  assert.is(one.watched, 0);
  one.push(row(1, 2), millis(31_000));
  one.push(row(1, 2), millis(10_000_000));
  assert.is(one.watched, 4000, 'one cadence, and at most three for the gap');
});

test('tags without values are left out; values outside the valid range teach nothing', () => {
  const tags = [makeTag(0), makeTag(1), makeTag(2, { range: { low: 0, high: 10 } })];
  const one = learning(tags);
  for (let i = 0; i < 50; i++) one.push(row(i, Number.NaN, i < 40 ? i : 5), millis(i * 1000));
  const { columns, rows } = one.result();
  assert.equal(columns, [0, 2]);
  assert.is(rows.width, 2);
  assert.ok(rows.data.every((value, i) => i % 2 === 0 || Number.isNaN(value) || value <= 10));
});

test('learning goes on after a restart, behind a gap, though the monotonic clock began anew', () => {
  const before = learning();
  for (let i = 0; i < 50; i++) before.push(row(i, i), millis(9_000_000 + i * 1000));
  const after = learning();
  after.load(JSON.parse(JSON.stringify(before.save())));
  assert.is(after.rows, 50);
  for (let i = 0; i < 50; i++) after.push(row(i, i), millis(i * 1000));
  assert.ok(after.done);
  const { rows } = after.result();
  for (let r = 1; r < rows.count; r++) assert.ok(rows.mono[r]! > rows.mono[r - 1]!);
  assert.is(rows.mono[50]! - rows.mono[49]!, 10_000);
});

test('the normal range leaves out the tails', () => {
  const data = Float64Array.from({ length: 1001 }, (_, i) => (i === 500 ? 1e9 : i));
  const rows = { count: 1001, width: 1, data, mono: new Float64Array(1001) };
  const range = normalRange(rows, 0)!;
  assert.ok(range.low >= 4 && range.low <= 6 && range.high >= 994 && range.high <= 997);
  const none = { count: 1, width: 1, data: row(Number.NaN), mono: row(0) };
  assert.is(normalRange(none, 0), undefined);
});

const content = (key: string) => ({
  key,
  rows: 5,
  columns: ['t0'],
  normal: [{ low: 0, high: 1 }],
  detectors: { pca: { a: 1 } },
  failures: {},
});

test('what is written is found again, under the same tags only', () => {
  const files = new BaselineFiles(temporaryFolder());
  assert.equal(files.readBaseline('g', 'k'), { state: 'none' });
  files.writeBaseline('g', content('k'));
  const found = files.readBaseline('g', 'k');
  assert.ok(found.state === 'found' && found.content.columns[0] === 't0');
  assert.equal(files.readBaseline('g', 'other'), { state: 'foreign' });
  assert.not.equal(baselineKey([makeTag(0)]), baselineKey([makeTag(0, { unit: 'g/L' })]));
  assert.is(baselineKey([makeTag(0)]), baselineKey([makeTag(0, { index: 7, source: 'other' })]));
});

test('another version is foreign; what cannot be understood is moved aside', () => {
  const files = new BaselineFiles(temporaryFolder());
  files.writeBaseline('g', content('k'));
  const path = join(files.directory, 'g.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('"version":1', '"version":2'));
  assert.equal(files.readBaseline('g', 'k'), { state: 'foreign' });
  for (const broken of [text.slice(0, -5), '', '[]', 'null', '{}', text.replace('"low":0', '"low":"x"')]) {
    writeFileSync(path, broken);
    const found = files.readBaseline('g', 'k');
    assert.ok(found.state === 'corrupt', broken);
    assert.ok(existsSync(found.movedTo));
    assert.not(existsSync(path));
  }
  assert.equal(readdirSync(files.directory), ['g.json.corrupt']);
});

test('rows and baseline of a group never share a file with those of another group', () => {
  const files = new BaselineFiles(temporaryFolder());
  files.writeBaseline('g', content('k'));
  files.writeBaseline('g.rows', content('k'));
  files.writeLearning('g', { key: 'k', ...learning().save() });
  assert.is(files.readBaseline('g.rows', 'k').state, 'found');
  assert.is(files.readLearning('g', 'k').state, 'found');
  files.remove('g', 'rows');
  files.remove('g', 'rows');
  assert.is(files.readLearning('g', 'k').state, 'none');
});

test.run();
