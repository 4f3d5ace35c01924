/** Functions of one number, computed in float32 as ONNX Runtime does: with 256 inputs they are tables. */

import type { Node } from '../graph.ts';
import { numberOf, stringOf } from '../lower/attributes.ts';

export type RealFunction = (x: number) => number;
type Make = (node: Node, constants: readonly (number | undefined)[]) => RealFunction;

/** @param constants the inputs after the first, where they are given */
export function unaryFunction(
  node: Node,
  constants: readonly (number | undefined)[],
): RealFunction | undefined {
  if (node.domain !== '') return undefined;
  const make = UNARY[node.op];
  if (!make) return undefined;
  const f = make(node, constants);
  return (x) => Math.fround(f(x));
}

export function binaryFunction(node: Node): ((a: number, b: number) => number) | undefined {
  const f = node.domain === '' ? BINARY[node.op] : undefined;
  return f && ((a, b) => Math.fround(f(a, b)));
}

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Min: (a, b) => Math.min(a, b),
  Max: (a, b) => Math.max(a, b),
  Pow: (a, b) => a ** b,
  PRelu: (a, b) => (a < 0 ? a * b : a),
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const plain =
  (f: RealFunction): Make =>
  () =>
    f;

const UNARY: Readonly<Record<string, Make>> = {
  Abs: plain(Math.abs),
  Ceil: plain(Math.ceil),
  Clip: (node, [low, high]) => {
    const from = low ?? numberOf(node, 'min', Number.NEGATIVE_INFINITY);
    const to = high ?? numberOf(node, 'max', Number.POSITIVE_INFINITY);
    return (x) => clamp(x, from, to);
  },
  Elu: (node) => {
    const alpha = numberOf(node, 'alpha', 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  },
  Erf: plain(erf),
  Exp: plain(Math.exp),
  Floor: plain(Math.floor),
  Gelu: (node) => (stringOf(node, 'approximate', 'none') === 'tanh' ? geluOfTanh : gelu),
  HardSigmoid: (node) => {
    const alpha = numberOf(node, 'alpha', 0.2);
    const beta = numberOf(node, 'beta', 0.5);
    return (x) => clamp(alpha * x + beta, 0, 1);
  },
  HardSwish: plain((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  LeakyRelu: (node) => {
    const alpha = numberOf(node, 'alpha', 0.01);
    return (x) => (x < 0 ? alpha * x : x);
  },
  Log: plain(Math.log),
  Mish: plain((x) => x * Math.tanh(softplus(x))),
  Neg: plain((x) => -x),
  Reciprocal: plain((x) => 1 / x),
  Relu: plain((x) => Math.max(x, 0)),
  Sigmoid: plain(sigmoid),
  Softplus: plain(softplus),
  Softsign: plain((x) => x / (1 + Math.abs(x))),
  Sqrt: plain(Math.sqrt),
  Tanh: plain(Math.tanh),
};

function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

function geluOfTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** By its Taylor series, which float64 carries to 1e-9 as far as it differs from 1 in float32. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
