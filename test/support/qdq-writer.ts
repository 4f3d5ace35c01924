/** Writes small ONNX models of one float operator between QuantizeLinear and DequantizeLinear. */

import { type AttributeValue, constant, info, type Json, node, onnxModel } from './onnx-writer.ts';

export type Activation = 'int8' | 'uint8';

export interface Weights {
  readonly type: 'int8' | 'uint8';
  readonly shape: readonly number[];
  /** Undefined for one scale. */
  readonly axis?: number;
  readonly zeroPoint?: number;
}

/** Collects nodes and constants with random scales. */
export class QdqWriter {
  readonly #random: () => number;
  readonly #type: Activation;
  readonly nodes: Json[] = [];
  readonly initializers: Json[] = [];
  readonly inputs: Json[] = [];
  readonly outputs: Json[] = [];
  #count = 0;

  constructor(type: Activation, random: () => number) {
    this.#type = type;
    this.#random = random;
  }

  between(low: number, high: number): number {
    return Math.fround(low + (high - low) * this.#random());
  }

  /** A random zero point of activations in the middle half of the type's range. */
  zeroPoint(): number {
    return Math.round(this.between(-60, 60)) + (this.#type === 'uint8' ? 128 : 0);
  }

  /** Q and DQ behind the value. @returns the float32 value behind */
  quantised(name: string, scale: number, zeroPoint: number): string {
    const id = `${name}_${this.#count++}`;
    this.initializers.push(constant(`${id}_s`, 'float32', [], [scale]));
    this.initializers.push(constant(`${id}_z`, this.#type, [], [zeroPoint]));
    this.nodes.push(node('QuantizeLinear', [name, `${id}_s`, `${id}_z`], [`${id}_q`]));
    this.nodes.push(node('DequantizeLinear', [`${id}_q`, `${id}_s`, `${id}_z`], [`${id}_d`]));
    return `${id}_d`;
  }

  /** A graph input, quantised to numbers of about -2 … 2. */
  input(
    name: string,
    shape: readonly number[],
    scale = this.between(0.01, 0.02),
    zeroPoint = this.zeroPoint(),
  ): string {
    this.inputs.push(info(name, 'float32', shape));
    return this.quantised(name, scale, zeroPoint);
  }

  output(name: string, shape: readonly number[], scale: number, zeroPoint: number): void {
    this.outputs.push(info(this.quantised(name, scale, zeroPoint), 'float32', shape));
  }

  /** A constant behind DequantizeLinear. @returns its float32 value, and the scales */
  weights(name: string, { type, shape, axis, zeroPoint = 0 }: Weights): { name: string; scales: number[] } {
    const size = shape.reduce((product, one) => product * one, 1);
    const count = axis === undefined ? 1 : shape[axis]!;
    const scales = Array.from({ length: count }, () => this.between(0.004, 0.02));
    // What is -128 less the zero point has to be rounded: XNNPACK's weights reach from -127 to 127.
    const low = type === 'int8' ? -127 : 1;
    const data = Array.from({ length: size }, () => low + Math.floor(this.#random() * 255));
    const dims = axis === undefined ? [] : [count];
    this.initializers.push(
      constant(`${name}_w`, type, shape, data),
      constant(`${name}_s`, 'float32', dims, scales),
    );
    this.initializers.push(constant(`${name}_z`, type, dims, new Array(count).fill(zeroPoint)));
    const attributes: Record<string, AttributeValue> = axis === undefined ? {} : { axis };
    this.nodes.push(node('DequantizeLinear', [`${name}_w`, `${name}_s`, `${name}_z`], [name], attributes));
    return { name, scales };
  }

  /** An int32 bias in steps of input · weight. */
  bias(name: string, inputScale: number, channels: number, scales: readonly number[]): string {
    const steps = scales.map((scale) => Math.fround(inputScale * scale));
    const data = Array.from({ length: channels }, () => Math.round(this.between(-2000, 2000)));
    const dims = scales.length === 1 ? [] : [channels];
    this.initializers.push(
      constant(`${name}_b`, 'int32', [channels], data),
      constant(`${name}_s`, 'float32', dims, steps),
    );
    const attributes: Record<string, AttributeValue> = scales.length === 1 ? {} : { axis: 0 };
    this.nodes.push(node('DequantizeLinear', [`${name}_b`, `${name}_s`], [name], attributes));
    return name;
  }

  op(
    type: string,
    inputs: readonly string[],
    output: string,
    attributes: Record<string, AttributeValue> = {},
  ): string {
    this.nodes.push(node(type, inputs, [output], attributes));
    return output;
  }

  floats(name: string, dims: readonly number[], data: readonly number[]): string {
    this.initializers.push(constant(name, 'float32', dims, data));
    return name;
  }

  integers(name: string, data: readonly number[]): string {
    this.initializers.push(constant(name, 'int64', [data.length], data.map(BigInt)));
    return name;
  }

  model(): Buffer {
    const { inputs, outputs, nodes, initializers } = this;
    return onnxModel({ opset: 17, inputs, outputs, nodes, initializers });
  }
}
