/** How far one backend's output is from another's, and whether that is near enough. */

import type { Tensor } from '../../runtime/pipeline/inference/session.ts';

export interface Tolerance {
  /** Near is |actual - expected| <= absolute + relative · |expected|. */
  readonly absolute: number;
  readonly relative: number;
}

/** Of the tests that ONNX gives its backends. */
export const ONNX_TOLERANCE: Tolerance = { absolute: 1e-7, relative: 1e-3 };

/** Of outputs that stand for quantised values. */
export interface StepTolerance {
  /** What one step of the output's quantisation is worth; 1 for outputs of whole numbers. */
  readonly step: number;
  /** The least share of elements that must be at most one step away. */
  readonly withinOneStep: number;
}

export interface StepReport {
  readonly step: number;
  /** Elements that are 0, 1, 2 and more steps away, rounded. */
  readonly counts: readonly [same: number, one: number, two: number, more: number];
  readonly worst: number;
}

export interface Comparison {
  readonly elements: number;
  readonly worstAbsolute: number;
  /** |actual - expected| / |expected|, where |expected| is above the absolute tolerance. */
  readonly worstRelative: number;
  /** Row-major index of the worst element, by the absolute error; -1 without elements. */
  readonly worstAt: number;
  readonly steps?: StepReport;
  readonly passed: boolean;
  /** Why it did not pass. */
  readonly reason?: string;
}

/** Elements of different types or shapes never pass. Equal infinities and NaN in both are no error. */
export function compareTensors(
  expected: Tensor,
  actual: Tensor,
  tolerance: Tolerance,
  steps?: StepTolerance,
): Comparison {
  const sides = [expected, actual].map(({ type, shape }) => `${type}[${shape}]`);
  if (sides[0] !== sides[1] || expected.data.length !== actual.data.length) {
    return { ...NOTHING, passed: false, reason: `it is ${sides[1]} where ${sides[0]} was expected` };
  }
  const whole = !expected.type.startsWith('float');
  const near = whole ? { absolute: 0, relative: 0 } : tolerance;
  const errors = measure(numbersOf(expected), numbersOf(actual), near, steps?.step);
  const { outside, counts, worstSteps, ...worst } = errors;
  const elements = expected.data.length;
  const result = { elements, ...worst };
  if (!steps) {
    const reason = `${outside} of ${elements} elements are further away than ${near.absolute} + ${near.relative}·|expected|`;
    return { ...result, passed: outside === 0, ...(outside > 0 && { reason }) };
  }
  const share = elements === 0 ? 1 : (counts[0] + counts[1]) / elements;
  const passed = share >= steps.withinOneStep;
  const reason = `${percent(share)} of the elements are within one step of ${steps.step}; at least ${percent(steps.withinOneStep)} must be`;
  return {
    ...result,
    steps: { step: steps.step, counts, worst: worstSteps },
    passed,
    ...(!passed && { reason }),
  };
}

const NOTHING = { elements: 0, worstAbsolute: Number.POSITIVE_INFINITY, worstRelative: 0, worstAt: -1 };
const HALF_EXPONENT = 0x7c00;

function measure(expected: ArrayLike<number>, actual: ArrayLike<number>, near: Tolerance, step = Number.NaN) {
  const counts: [number, number, number, number] = [0, 0, 0, 0];
  let [outside, worstAbsolute, worstRelative, worstAt] = [0, 0, 0, expected.length > 0 ? 0 : -1];
  for (let at = 0; at < expected.length; at++) {
    const wanted = expected[at]!;
    const error = distance(wanted, actual[at]!);
    if (error > worstAbsolute) [worstAbsolute, worstAt] = [error, at];
    const size = Math.abs(wanted);
    if (size > near.absolute && error > 0) worstRelative = Math.max(worstRelative, error / size);
    if (error === Number.POSITIVE_INFINITY || error > near.absolute + near.relative * size) outside++;
    const away = Math.round(error / step);
    counts[away < 2 ? (away as 0 | 1) : away === 2 ? 2 : 3]++;
  }
  return { outside, worstAbsolute, worstRelative, worstAt, counts, worstSteps: worstAbsolute / step };
}

function distance(expected: number, actual: number): number {
  if (expected === actual || (Number.isNaN(expected) && Number.isNaN(actual))) return 0;
  const error = Math.abs(expected - actual);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/** int64 beyond 2^53 are rounded: both sides alike. */
function numbersOf({ type, data }: Tensor): ArrayLike<number> {
  if (type === 'float16') return Float64Array.from(data as Uint16Array, fromHalf);
  return data instanceof BigInt64Array || data instanceof BigUint64Array
    ? Float64Array.from(data, Number)
    : data;
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits & HALF_EXPONENT) >> 10;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
