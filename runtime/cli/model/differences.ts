/** What to compare a plan and its model on, and how far apart they were, as text. */

import { loadManifest } from '../../../ota/bundle/read-manifest.ts';
import type { VerifyReport } from '../../../ota/model/verify.ts';
import { ModelError } from '../../core/errors.ts';
import type { TensorInfo, Tensors } from '../../pipeline/inference/session.ts';
import { findManifest } from './find-manifest.ts';
import { readFeeds } from './inputs.ts';
import type { NamedShapes } from './shapes.ts';
import { table } from './table.ts';

type Ranges = Readonly<Record<string, readonly [low: number, high: number]>>;

/** One set of inputs per file, or per row of a CSV file; all files are one set where the model has several inputs. */
export function goldenInputs(
  files: readonly string[],
  infos: readonly TensorInfo[],
  shapes: NamedShapes,
): Tensors[] {
  const sets = infos.length === 1 ? files.map((file) => [file]) : [files];
  return sets.flatMap((set) => readFeeds(set, infos, shapes)).map(({ inputs }) => inputs);
}

/** What the pixels of a picture come to, where a manifest, named or beside the model, says how they are prepared. */
export function pictureRanges(model: string, named: string | undefined): Ranges {
  const manifest = (named === undefined ? findManifest(model) : loadManifest(named))?.manifest;
  if (!manifest || manifest.task === 'anomaly') return {};
  const { mean, divisor } = manifest.preprocessing;
  const edges = mean.flatMap((one, channel) => [0, 255].map((pixel) => (pixel - one) / divisor[channel]!));
  return { [manifest.inputs[0]!.name]: [Math.min(...edges), Math.max(...edges)] };
}

export function differencesText({ outputs, samples, quantised }: VerifyReport): string {
  const short = (value: number) => String(Number(value.toPrecision(3)));
  const rows = outputs.map(({ name, elements, worstAbsolute, worstRelative, steps, passed, reason }) => [
    name,
    elements,
    short(worstAbsolute),
    short(worstRelative),
    ...(quantised ? [stepsText(steps?.counts)] : []),
    passed ? 'same' : `DIFFERS: ${reason ?? ''}`,
  ]);
  const head = [
    'output',
    'elements',
    'worst error',
    'relative',
    ...(quantised ? ['within one step'] : []),
    '',
  ];
  const sets = `${samples} ${samples === 1 ? 'set' : 'sets'} of inputs`;
  return `Against ONNX Runtime, on ${sets}:\n${table(head, rows)}`;
}

function stepsText(counts: readonly number[] | undefined): string {
  if (!counts) return '-';
  const all = counts.reduce((sum, count) => sum + count, 0);
  return `${((100 * (counts[0]! + counts[1]!)) / Math.max(all, 1)).toFixed(1)} %`;
}

/** @throws ModelError `plan-differs` when the plan does not answer as its model does. */
export function assertSame(plan: string, report: VerifyReport, consequence: string): void {
  if (report.passed) return;
  const wrong = report.outputs
    .filter(({ passed }) => !passed)
    .map(({ name, reason }) => `'${name}': ${reason}`);
  throw new ModelError(
    'plan-differs',
    `${plan} does not answer as ONNX Runtime does: ${wrong.join('; ')}${consequence}`,
    {
      facts: { outputs: report.outputs },
    },
  );
}
