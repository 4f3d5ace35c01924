/** What `vigie evaluate anomaly` prints for a person. */

import type { Evaluation } from './evaluation.ts';
import type { Tuning } from './tuning.ts';

export function summaryTable(evaluations: readonly Evaluation[], notes: readonly string[] = []): string {
  const cells = evaluations.map((e, i) => [e.detector, ...figures(e), notes[i] ?? '']);
  return table([['detector', 'F1', 'FAR %', 'MAR %', 'NAB', ''], ...cells]);
}

export function fileTable(evaluation: Evaluation): string {
  const cells = evaluation.files.map((file) => [file.file, ...figures(file)]);
  return table([['file', 'F1', 'FAR %', 'MAR %', 'NAB'], ...cells]);
}

export function tuningReport(tunings: readonly Tuning[]): string {
  const cells = tunings.flatMap(({ bound, rounds }) =>
    rounds.map(({ group, chosen, elsewhere }) => [
      `FAR <= ${bound} %`,
      group,
      String(chosen.lambda),
      String(chosen.limitFactor),
      String(chosen.support),
      `${elsewhere.f1.toFixed(3)} at ${elsewhere.far.toFixed(1)} %`,
    ]),
  );
  const header = ['chosen for', 'held out', 'lambda', 'limit', 'support', 'F1 and FAR of the others'];
  return `${table([header, ...cells])}\n${summaryTable(tunings.map(({ held }) => held))}`;
}

function figures({ f1, far, mar, nab }: Pick<Evaluation, 'f1' | 'far' | 'mar' | 'nab'>): string[] {
  return [f1.toFixed(3), far.toFixed(2), mar.toFixed(2), nab === null ? '-' : nab.toFixed(2)];
}

/** Left-aligned first and last columns, right-aligned figures between them. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, j) => Math.max(...rows.map((row) => row[j]!.length)));
  const last = widths.length - 1;
  const line = (row: readonly string[]) =>
    row
      .map((cell, j) => (j === 0 || j === last ? cell.padEnd(widths[j]!) : cell.padStart(widths[j]!)))
      .join('  ');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
