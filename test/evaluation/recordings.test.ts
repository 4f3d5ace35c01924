import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateAnomaly } from '../../evaluation/anomaly.ts';
import { firstRows, loadRecordings, parseRecording } from '../../evaluation/recordings.ts';
import { InputError } from '../../runtime/core/errors.ts';

const TEXT = `datetime;Flow;Pressure;anomaly;changepoint
2020-03-01 15:44:06;1.5;-2;0.0;0.0
2020-03-01 15:44:08;;7;1.0;1.0
`;

const refused = (code: string, run: () => void) =>
  assert.throws(run, (error: unknown) => error instanceof InputError && error.code === code);

test('reads values, gaps, stamps and labels', () => {
  const recording = parseRecording(TEXT, 'data/valve1/0.csv')!;
  assert.is(recording.group, 'valve1');
  assert.equal(
    recording.tags.map((tag) => tag.name),
    ['Flow', 'Pressure'],
  );
  assert.equal(Array.from(recording.rows.data), [1.5, -2, Number.NaN, 7]);
  assert.is(recording.rows.mono[1]! - recording.rows.mono[0]!, 2000);
  assert.equal(Array.from(recording.anomaly), [0, 1]);
  assert.equal(Array.from(recording.changepoint), [0, 1]);
  assert.equal(Array.from(firstRows(recording.rows, 1).data), [1.5, -2]);
});

test('commas do as well, changepoints are optional, files without labels are left out', () => {
  const recording = parseRecording('time,a,anomaly\n2020-01-01T00:00:00,3,1\n', 'x.csv')!;
  assert.equal(Array.from(recording.rows.data), [3]);
  assert.equal(Array.from(recording.changepoint), [0]);
  assert.is(parseRecording('time,a\n2020-01-01T00:00:00,3\n', 'x.csv'), undefined);
});

test('a line that is cut or has no time is refused with its place', () => {
  const broken = (line: string) => () => parseRecording(`time,a,anomaly\n${line}\n`, 'x.csv');
  refused('bad-recording', broken('2020-01-01T00:00:00,3'));
  refused('bad-recording', broken('yesterday,3,0'));
});

test('folders without recordings, short recordings, unknown detectors and missing predictions are refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-evaluation-'));
  try {
    refused('no-recordings', () => loadRecordings(folder));
    refused('no-recordings', () => loadRecordings(join(folder, 'absent')));
    mkdirSync(join(folder, 'group'));
    writeFileSync(join(folder, 'group', 'a.csv'), TEXT);
    const options = { data: folder, detector: 'fused', trainRows: 400, tune: false };
    refused('bad-recording', () => evaluateAnomaly(options));
    refused('unknown-detector', () => evaluateAnomaly({ ...options, detector: 'oracle' }));
    refused('bad-predictions', () => evaluateAnomaly({ ...options, trainRows: 1, predictions: folder }));
    const predictions = join(folder, 'predictions');
    mkdirSync(join(predictions, 'group'), { recursive: true });
    writeFileSync(join(predictions, 'group', 'a.csv'), 'row\n1\n');
    refused('bad-predictions', () => evaluateAnomaly({ ...options, trainRows: 1, predictions }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('predictions made elsewhere are scored on the rows after the training rows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-evaluation-'));
  try {
    for (const [part, text] of [
      ['data', TEXT],
      ['predictions', 'anomaly\n1\n'],
    ] as const) {
      mkdirSync(join(folder, part, 'g'), { recursive: true });
      writeFileSync(join(folder, part, 'g', 'a.csv'), text);
    }
    const { evaluations } = evaluateAnomaly({
      data: join(folder, 'data'),
      detector: 'fused',
      predictions: join(folder, 'predictions'),
      trainRows: 1,
      tune: false,
    });
    const { f1, far, mar, nab, rows } = evaluations[0]!;
    assert.equal({ f1, far, mar, nab, rows }, { f1: 1, far: 0, mar: 0, nab: 100, rows: 1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
