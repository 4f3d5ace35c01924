/** Operators that XNNPACK computes on int8 itself. Each rule returns false where its kernels would not give the result. */

import type { Attribute, Node, Value } from '../graph.ts';
import { numberOf, numbersOf, stringOf } from '../lower/attributes.ts';
import type { Absorption, Form } from './absorption.ts';
import type { Scale } from './scale.ts';
import { centredBias, centredWeights, oneScale, productScales } from './weights.ts';

interface Wanted {
  readonly scale: Scale;
  readonly name: string;
}
type Rule = (state: Absorption, node: Node, wanted: Wanted) => readonly string[] | Node | false;

/** @returns whether the node is in the new graph with an int8 output */
export function absorbOperator(state: Absorption, node: Node): boolean {
  const rule = RULES[node.op];
  const [output = ''] = node.outputs;
  const wanted = rule && node.outputs.length === 1 ? state.wanted(output) : undefined;
  const absorbed = rule && wanted ? rule(state, node, wanted) : false;
  if (!wanted || !absorbed) return false;
  const stored = state.declare(wanted.name, state.shape(output), wanted.scale);
  state.nodes.push(
    'op' in absorbed ? { ...absorbed, outputs: [stored] } : { ...node, inputs: absorbed, outputs: [stored] },
  );
  state.noteQuantised(output, wanted.scale, stored);
  return true;
}

const RULES: Readonly<Record<string, Rule>> = {
  Conv: (state, node, wanted) => weighted(state, node, wanted, 0),
  ConvTranspose: (state, node, wanted) =>
    numberOf(node, 'group', 1) === 1 && weighted(state, node, wanted, 1),
  Gemm: (state, node, wanted) => {
    const plain =
      numberOf(node, 'alpha', 1) === 1 &&
      numberOf(node, 'beta', 1) === 1 &&
      numberOf(node, 'transA', 0) === 0;
    return plain && weighted(state, node, wanted, numberOf(node, 'transB', 0) === 1 ? 0 : 1);
  },
  MatMul: (state, node, wanted) =>
    state.shape(node.inputs[1]!).length === 2 && weighted(state, node, wanted, 1),
  Add: (state, node, wanted) => elementwise(state, node, wanted, isAddable),
  Sub: (state, node, wanted) => elementwise(state, node, wanted, isAddable),
  Mul: (state, node, wanted) => elementwise(state, node, wanted, isMultipliable),
  GlobalAveragePool: mean,
  ReduceMean: mean,
  AveragePool: averagePool,
  Resize: resizeLinear,
};

/** From steps of input · weight to steps of the output, XNNPACK takes 2^-32 ≤ factor < 256. */
const FINEST_FACTOR = 2 ** -32;

/** @param outputAxis of the weights */
function weighted(
  state: Absorption,
  node: Node,
  wanted: Wanted,
  outputAxis: number,
): readonly string[] | false {
  const [input = '', weightName = '', biasName = ''] = node.inputs;
  const form = state.plainForm(input);
  const given = state.quantisedConstant(weightName);
  const least = form ? (FINEST_FACTOR * wanted.scale.scale) / form.scale.scale : 0;
  const weights = form && given && centredWeights(given.value, given.quantizer, outputAxis, least);
  if (!form || !weights?.quantization) return false;
  const factors = productScales(form.scale.scale, weights.quantization).map(
    (step) => step / wanted.scale.scale,
  );
  if (factors.some((factor) => !(factor < 256 && factor >= FINEST_FACTOR))) return false;
  const inputs = [form.stored, state.constant({ ...weights, name: `${weightName} in int8` })];
  if (biasName !== '') {
    const bias = biasOf(state, biasName, form, weights);
    if (!bias) return false;
    inputs.push(state.constant(bias));
  }
  return inputs;
}

function biasOf(state: Absorption, name: string, form: Form, weights: Value): Value | undefined {
  const reals = state.constantReals(name);
  const channels = weights.quantization!.scale.length;
  if (!reals || state.shape(name).length > 1 || (channels > 1 && reals.length !== channels)) return undefined;
  // Two nodes may share a bias that their inputs scale in different ways.
  const as = `${name} in steps of ${form.stored}`;
  return centredBias(as, state.quantisedConstant(name) ?? { reals }, form.scale.scale, weights.quantization!);
}

