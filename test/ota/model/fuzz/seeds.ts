/** Small models that between them have every part that the reader knows. `bin/node …/seeds.ts FOLDER` writes them. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  constant,
  float,
  graph,
  info,
  node,
  onnxModel,
  subgraph,
  tensor,
} from '../../../support/onnx-writer.ts';

const x = info('x', 'float32', ['N', 2]);
const y = info('y', 'float32');
const ends = { inputs: [x], outputs: [y] };
const branch = graph({
  outputs: [info('z', 'float32')],
  nodes: [node('Mul', ['x', 'k'], ['z'])],
  initializers: [constant('k', 'float16', [2], [0x3c00, 0xbc00])],
});

export const SEEDS: Readonly<Record<string, Uint8Array>> = {
  'add.onnx': onnxModel({
    ...ends,
    nodes: [node('Add', ['x', 'w'], ['y'], { alpha: float(1), axes: [1, -1], mode: 'up', names: ['a'] })],
    initializers: [constant('w', 'float32', [2], [1, 2])],
  }),
  'chain.onnx': onnxModel({
    ...ends,
    opset: 7,
    irVersion: 3,
    inputs: [x, info('w', 'int8', [2])],
    nodes: [
      node('DequantizeLinear', ['w', 's'], ['d']),
      node('Add', ['d', 'x'], ['c']),
      node('Relu', ['c'], ['y']),
    ],
    initializers: [
      { name: 'w', dataType: 3, dims: [2], int32Data: [1, -2] },
      { name: 's', dataType: 1, dims: [], floatData: [0.5] },
      { name: 'i', dataType: 7, dims: [2], int64Data: [2n ** 63n - 1n, -(2n ** 63n)] },
      { name: 'u', dataType: 13, dims: [1], uint64Data: [2n ** 64n - 1n] },
      { name: 'd64', dataType: 11, dims: [1], doubleData: [1.5] },
      { name: 'text', dataType: 8, dims: [1], stringData: [Buffer.from('a')] },
    ],
  }),
  'branches.onnx': onnxModel({
    ...ends,
    inputs: [x, info('c', 'bool', [])],
    nodes: [
      node('If', ['c'], ['y'], {
        then_branch: subgraph(branch),
        else_branch: { graphs: [branch], type: 10 },
      }),
    ],
  }),
  'constant.onnx': onnxModel({
    ...ends,
    nodes: [
      node('Constant', [], ['w'], { value: tensor({ dataType: 1, dims: [2], floatData: [1, 2] }) }),
      node('Add', ['x', 'w'], ['y'], {}, ''),
    ],
    model: {
      producerName: 'vigie',
      metadata: [{ key: 'a', value: 'b' }],
      functions: [{ name: 'f', domain: 'own', node: [node('Relu', ['a'], ['b'])] }],
    },
  }),
  'external.onnx': onnxModel({
    ...ends,
    nodes: [node('Add', ['x', 'w'], ['y'])],
    initializers: [
      {
        name: 'w',
        dataType: 1,
        dims: [2],
        dataLocation: 1,
        externalData: Object.entries({ location: 'w.bin', offset: '0', length: '8' }).map(([key, value]) => ({
          key,
          value,
        })),
      },
    ],
  }),
};

export function writeSeeds(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(SEEDS)) writeFileSync(join(folder, name), bytes);
}

if (import.meta.main) writeSeeds(process.argv[2]!);
