import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, StorageError } from '../../runtime/core/errors.ts';
import {
  parseRecordingHeader,
  parseTimestamp,
  type RecordingOptions,
  RecordingReader,
  type RecordingRow,
  readRecording,
  readRecordingHeader,
} from '../../runtime/core/recording.ts';
import { sharedPath } from '../support/shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-recording-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function read(text: string, options?: RecordingOptions): Promise<RecordingRow[]> {
  const path = join(folder, 'r.csv');
  writeFileSync(path, text);
  const rows: RecordingRow[] = [];
  for await (const { row } of readRecording(path, options)) rows.push(row);
  return rows;
}

async function failure(text: string, options?: RecordingOptions): Promise<string> {
  try {
    await read(text, options);
  } catch (error) {
    assert.instance(error, InputError);
    assert.is((error as InputError).code, 'recording-invalid');
    return (error as Error).message.replace(join(folder, 'r.csv'), 'r.csv');
  }
  return assert.unreachable('expected an error') as never;
}

const START = Date.UTC(2020, 2, 9, 10, 14, 33);

test('delimiter, timestamp column and numeric columns are found', () => {
  const header = parseRecordingHeader('f', 'when;a;note;b', '2020-03-09 10:14:33;1;hello;2');
  assert.is(header.delimiter, ';');
  assert.equal(header.timeColumn, { name: 'when', index: 0 });
  assert.equal(header.columns, [
    { name: 'a', index: 1 },
    { name: 'b', index: 3 },
  ]);
  assert.equal(header.textColumns, ['note']);
});

test('a byte order mark, CRLF, blank lines and a missing last line end change nothing', async () => {
  const rows = await read('\uFEFFtime,a\r\n2020-03-09 10:14:33,1\r\n\r\n2020-03-09 10:14:34,2');
  assert.equal(
    rows.map(({ line, time, values }) => [line, time - START, values[0]]),
    [
      [2, 0, 1],
      [4, 1000, 2],
    ],
  );
});

test('missing values are NaN', async () => {
  const rows = await read('time,a,b,c,d\n0,,NaN,null,4\n1,NA, ,-,5\n');
  assert.equal(
    rows.map(({ values }) => [...values]),
    [
      [Number.NaN, Number.NaN, Number.NaN, 4],
      [Number.NaN, Number.NaN, Number.NaN, 5],
    ],
  );
});

test('quoted cells may hold delimiters and quotes', async () => {
  const path = join(folder, 'q.csv');
  writeFileSync(path, '"time","a, ""in"" m/s"\n"2020-03-09 10:14:33","1.5"\n');
  assert.is((await readRecordingHeader(path)).columns[0]!.name, 'a, "in" m/s');
});

test('label columns are left out, wrong names are refused', async () => {
  const text = 'time,a,anomaly\n0,1,0\n';
  assert.is((await read(text, { skip: ['anomaly'] }))[0]!.values.length, 1);
  assert.match(await failure(text, { skip: ['anomly'] }), "r.csv:1:1: no column 'anomly' to leave out");
  assert.match(
    await failure(text, { time: 'zeit' }),
    "no column 'zeit' of the timestamps; there are: time, a",
  );
});

