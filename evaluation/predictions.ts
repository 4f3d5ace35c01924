/** Predictions made elsewhere: one CSV file per recording, `anomaly` and optionally `changepoint`, a line per scored row. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../runtime/core/errors.ts';
import type { Judge } from './evaluation.ts';
import { changesOf } from './scorer.ts';

/** @throws InputError `bad-predictions` naming the file. */
export function predictionsIn(folder: string): Judge {
  return (recording, trainRows) => {
    const path = join(folder, recording.name);
    const expected = recording.rows.count - trainRows;
    const [header = '', ...lines] = readLines(path);
    const titles = header.split(',');
    if (!titles.includes('anomaly') || lines.length !== expected) {
      const what = `a column 'anomaly' and ${expected} lines after the header`;
      throw new InputError('bad-predictions', `${path}: expected ${what}, found ${lines.length} lines`);
    }
    const column = (title: string) => {
      const at = titles.indexOf(title);
      return at < 0 ? undefined : Uint8Array.from(lines, (line) => Number(line.split(',')[at]));
    };
    const anomaly = column('anomaly')!;
    return { anomaly, changepoint: column('changepoint') ?? changesOf(anomaly) };
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split(/\r?\n/);
  } catch (cause) {
    throw new InputError('bad-predictions', `cannot read the predictions ${path}`, { cause });
  }
}
