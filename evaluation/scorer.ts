/** How the benchmark scores binary predictions: outliers by counts, changepoints by the NAB profile "standard". */

/** Counts of rows; sums over files are counts again. */
export interface Confusion {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

export interface OutlierScore {
  /** tp / (tp + (fp + fn) / 2). */
  readonly f1: number;
  /** False alarm rate in percent: fp / (fp + tn). */
  readonly far: number;
  /** Missed alarm rate in percent: fn / (fn + tp). */
  readonly mar: number;
}

export interface NabCounts {
  readonly score: number;
  readonly changepoints: number;
}

const WINDOW_MS = 60_000;
const WEIGHT_TP = 1;
const WEIGHT_FP = -0.11;
const WEIGHT_FN = -1;
/** The scoring curve is a table of this many points, as the benchmark has it. */
const CURVE_POINTS = 1000;

export const NOTHING: Confusion = { tp: 0, fp: 0, fn: 0, tn: 0 };

/** @param truth @param predicted 1 for anomalous; both of the scored rows alone. */
export function confusion(truth: Uint8Array, predicted: Uint8Array): Confusion {
  let [tp, fp, fn, tn] = [0, 0, 0, 0];
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] === 1) predicted[i] === 1 ? tp++ : fn++;
    else predicted[i] === 1 ? fp++ : tn++;
  }
  return { tp, fp, fn, tn };
}

export function addCounts(a: Confusion, b: Confusion): Confusion {
  return { tp: a.tp + b.tp, fp: a.fp + b.fp, fn: a.fn + b.fn, tn: a.tn + b.tn };
}

/** Rates without any row to be wrong about are 0. */
export function outlierScore({ tp, fp, fn, tn }: Confusion): OutlierScore {
  const rate = (part: number, whole: number) => (whole > 0 ? part / whole : 0);
  return { f1: rate(tp, tp + (fp + fn) / 2), far: 100 * rate(fp, fp + tn), mar: 100 * rate(fn, fn + tp) };
}

/** A changepoint is where the prediction changes; the first row is one when it is predicted anomalous. */
export function changesOf(predicted: Uint8Array): Uint8Array {
  return predicted.map((value, i) => (value !== (i === 0 ? 0 : predicted[i - 1]) ? 1 : 0));
}

/**
 * Each true changepoint opens a window of 60 s to its right; a window that begins before the one before it has
 * ended begins at that end. The first predicted changepoint in a window earns 1 at the window's left edge, falling
 * along a tanh to -0.11 at its right; an empty window costs 1, a prediction outside all windows 0.11.
 * @param mono stamps of the rows in milliseconds, in order.
 */
export function nabCounts(truth: Uint8Array, predicted: Uint8Array, mono: Float64Array): NabCounts {
  const windows = windowsOf(truth, mono);
  let score = 0;
  for (const [left, right] of windows) {
    const first = mono.find((time, i) => predicted[i] === 1 && time >= left && time <= right);
    score += first === undefined ? WEIGHT_FN : earned(first, left, right);
  }
  for (let i = 0; i < mono.length; i++) {
    const outside = windows.every(([left, right]) => mono[i]! < left || mono[i]! > right);
    if (predicted[i] === 1 && outside) score += WEIGHT_FP;
  }
  return { score, changepoints: windows.length };
}

/** 0 for a detector that never fires, 100 for a perfect one. NaN without changepoints. */
export function nabScore({ score, changepoints }: NabCounts): number {
  const none = WEIGHT_FN * changepoints;
  return (100 * (score - none)) / (WEIGHT_TP * changepoints - none);
}

function windowsOf(truth: Uint8Array, mono: Float64Array): [number, number][] {
  const windows: [number, number][] = [];
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] !== 1) continue;
    const end = windows.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY;
    windows.push([Math.max(mono[i]!, end), mono[i]! + WINDOW_MS]);
  }
  return windows;
}

function earned(at: number, left: number, right: number): number {
  const step = Math.min(CURVE_POINTS - 1, Math.trunc(((at - left) / (right - left)) * CURVE_POINTS));
  const x = -Math.PI / 2 + (Math.PI * step) / (CURVE_POINTS - 1);
  const half = (WEIGHT_TP - WEIGHT_FP) / 2;
  return (half * -Math.tanh(x)) / Math.tanh(Math.PI / 2) + half + WEIGHT_FP;
}