test('errors say file, line and column', async () => {
  assert.match(await failure('time,a\n0,1\n1,2,3\n'), 'r.csv:3:5: the row has 3 cells; the header has 2');
  assert.match(await failure('time,a\n0,1\n1\n'), 'r.csv:3:1: the row has 1 cells');
  assert.match(await failure('time,a\n0,1\n1,x\n'), "r.csv:3:3: 'x' in column 'a' is no number");
  assert.match(await failure('time,a\n5,1\n4,1\n'), 'r.csv:3:1: timestamp 4 goes back');
  assert.match(await failure('time,a\nsoon,1\n'), "r.csv:2:1: 'soon' is no timestamp");
  assert.match(await failure('time,a\n0,"1\n'), 'r.csv:2:3: a quoted cell does not end');
  assert.match(await failure('time,a\n0,"1"2\n'), "r.csv:2:6: expected ',' after");
  assert.match(await failure('time,a,a\n0,1,2\n'), "r.csv:1:8: the column name 'a' appears twice");
  assert.match(await failure('time,,a\n0,1,2\n'), 'r.csv:1:6: a column has no name');
  assert.match(await failure('x,a\nb,1\n'), 'r.csv:1:1: no timestamp column');
  assert.match(await failure('time,a\n0,abc\n'), 'r.csv:2:1: no numeric column');
  assert.match(await failure('time,a\n'), 'r.csv:1:1: expected a header line and at least one row');
  assert.match(await failure(''), 'r.csv:1:1: expected a header line');
  assert.match(await failure('\ntime,a\n0,1'), 'r.csv:1:1: the first line is empty');
  assert.match(await failure(`time,a\n${'9'.repeat(1 << 21)}`), 'r.csv:2:1: line too long');
});

test('a file that is not there is a storage error', async () => {
  try {
    await readRecordingHeader(join(folder, 'absent.csv'));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, StorageError);
    assert.is((error as StorageError).code, 'recording-read');
  }
});

test('timestamps: forms, zones, fractions, impossible dates', () => {
  const cases: [string, number | undefined][] = [
    ['2020-03-09 10:14:33', START],
    ['2020/03/09 10:14:33', START],
    ['2020-03-09T10:14:33Z', START],
    ['2020-03-09T12:14:33+02:00', START],
    ['2020-03-09T08:44:33-0130', START],
    ['2020-03-09 10:14:33.250', START + 250],
    ['2020-03-09', Date.UTC(2020, 2, 9)],
    ['1583748873', START],
    ['1583748873000', START],
    ['0.5', 500],
    ['2020-02-30 00:00:00', undefined],
    ['2020-03-09 24:00:00', undefined],
    ['2020-03-09 10:61:00', undefined],
    ['', undefined],
    ['1e999', undefined],
  ];
  for (const [text, expected] of cases) assert.is(parseTimestamp(text), expected, text);
});

test('any table that is written comes back as it was', () => {
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN));
  const table = fc.record({
    delimiter: fc.constantFrom(',', ';', '\t'),
    rows: fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(table, ({ delimiter, rows }) => {
      const line = (a: number, i: number) => [i, a, rows[i]![1]].join(delimiter);
      const lines = rows.map(([a], i) => line(a, i));
      const header = parseRecordingHeader('f', ['time', 'a', 'b'].join(delimiter), lines[0]!);
      const reader = new RecordingReader(header);
      lines.forEach((text, i) => {
        const row = reader.row(text, i + 2)!;
        assert.is(row.time, i * 1000);
        for (const k of [0, 1]) assert.ok(row.values[k] === rows[i]![k] || Number.isNaN(rows[i]![k]));
      });
    }),
    { numRuns: 200 },
  );
});

test('any text gives rows or an error with a position, nothing else', () => {
  const text = fc.string({
    unit: fc.constantFrom('1', '.', ',', ';', '"', 'a', '-', ' ', 'e', '\t', '\r', 'é'),
    maxLength: 30,
  });
  fc.assert(
    fc.property(text, text, text, (head, first, second) => {
      try {
        const reader = new RecordingReader(parseRecordingHeader('f', head, first));
        reader.row(first, 2);
        reader.row(second, 3);
      } catch (error) {
        assert.instance(error, InputError);
        assert.match((error as Error).message, /^f:\d+:\d+: /);
      }
    }),
    { numRuns: 1000 },
  );
});

test('every file of the pump bench reads', async () => {
  const path = sharedPath('data/skab/data/valve1/0.csv');
  if (!path) return;
  let count = 0;
  for await (const { header, row } of readRecording(path, { skip: ['anomaly', 'changepoint'] })) {
    count += 1;
    assert.is(header.columns.length, 8);
    assert.is(row.values.length, 8);
  }
  assert.ok(count > 1000);
});

test.run();
