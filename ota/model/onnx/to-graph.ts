/** The optimised model and the inferred shapes as the compiler's graph. */

import { ModelError } from '../../../runtime/core/errors.ts';
import type { Attribute, Graph, Node, Value } from '../graph.ts';
import type { BoundInput } from './bind-inputs.ts';
import type { Decoded } from './messages.ts';
import { type NamedNode, orderNodes } from './structure.ts';
import { ELEMENT_TYPES, readTensor } from './tensor-data.ts';

/** What ONNX Runtime tells of a value; for one that is no tensor, the name alone. A dimension that is free is a name. */
export interface InferredValue {
  readonly name: string;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

/** A node that no backend but ONNX Runtime runs, and why. */
export interface NotLowerable {
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

const STRING = 8;
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 };
/** Beyond this, exporters mean "to the end". */
const AS_GOOD_AS_INFINITE = 2n ** 62n;

export function toGraph(
  model: Decoded<'Model'>,
  opset: number,
  inputs: readonly BoundInput[],
  inferred: readonly InferredValue[],
): { graph: Graph; notLowerable: NotLowerable[] } {
  const message = model.graph ?? {};
  const values = new Map<string, Value>(inputs.map((input) => [input.name, input]));
  for (const tensor of message.initializer ?? []) {
    if (tensor.dataType === STRING) continue;
    const name = tensor.name!;
    const constant = readTensor(tensor, `initialiser \`${name}\``);
    // A copy starts where any element type may, and lets go of the file.
    values.set(name, { name, ...constant, data: new Uint8Array(constant.data) });
  }
  for (const { name, type, shape } of inferred) {
    const known = shape?.every((size) => typeof size === 'number' && size >= 0);
    const elements = ELEMENT_TYPES.find((one) => one === type);
    if (known && elements && !values.has(name)) {
      values.set(name, { name, type: elements, shape: shape as number[] });
    }
  }
  const ordered = orderNodes(message);
  const nodes = ordered.map(toNode);
  const notLowerable = ordered.flatMap((node, index) => whyNot(node, nodes[index]!, values));
  const outputs = (message.output ?? []).map(({ name }) => name!);
  return {
    graph: { opset, inputs: inputs.map(({ name }) => name), outputs, values, nodes },
    notLowerable,
  };
}

function toNode({ name, message }: NamedNode): Node {
  const attributes = new Map<string, Attribute>();
  for (const one of message.attribute ?? []) {
    const value = toAttribute(one, name);
    if (value !== undefined) attributes.set(one.name!, value);
  }
  const domain = message.domain === 'ai.onnx' ? '' : (message.domain ?? '');
  const { input = [], output = [] } = message;
  return { name, op: message.opType!, domain, inputs: input, outputs: output, attributes };
}

function toAttribute(attribute: Decoded<'Attribute'>, node: string): Attribute | undefined {
  const { type, f, i, s, t, floats, ints, strings } = attribute;
  const what = `attribute \`${attribute.name}\` of node ${node}`;
  if (type === ATTRIBUTE_TYPES.float) return f ?? 0;
  if (type === ATTRIBUTE_TYPES.int) return toNumber(i ?? 0n, what);
  if (type === ATTRIBUTE_TYPES.string) return Buffer.from(s ?? []).toString();
  if (type === ATTRIBUTE_TYPES.tensor && t && t.dataType !== STRING)
    return { name: '', ...readTensor(t, what) };
  if (type === ATTRIBUTE_TYPES.floats) return Array.from(floats ?? []);
  if (type === ATTRIBUTE_TYPES.ints) return Array.from(ints ?? [], (one) => toNumber(one, what));
  if (type === ATTRIBUTE_TYPES.strings) return (strings ?? []).map((one) => Buffer.from(one).toString());
  return undefined;
}

function toNumber(value: bigint, what: string): number {
  if (value >= AS_GOOD_AS_INFINITE) return Number.MAX_SAFE_INTEGER;
  if (value <= -AS_GOOD_AS_INFINITE) return Number.MIN_SAFE_INTEGER;
  if (BigInt.asIntN(54, value) === value) return Number(value);
  throw new ModelError('onnx-attribute', `${what} is ${value}; whole numbers up to 2^53 are read`);
}

function whyNot(
  { name, message }: NamedNode,
  node: Node,
  values: ReadonlyMap<string, Value>,
): NotLowerable[] {
  const because = (reason: string) => [{ node: name, op: node.op, reason }];
  if (node.domain !== '') return because(`it is of the domain ${node.domain}`);
  if (message.attribute?.some(({ g, graphs }) => g || graphs)) return because('it has a subgraph');
  const unknown = [...node.inputs, ...node.outputs].find((value) => value !== '' && !values.has(value));
  return unknown === undefined ? [] : because(`type or shape of \`${unknown}\` is known at run time only`);
}
