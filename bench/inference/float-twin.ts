/**
 * The float32 model that a QDQ model stands for: weights dequantised, activations no longer rounded. For comparing both
 * on one machine where only the quantised file is at hand. The range of a convolution's result, which its quantisation
 * cut off, becomes a Clip.
 */

import type { Quantization } from '../../ota/model/graph.ts';
import { decode } from '../../ota/model/onnx/decode.ts';
import { encode, type Json } from '../../ota/model/onnx/encode.ts';
import type { Decoded } from '../../ota/model/onnx/messages.ts';
import { readTensor } from '../../ota/model/onnx/tensor-data.ts';
import { ModelError } from '../../runtime/core/errors.ts';

const FLOAT = 1;
const UINT8 = 2;

type Node = Decoded<'Node'>;
interface Numbers {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
  readonly dataType: number;
}

/** @param bytes an ONNX file with constant scales and zero points, its weights inside */
export function floatTwin(bytes: Uint8Array): Uint8Array {
  const model = decode('Model', bytes);
  const graph = model.graph ?? {};
  const tensors = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  const constants = (name: string): Numbers => {
    const tensor = tensors.get(name);
    if (!tensor) throw new ModelError('onnx-tensor', `'${name}' is no initialiser of the model`);
    return numbers(tensor);
  };
  const producers = new Map(
    (graph.node ?? []).flatMap((node) => (node.output ?? []).map((name) => [name, node])),
  );
  const added: Json[] = [];
  const nodes = (graph.node ?? []).map((node): Json => {
    const [input = '', scale = '', zero = ''] = node.input ?? [];
    const [output = ''] = node.output ?? [];
    if (node.opType === 'DequantizeLinear' && tensors.has(input)) {
      added.push(dequantised(output, constants(input), quantization(constants, node)));
      return identity(node, '', '');
    }
    if (node.opType === 'QuantizeLinear' && producers.get(input)?.opType === 'Conv') {
      const [least, most] = constants(zero).dataType === UINT8 ? [0, 255] : [-128, 127];
      const bound = (stored: number) => (stored - constants(zero).values[0]!) * constants(scale).values[0]!;
      added.push(scalar(`${output}/least`, bound(least)), scalar(`${output}/most`, bound(most)));
      const clip = { opType: 'Clip', input: [input, `${output}/least`, `${output}/most`], output: [output] };
      return { ...clip, name: node.name ?? output };
    }
    return /^(Dequantize|Quantize)Linear$/.test(node.opType ?? '') ? identity(node, input, output) : node;
  });
  const left = nodes.filter(({ output }) => (output as string[])[0]);
  const read = new Set(left.flatMap(({ input }) => (input ?? []) as string[]));
  const initializer = [...(graph.initializer ?? []), ...added].filter(({ name }) => read.has(name as string));
  const twin = defined({ ...graph, node: left, initializer, valueInfo: [] });
  return encode('Model', defined({ ...model, graph: twin }));
}

const identity = (node: Node, input: string, output: string): Json => ({
  opType: 'Identity',
  name: node.name ?? output,
  input: [input],
  output: [output],
});

const defined = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));

const scalar = (name: string, value: number): Json => ({
  name,
  dataType: FLOAT,
  dims: [],
  floatData: [value],
});

function quantization(constants: (name: string) => Numbers, node: Node): Quantization {
  const [, scale = '', zero = ''] = node.input ?? [];
  const axis = node.attribute?.find(({ name }) => name === 'axis')?.i ?? 1n;
  return {
    scale: Float32Array.from(constants(scale).values),
    zeroPoint: Int32Array.from(zero ? constants(zero).values : [0]),
    axis: Number(axis),
  };
}

function dequantised(
  name: string,
  { shape, values }: Numbers,
  { scale, zeroPoint, axis = 0 }: Quantization,
): Json {
  const at = axis < 0 ? axis + shape.length : axis;
  const inner = shape.slice(at + 1).reduce((product, size) => product * size, 1);
  const real = Float32Array.from(values, (stored, i) => {
    const channel = scale.length === 1 ? 0 : Math.floor(i / inner) % shape[at]!;
    return (stored - (zeroPoint[channel] ?? zeroPoint[0]!)) * scale[channel]!;
  });
  return { name, dataType: FLOAT, dims: shape, rawData: new Uint8Array(real.buffer) };
}

function numbers(tensor: Decoded<'Tensor'>): Numbers {
  const { type, shape, data } = readTensor(tensor, `initialiser '${tensor.name}'`);
  const copy = Uint8Array.from(data).buffer;
  const arrays: Record<string, () => ArrayLike<number>> = {
    int8: () => new Int8Array(copy),
    uint8: () => new Uint8Array(copy),
    int32: () => new Int32Array(copy),
    float32: () => new Float32Array(copy),
  };
  const values = arrays[type]?.();
  if (!values)
    throw new ModelError('onnx-type', `initialiser '${tensor.name}' is ${type}: not of a QDQ model`);
  return { shape, values, dataType: tensor.dataType ?? 0 };
}
