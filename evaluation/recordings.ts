/** Labelled recordings: CSV files with a time column, one column per sensor, `anomaly` and, where known, `changepoint`. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { InputError } from '../runtime/core/errors.ts';
import type { Tag } from '../runtime/core/messages.ts';
import { seconds } from '../runtime/core/units.ts';
import type { Rows } from '../runtime/pipeline/anomaly/detector.ts';

export interface Recording {
  /** Path below the data folder, such as `valve1/0.csv`. */
  readonly name: string;
  /** The folder it lies in: recordings of one group are of one kind of experiment. */
  readonly group: string;
  readonly tags: readonly Tag[];
  /** Monotonic stamps are milliseconds since 1970 as the file tells them. */
  readonly rows: Rows;
  /** 1 where the row is labelled anomalous. */
  readonly anomaly: Uint8Array;
  /** 1 where the behaviour is labelled to change. */
  readonly changepoint: Uint8Array;
}

const LABELS = ['anomaly', 'changepoint'];

/**
 * All labelled recordings below `folder`, in a stable order; files without an `anomaly` column are left out.
 * @throws InputError `no-recordings`, or `bad-recording` naming file and line.
 */
export function loadRecordings(folder: string): Recording[] {
  const found = csvFiles(folder)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((path) => parseRecording(readFileSync(path, 'utf8'), relative(folder, path)))
    .filter((recording) => recording !== undefined);
  if (found.length === 0) {
    throw new InputError('no-recordings', `no CSV file with an 'anomaly' column below ${folder}`);
  }
  return found;
}

function csvFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && extname(entry.name) === '.csv')
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (cause) {
    throw new InputError('no-recordings', `cannot read the folder ${folder}`, { cause });
  }
}

/** @returns undefined when the file has no labels. @throws InputError `bad-recording`. */
export function parseRecording(text: string, name: string): Recording | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const separator = lines[0]?.includes(';') ? ';' : ',';
  const header = (lines[0] ?? '').split(separator);
  if (!header.includes('anomaly')) return undefined;
  const sensors = header.flatMap((title, i) => (i === 0 || LABELS.includes(title) ? [] : [i]));
  const count = lines.length - 1;
  const data = new Float64Array(count * sensors.length);
  const mono = new Float64Array(count);
  const labels = LABELS.map(() => new Uint8Array(count));
  for (let i = 0; i < count; i++) {
    const cells = lines[i + 1]!.split(separator);
    mono[i] = Date.parse(`${cells[0]!.trim().replace(' ', 'T')}Z`);
    if (cells.length !== header.length || Number.isNaN(mono[i])) {
      throw new InputError(
        'bad-recording',
        `${name}:${i + 2}: expected a time and ${header.length - 1} values`,
      );
    }
    sensors.forEach((column, j) => {
      data[i * sensors.length + j] = cells[column] === '' ? Number.NaN : Number(cells[column]);
    });
    LABELS.forEach((label, j) => {
      labels[j]![i] = Number(cells[header.indexOf(label)] ?? 0) === 1 ? 1 : 0;
    });
  }
  return {
    name,
    group: basename(dirname(name)),
    tags: sensors.map((column, index) => tagOf(header[column]!, index)),
    rows: { count, width: sensors.length, data, mono },
    anomaly: labels[0]!,
    changepoint: labels[1]!,
  };
}

function tagOf(name: string, index: number): Tag {
  return {
    name,
    index,
    source: 'recording',
    group: 'recording',
    kind: '',
    unit: '',
    period: seconds(1),
    deadband: 0,
  };
}

/** The first `count` rows. */
export function firstRows(rows: Rows, count: number): Rows {
  const kept = Math.min(count, rows.count);
  return {
    ...rows,
    count: kept,
    data: rows.data.subarray(0, kept * rows.width),
    mono: rows.mono.subarray(0, kept),
  };
}
