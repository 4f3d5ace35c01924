/** What an ONNX graph does with the trees' sum, as a scaling inside the ensemble and a function outside of it. */

import { ModelError } from '../core/errors.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './onnx-proto.ts';

export interface Postprocessing {
  /** Applied to the trees' sum before any power: keeps the score additive. */
  readonly scale: number;
  readonly base: number;
  output(score: number): number;
}

const FLOAT = 1;
const DOUBLE = 11;

/** @throws ModelError `unsupported-model` naming the node. */
export function readPostprocessing(graph: OnnxGraph, trees: OnnxNode): Postprocessing {
  const constants = readConstants(graph);
  const chain = new Chain();
  let current = trees.output[0] ?? '';
  const left = graph.node.filter((node) => node !== trees && node.opType !== 'Constant');
  while (left.length > 0) {
    const at = left.findIndex((node) => node.input.includes(current));
    const node = left[at];
    if (!node) throw refusal(left[0]!, 'does not follow the trees');
    left.splice(at, 1);
    chain.apply(node, current, constants);
    current = node.output[0] ?? '';
  }
  if (graph.output.length !== 1 || graph.output[0]?.name !== current) {
    const names = graph.output.map((output) => output.name).join(', ');
    throw new ModelError(
      'unsupported-model',
      `the graph's outputs (${names}) are not what follows the trees (${current})`,
    );
  }
  return chain.result();
}

/** y = scale * x + base, and once a power was met also z = factor * 2 ** y + offset. */
class Chain {
  #scale = 1;
  #base = 0;
  #power: { factor: number; offset: number } | undefined;

  apply(node: OnnxNode, current: string, constants: ReadonlyMap<string, number>): void {
    const operand = () => {
      const other = node.input[0] === current ? node.input[1] : node.input[0];
      const value = constants.get(other ?? '');
      if (node.input.length !== 2 || value === undefined) throw refusal(node, 'has no constant of one value');
      return value;
    };
    const first = node.input[0] === current;
    switch (node.domain === '' || node.domain === 'ai.onnx' ? node.opType : '') {
      case 'Identity':
        break;
      case 'Neg':
        this.#linear(-1, 0);
        break;
      case 'Mul':
        this.#linear(operand(), 0);
        break;
      case 'Div':
        if (!first || operand() === 0) throw refusal(node, 'does not divide by a constant');
        this.#linear(1 / operand(), 0);
        break;
      case 'Add':
        this.#linear(1, operand());
        break;
      case 'Sub':
        this.#linear(first ? 1 : -1, first ? -operand() : operand());
        break;
      case 'Pow':
        if (first || this.#power || !(operand() > 0)) {
          throw refusal(node, 'is not a constant to the power of the trees');
        }
        this.#linear(Math.log2(operand()), 0);
        this.#power = { factor: 1, offset: 0 };
        break;
      default:
        throw refusal(node, 'is not supported after the trees');
    }
  }

  result(): Postprocessing {
    const power = this.#power;
    const output = power
      ? (score: number) => power.factor * 2 ** score + power.offset
      : (score: number) => score;
    return { scale: this.#scale, base: this.#base, output };
  }

  #linear(factor: number, offset: number): void {
    if (this.#power) {
      this.#power = { factor: this.#power.factor * factor, offset: this.#power.offset * factor + offset };
    } else {
      this.#scale *= factor;
      this.#base = this.#base * factor + offset;
    }
  }
}

/** The initializers and Constant nodes that hold a single float. */
function readConstants(graph: OnnxGraph): Map<string, number> {
  const constants = new Map<string, number>();
  const add = (name: string, value: number | undefined) => {
    if (value !== undefined) constants.set(name, value);
  };
  for (const tensor of graph.initializer) add(tensor.name, scalar(tensor));
  for (const node of graph.node) {
    const attribute = node.opType === 'Constant' ? node.attribute[0] : undefined;
    if (!attribute) continue;
    add(
      node.output[0] ?? '',
      attribute.name === 'value_float' ? attribute.f : attribute.t ? scalar(attribute.t) : undefined,
    );
  }
  return constants;
}

function scalar(tensor: OnnxTensor): number | undefined {
  if (tensor.dims.some((size) => size !== 1)) return undefined;
  const raw = Buffer.from(tensor.rawData);
  let value: number | undefined;
  if (tensor.dataType === FLOAT) value = raw.length === 4 ? raw.readFloatLE() : tensor.floatData[0];
  if (tensor.dataType === DOUBLE) value = raw.length === 8 ? raw.readDoubleLE() : tensor.doubleData[0];
  return Number.isFinite(value) ? value : undefined;
}

function refusal(node: OnnxNode, why: string): ModelError {
  const name = node.name || node.output.join(', ');
  return new ModelError('unsupported-model', `ONNX node ${node.opType} (${name}) ${why}`);
}