type FitsScales = (a: Scale, b: Scale, output: Scale) => boolean;
const within = (ratio: number, low: number, high: number) => ratio >= 2 ** low && ratio < 2 ** high;
/** XNNPACK's limits for its fixed-point arithmetic. */
const isAddable: FitsScales = (a, b, output) =>
  [a, b].every(({ scale }) => within(scale / output.scale, -10, 8));
const isMultipliable: FitsScales = (a, b, output) => within((a.scale * b.scale) / output.scale, -16, 8);

/**
 * Inputs that are functions of a quantised number (SiLU without a scale of its own) are added in float32, as the model
 * says: rounding them to 8 bits first cost YOLOX-nano most of its agreement with ONNX Runtime and won 3 % of time.
 */
function elementwise(
  state: Absorption,
  node: Node,
  wanted: Wanted,
  fits: FitsScales,
): readonly string[] | false {
  const forms = node.inputs.map((name) => state.plainForm(name));
  const scales = node.inputs.map((name, at) => forms[at]?.scale ?? constantScale(state, name));
  const [a, b] = scales;
  if (!a || !b || !forms.some((form) => form) || !fits(a, b, wanted.scale)) return false;
  return node.inputs.map(
    (name, at) => forms[at]?.stored ?? state.quantised(name, scales[at]!, `${name} in int8`, node.name),
  );
}

/** A constant that is quantised in the model keeps its own scale. */
function constantScale(state: Absorption, name: string): Scale | undefined {
  const quantizer = state.quantisedConstant(name)?.quantizer;
  if (!quantizer || quantizer.axis !== undefined || quantizer.type === 'int32') return undefined;
  const shift = quantizer.type === 'uint8' ? 128 : 0;
  return { scale: quantizer.scales[0]!, zeroPoint: quantizer.zeroPoints[0]! - shift };
}

function mean(state: Absorption, node: Node, wanted: Wanted): readonly string[] | false {
  const form = state.plainForm(node.inputs[0] ?? '');
  return form && within(form.scale.scale / wanted.scale.scale, -8, 8)
    ? [form.stored, ...node.inputs.slice(1)]
    : false;
}

/** The mean over a window is a convolution with the weight 1, of which the scale is one over the window's size. */
function averagePool(state: Absorption, node: Node, wanted: Wanted): Node | false {
  const form = state.plainForm(node.inputs[0] ?? '');
  const kernel = numbersOf(node, 'kernel_shape');
  const pads = numbersOf(node, 'pads') ?? [];
  const counted = numberOf(node, 'count_include_pad', 0) === 1 || pads.every((pad) => pad === 0);
  const explicit = stringOf(node, 'auto_pad', 'NOTSET') === 'NOTSET' && numberOf(node, 'ceil_mode', 0) === 0;
  if (!form || kernel?.length !== 2 || !counted || !explicit) return false;
  const channels = state.shape(node.inputs[0]!)[1]!;
  const area = kernel[0]! * kernel[1]!;
  if (!within(form.scale.scale / area / wanted.scale.scale, -32, 8)) return false;
  const weights = state.constant({
    name: `window of ${node.name}`,
    type: 'int8',
    shape: [channels, 1, ...kernel],
    data: new Uint8Array(channels * area).fill(1),
    quantization: oneScale(Math.fround(1 / area)),
  });
  const attributes = new Map<string, Attribute>([['group', channels]]);
  for (const key of ['kernel_shape', 'pads', 'strides', 'dilations']) {
    const value = node.attributes.get(key);
    if (value !== undefined) attributes.set(key, value);
  }
  return { ...node, op: 'Conv', inputs: [form.stored, weights], attributes };
}

/** Interpolation gives a number in between, which only the same scale holds without a second rounding. */
function resizeLinear(state: Absorption, node: Node, wanted: Wanted): readonly string[] | false {
  const form = state.plainForm(node.inputs[0] ?? '');
  const same =
    form && form.scale.scale === wanted.scale.scale && form.scale.zeroPoint === wanted.scale.zeroPoint;
  return same && stringOf(node, 'mode', 'nearest') === 'linear'
    ? [form.stored, ...node.inputs.slice(1)]
    : false;
}
