/** Gemm and MatMul. */

import type { Node, Value } from '../../graph.ts';
import { numberOf, numbersIn } from '../attributes.ts';
import { absorbBounds } from '../bounds.ts';
import { aligned, Composition } from '../elementwise.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { elements, type Order, onnxOrder, storedShape, withLast } from '../order.ts';

const FLAT: Order = [0, 1];

export function gemm(node: Node, lowering: Lowering): void {
  const [a, b] = node.inputs as [string, string];
  const [output] = node.outputs as [string];
  const alpha = numberOf(node, 'alpha', 1);
  const beta = numberOf(node, 'beta', 1);
  const transB = numberOf(node, 'transB', 0) !== 0;
  const transA = numberOf(node, 'transA', 0) !== 0;
  const weights = lowering.constant(b);
  const c = lowering.optional(node, 2);
  const bias = c === undefined ? undefined : biasRow(lowering, c, lowering.shape(output)[1]!, beta);
  const addedLater = c !== undefined && bias === undefined;
  const value = lowering.value(output);
  if (!weights) {
    const product = product2d(lowering, a, b, { transA, transB }, value);
    finishGemm(lowering, product, { alpha, beta, c, output });
    return;
  }
  const scaled = scaledWeights(weights, alpha);
  const { id: source, order: columns } = transA ? plainRows(lowering, a, [1, 0]) : flattened(lowering, a);
  const filter = arrangedWeights(lowering, scaled, transB, columns);
  const inputs = [source, filter, ...(bias === undefined ? [] : [bias])];
  if (addedLater) {
    const product = lowering.temporary(value.shape, value);
    lowering.emit({ op: 'fullyConnected', transposeWeights: false, inputs, outputs: [product] });
    finishGemm(lowering, product, { alpha: 1, beta, c, output });
    return;
  }
  const { name, bounds } = absorbBounds(lowering, output);
  const outputs = [lowering.output(name, FLAT)];
  lowering.emit({ op: 'fullyConnected', transposeWeights: false, ...bounds, inputs, outputs });
}

interface Rest {
  readonly alpha: number;
  readonly beta: number;
  readonly c: string | undefined;
  readonly output: string;
}

/** alpha · product + beta · c, as far as it is not done yet. */
function finishGemm(lowering: Lowering, product: number, { alpha, beta, c, output }: Rest): void {
  const steps = new Composition(lowering, output, FLAT);
  let id = product;
  if (alpha !== 1) id = steps.binary('multiply', id, { number: alpha });
  if (c !== undefined) {
    let added = aligned(lowering, c, FLAT);
    if (beta !== 1) {
      const scaled = lowering.temporary(lowering.builder.values[added]!.dims, lowering.value(output));
      const factor = lowering.floats([1], [beta]);
      lowering.emit({ op: 'binary', kind: 'multiply', inputs: [added, factor], outputs: [scaled] });
      added = scaled;
    }
    id = steps.binary('add', id, added);
  }
  lowering.place(output, { id, order: FLAT });
}

/** A constant that is the same for every row, as the bias of a fully connected layer. */
function biasRow(lowering: Lowering, name: string, columns: number, beta: number): number | undefined {
  const value = lowering.constant(name);
  if (!value) return undefined;
  const size = elements(value.shape);
  if (size !== (value.shape.at(-1) ?? 1) || (size !== columns && size !== 1)) return undefined;
  if (value.quantization) {
    if (beta !== 1 || size !== columns) refuse('its quantised bias is scaled or broadcast');
    return lowering.arrangedConstant(value, onnxOrder(value.shape.length), [columns]);
  }
  const numbers = numbersIn(value).map((number) => number * beta);
  return lowering.floats(
    [columns],
    size === columns ? numbers : new Array<number>(columns).fill(numbers[0]!),
  );
}

function scaledWeights(weights: Value, alpha: number): Value {
  if (alpha === 1) return weights;
  if (weights.type !== 'float32') return refuse('its quantised weights are scaled by alpha');
  const data = Float32Array.from(numbersIn(weights), (number) => number * alpha);
  return { ...weights, data: new Uint8Array(data.buffer) };
}

interface Rows {
  readonly id: number;
  /** How the columns come from axes that a reshape merged: sizes, and the order in which they lie. */
  readonly order?: { readonly shape: readonly number[]; readonly order: Order };
}

function plainRows(lowering: Lowering, name: string, order: Order): Rows {
  return { id: lowering.arranged(name, order) };
}

/** A picture flattened for this layer need not be transposed: the weights are. */
function flattened(lowering: Lowering, name: string): Rows {
  const before = lowering.producer(name);
  if (!before || !lowering.isDeferred(name) || !['Flatten', 'Reshape'].includes(before.op)) {
    return plainRows(lowering, name, FLAT);
  }
  const [picture] = before.inputs as [string];
  const shape = lowering.shape(picture);
  const [rows, columns] = lowering.shape(name) as [number, number];
  if (lowering.constant(picture) || shape[0] !== rows) return plainRows(lowering, name, FLAT);
  const { id, order } = lowering.placed(picture);
  if (order[0] !== 0) return plainRows(lowering, name, FLAT);
  const flat = lowering.reshaped(id, [rows, columns], lowering.value(name));
  return { id: flat, order: { shape: shape.slice(1), order: order.slice(1).map((axis) => axis - 1) } };
}

