/** What a model said, as text. */

import type { Tensor } from '../../pipeline/inference/session.ts';
import { table, tensorText } from './table.ts';
import { toNumbers } from './tensors.ts';

export interface NamedDetection {
  readonly label: string;
  readonly score: number;
  /** x, y, width, height in pixels of the picture. */
  readonly box: readonly number[];
}

export interface NamedClass {
  readonly label: string;
  readonly score: number;
}

export type Answer =
  | { readonly task: 'detection'; readonly detections: readonly NamedDetection[] }
  | { readonly task: 'classification'; readonly classes: readonly NamedClass[] }
  | { readonly task: 'anomaly'; readonly score: number; readonly anomaly: boolean }
  | { readonly task: 'tensors'; readonly outputs: Readonly<Record<string, Tensor>> };

export interface Result {
  /** The picture, or file and line of a row. */
  readonly input: string;
  readonly ms: number;
  readonly answer: Answer;
}

/** As many elements of an output as one looks at. */
const SHOWN = 8;

export function resultsText(results: readonly Result[]): string {
  const scores = results.filter(({ answer }) => answer.task === 'anomaly');
  if (scores.length === results.length) return scoreTable(results);
  return results.map(({ input, answer }) => `${input}\n${answerText(answer)}`).join('\n');
}

function answerText(answer: Answer): string {
  if (answer.task === 'detection') {
    if (answer.detections.length === 0) return 'nothing was found\n';
    const row = ({ label, score, box }: NamedDetection) => [
      label,
      score.toFixed(3),
      ...box.map((edge) => edge.toFixed(0)),
    ];
    return table(['label', 'score', 'x', 'y', 'width', 'height'], answer.detections.map(row));
  }
  if (answer.task === 'classification') {
    if (answer.classes.length === 0) return 'no class is above the threshold\n';
    return table(
      ['class', 'score'],
      answer.classes.map(({ label, score }) => [label, score.toFixed(3)]),
    );
  }
  return answer.task === 'anomaly' ? `${answer.score}\n` : outputsText(answer.outputs);
}

function scoreTable(results: readonly Result[]): string {
  const row = ({ input, answer }: Result) =>
    answer.task === 'anomaly'
      ? [input, String(Number(answer.score.toPrecision(6))), answer.anomaly ? 'anomaly' : '']
      : [input];
  return table(['input', 'score', ''], results.map(row));
}

function outputsText(outputs: Readonly<Record<string, Tensor>>): string {
  const rows = Object.entries(outputs).map(([name, tensor]) => {
    const numbers = toNumbers(tensor);
    const shown = numbers.slice(0, SHOWN).map((value) => Number(value.toPrecision(5)));
    const more = numbers.length > SHOWN ? ' …' : '';
    return [name, tensorText(tensor.type, tensor.shape), `${shown.join(' ')}${more}`];
  });
  return table(['output', 'tensor', 'values'], rows);
}

/** The same for `--json`: tensors as plain numbers. */
export function resultJson({ input, ms, answer }: Result): object {
  if (answer.task !== 'tensors') return { input, ms, ...answer };
  const outputs = Object.entries(answer.outputs).map(([name, tensor]) => [
    name,
    { type: tensor.type, shape: tensor.shape, data: toNumbers(tensor).map(finite) },
  ]);
  return { input, ms, task: answer.task, outputs: Object.fromEntries(outputs) };
}

/** JSON has no NaN and no infinity. */
const finite = (value: number) => (Number.isFinite(value) ? value : String(value));
