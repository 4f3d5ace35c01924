/** Pictures that go into convolutions are stored NHWC from the start: whoever fills the input writes them so. */

import { numbersOf } from './attributes.ts';
import type { Lowering } from './lowering.ts';
import { channelsLast, type Order, onnxOrder } from './order.ts';

const WINDOWED = new Set([
  'AveragePool',
  'Conv',
  'ConvTranspose',
  'DepthToSpace',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'MaxPool',
  'SpaceToDepth',
]);
/** These hand their input's order on. */
const PASSING = new Set([
  ...[
    'Abs',
    'Add',
    'BatchNormalization',
    'Clip',
    'Concat',
    'Div',
    'Elu',
    'HardSigmoid',
    'HardSwish',
    'Identity',
  ],
  ...[
    'LeakyRelu',
    'Lookup',
    'Max',
    'Min',
    'Mul',
    'Neg',
    'PRelu',
    'Pad',
    'QuantizeLinear',
    'Relu',
    'Resize',
    'Sigmoid',
    'Slice',
    'Split',
  ],
  ...['Sqrt', 'Sub', 'Tanh', 'Upsample'],
]);
const DEEPEST = 64;

/** The order that the first windowed operator behind the input wants, else ONNX's. */
export function inputOrder(lowering: Lowering, name: string): Order {
  const rank = lowering.shape(name).length;
  return (rank === 4 || rank === 3 ? wantedOrder(lowering, name, 0) : undefined) ?? onnxOrder(rank);
}

function wantedOrder(lowering: Lowering, name: string, depth: number): Order | undefined {
  if (depth > DEEPEST) return undefined;
  for (const node of lowering.consumers(name)) {
    const rank = lowering.shape(name).length;
    if (WINDOWED.has(node.op) && node.inputs[0] === name) return channelsLast(rank);
    const [output] = node.outputs as [string];
    if (lowering.graph.values.get(output)?.shape.length !== rank) continue;
    if (node.op === 'Transpose') {
      const permutation = numbersOf(node, 'perm') ?? [...onnxOrder(rank)].reverse();
      const wanted = wantedOrder(lowering, output, depth + 1);
      if (wanted) return wanted.map((axis) => permutation[axis]!);
    } else if (PASSING.has(node.op)) {
      const wanted = wantedOrder(lowering, output, depth + 1);
      if (wanted) return wanted;
    }
  }
  return undefined;
}