/** [O, I] with the columns where the rows of the input have them. */
function arrangedWeights(
  lowering: Lowering,
  weights: Value,
  transB: boolean,
  columns: Rows['order'],
): number {
  const [rows, cols] = weights.shape as [number, number];
  const outputs = transB ? rows : cols;
  const inputs = transB ? cols : rows;
  const shape = columns?.shape ?? [inputs];
  const order = columns?.order ?? [0];
  // The weights with their input axis split as the picture's axes are.
  const split: Value = {
    ...weights,
    shape: transB ? [outputs, ...shape] : [...shape, outputs],
    ...(weights.quantization?.axis !== undefined && {
      quantization: { ...weights.quantization, axis: outputAxis(weights, transB, shape.length) },
    }),
  };
  const to = transB ? [0, ...order.map((axis) => axis + 1)] : [shape.length, ...order];
  return lowering.arrangedConstant(split, to, [outputs, inputs]);
}

function outputAxis({ quantization }: Value, transB: boolean, inputRank: number): number {
  const own = transB ? 0 : 1;
  if (quantization?.axis !== own) refuse('its weights have a scale per input channel');
  return transB ? 0 : inputRank;
}

function product2d(
  lowering: Lowering,
  a: string,
  b: string,
  { transA, transB }: { transA: boolean; transB: boolean },
  value: Value,
): number {
  const inputs = [lowering.arranged(a, transA ? [1, 0] : FLAT), lowering.arranged(b, FLAT)];
  const product = lowering.temporary(value.shape, value);
  lowering.emit({ op: 'batchMatMul', transposeB: transB, inputs, outputs: [product] });
  return product;
}

export function matMul(node: Node, lowering: Lowering): void {
  const [a, b] = node.inputs as [string, string];
  const weights = lowering.constant(b);
  if (weights && weights.shape.length === 2 && lowering.shape(a).length >= 2) {
    byWeights(lowering, a, weights, node.outputs[0]!);
    return;
  }
  const value = lowering.value(node.outputs[0]!);
  const rank = Math.max(2, lowering.shape(a).length, lowering.shape(b).length);
  const first = leftSide(lowering, a, rank);
  const { id: second, transposeB } = rightSide(lowering, b, rank);
  const dims = [...value.shape];
  if (lowering.shape(a).length === 1) dims.splice(lowering.shape(b).length === 1 ? dims.length : -1, 0, 1);
  if (lowering.shape(b).length === 1) dims.push(1);
  const product = lowering.temporary(dims, value);
  lowering.emit({ op: 'batchMatMul', transposeB, inputs: [first, second], outputs: [product] });
  const order = onnxOrder(value.shape.length);
  lowering.place(node.outputs[0]!, { id: lowering.reshaped(product, value.shape, value), order });
}

function leftSide(lowering: Lowering, a: string, rank: number): number {
  const shape = lowering.shape(a);
  const id = lowering.arranged(a, onnxOrder(shape.length));
  return ofRank(lowering, a, id, shape.length === 1 ? [1, ...shape] : shape, rank);
}

/** The right factor; where its last two axes lie swapped, XNNPACK reads them so. */
function rightSide(lowering: Lowering, b: string, rank: number): { id: number; transposeB: boolean } {
  const shape = lowering.shape(b);
  const plain = onnxOrder(shape.length);
  if (shape.length === 1) {
    return { id: ofRank(lowering, b, lowering.arranged(b, plain), [...shape, 1], rank), transposeB: false };
  }
  const swapped = [...plain.slice(0, -2), plain.at(-1)!, plain.at(-2)!];
  const transposeB = lowering.order(b).join() === swapped.join();
  const order = transposeB ? swapped : plain;
  return {
    id: ofRank(lowering, b, lowering.arranged(b, order), storedShape(shape, order), rank),
    transposeB,
  };
}

/** XNNPACK multiplies factors of one rank: what lacks dimensions gets leading ones. */
function ofRank(
  lowering: Lowering,
  name: string,
  id: number,
  shape: readonly number[],
  rank: number,
): number {
  const missing = rank - shape.length;
  if (missing === 0 && shape.length === lowering.shape(name).length) return id;
  return lowering.reshaped(id, [...new Array<number>(missing).fill(1), ...shape], lowering.value(name));
}

/** A constant right factor is a fully connected layer, with the Add behind it as its bias. */
function byWeights(lowering: Lowering, a: string, weights: Value, product: string): void {
  const rank = lowering.shape(a).length;
  const order = withLast(lowering.order(a), rank - 1);
  const source = lowering.arranged(a, order);
  const filter = arrangedWeights(lowering, weights, false, undefined);
  const { bias, output } = biasBehind(lowering, product, weights);
  const { name, bounds } = absorbBounds(lowering, output);
  const inputs = [source, filter, ...bias];
  const id = lowering.temporary(storedShape(lowering.shape(name), order), lowering.value(name), order);
  lowering.emit({ op: 'fullyConnected', transposeWeights: false, ...bounds, inputs, outputs: [id] });
  lowering.place(name, { id, order });
}

function biasBehind(lowering: Lowering, product: string, weights: Value): { bias: number[]; output: string } {
  const add = lowering.soleConsumer(product);
  const none = { bias: [], output: product };
  if (add?.op !== 'Add' || weights.quantization) return none;
  const other = add.inputs.find((name) => name !== product);
  const constant = other === undefined ? undefined : lowering.constant(other);
  const columns = weights.shape[1]!;
  if (!constant || elements(constant.shape) !== columns || constant.shape.at(-1) !== columns) return none;
  if (lowering.shape(add.outputs[0]!).length !== lowering.shape(product).length) return none;
  lowering.noteFusion(add);
  const bias = lowering.arrangedConstant(constant, onnxOrder(constant.shape.length), [columns]);
  return { bias: [bias], output: add.outputs[0]! };
}
