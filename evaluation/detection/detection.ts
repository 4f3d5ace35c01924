/** How well a detector finds what is annotated, and how long it takes. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePicture, type Frame } from '../../runtime/addon/vision.ts';
import { InputError } from '../../runtime/core/errors.ts';
import type { Detection } from '../../runtime/pipeline/detection/detector.ts';
import { type AnnotatedPicture, readAnnotations } from './annotations.ts';
import { atThreshold, cocoMean, cocoPrecision, type Judged } from './average-precision.ts';

export interface DetectionScore {
  readonly label: string;
  readonly boxes: number;
  /** COCO's, overlap 0.5; the mean over 0.5, 0.55 … 0.95. */
  readonly ap50: number;
  readonly ap50to95: number;
  /** At the threshold and an overlap of 0.5; null where nothing was found. */
  readonly precision: number | null;
  readonly recall: number;
}

export interface DetectionEvaluation {
  readonly pictures: number;
  readonly threshold: number;
  readonly labels: readonly DetectionScore[];
  /** Means over the labels. */
  readonly ap50: number;
  readonly ap50to95: number;
  /** Of one picture, decoded to boxes. */
  readonly ms: { readonly p50: number; readonly p95: number; readonly mean: number };
}

export interface DetectionEvaluationOptions {
  readonly images: string;
  readonly annotations: string;
  /** Only these; left out: all that are annotated and that the model knows. */
  readonly labels?: readonly string[];
  readonly known: readonly string[];
  readonly threshold: number;
  /** Must let doubtful boxes through: average precision wants them. */
  detect(frame: Frame): Promise<readonly Detection[]>;
}

/** Boxes below this score are not asked for: they change average precision by less than it is rounded to. */
export const LEAST_SCORE = 0.01;

/** @throws InputError `annotations-invalid`, `picture-missing`, `bad-picture`, `label-unknown` */
export async function evaluateDetection(options: DetectionEvaluationOptions): Promise<DetectionEvaluation> {
  const pictures = readAnnotations(options.annotations);
  const labels = labelsOf(pictures, options);
  const judged = new Map<string, Judged[]>(labels.map((label) => [label, []]));
  const times: number[] = [];
  for (const { file, boxes } of pictures) {
    const frame: Frame = { format: 'rgb', ...decodePicture(readPicture(join(options.images, file))) };
    const began = performance.now();
    const found = await options.detect(frame);
    times.push(performance.now() - began);
    for (const [label, list] of judged) {
      list.push({ truth: boxes.get(label) ?? [], found: found.filter((one) => one.label === label) });
    }
  }
  const scores = [...judged].map(([label, list]) => scoreOf(label, list, options.threshold));
  return {
    pictures: pictures.length,
    threshold: options.threshold,
    labels: scores,
    ap50: mean(scores.map(({ ap50 }) => ap50)),
    ap50to95: mean(scores.map(({ ap50to95 }) => ap50to95)),
    ms: timesOf(times),
  };
}

function labelsOf(
  pictures: readonly AnnotatedPicture[],
  { labels, known, annotations }: DetectionEvaluationOptions,
): readonly string[] {
  const there = new Set(
    pictures.flatMap(({ boxes }) => [...boxes].filter(([, of]) => of.length > 0).map(([label]) => label)),
  );
  const wanted = labels ?? [...there].filter((label) => known.includes(label)).sort();
  const missing = wanted.find((label) => !there.has(label) || !known.includes(label));
  if (missing === undefined && wanted.length > 0) return wanted;
  const why = missing === undefined ? 'no label is' : `'${missing}' is not`;
  throw new InputError(
    'label-unknown',
    `${why} both in ${annotations} (${[...there].join(', ') || 'none'}) and among the model's labels`,
  );
}

function scoreOf(label: string, judged: readonly Judged[], threshold: number): DetectionScore {
  const { precision, recall } = atThreshold(judged, threshold);
  return {
    label,
    boxes: judged.reduce((sum, { truth }) => sum + truth.length, 0),
    ap50: rounded(cocoPrecision(judged, 0.5)),
    ap50to95: rounded(cocoMean(judged)),
    precision: Number.isNaN(precision) ? null : rounded(precision),
    recall: rounded(recall),
  };
}

function readPicture(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InputError('picture-missing', `the annotated picture ${path} cannot be read`, { cause });
  }
}

function timesOf(times: readonly number[]): DetectionEvaluation['ms'] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => rounded(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), mean: mean(sorted) };
}

const mean = (values: readonly number[]) =>
  rounded(values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1));
const rounded = (value: number) => Number(value.toFixed(4));
