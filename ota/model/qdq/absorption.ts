/** The state of one absorption: which numbers are known as int8, and the graph that grows. */

import type { Graph, Node, Value } from '../graph.ts';
import { numbersIn } from '../lower/attributes.ts';
import { commonQuantizer, consumersOf } from './lift.ts';
import {
  dequantised,
  type Quantizer,
  quantise,
  quantizationOf,
  quantizerOf,
  realsOf,
  type Scale,
  sameScale,
} from './scale.ts';

/** A float tensor of which each element is a function of one element of an int8 tensor. */
export interface Form {
  /** Name of the int8 value. */
  readonly stored: string;
  readonly scale: Scale;
  /** The real that stored value i - 128 stands for. */
  readonly table: Float32Array;
  /** The table is the scale alone. */
  readonly plain: boolean;
}

/** Domain of the operator `Lookup`: one input, one output, attribute `table` of 256 bytes by the input's byte. */
export const OWN_DOMAIN = 'vigie';

export class Absorption {
  readonly graph: Graph;
  readonly values: Map<string, Value>;
  readonly nodes: Node[] = [];
  /** By the name of the float tensor. */
  readonly forms = new Map<string, Form>();
  /** By the name that the integer tensor has in the ONNX graph. */
  readonly stored = new Map<string, Form>();
  readonly #makers = new Map<string, Node>();
  readonly #made = new Set<string>();
  readonly #quantised = new Map<string, string>();
  /** By int8 value: the float tensor that it was made into; by another such float tensor: this one. */
  readonly #floats = new Map<string, string>();
  readonly #sameFloat = new Map<string, string>();
  readonly #consumers: Map<string, Node[]>;

  constructor(graph: Graph) {
    this.graph = graph;
    this.values = new Map(graph.values);
    this.#consumers = consumersOf(graph);
    for (const name of graph.inputs) this.#made.add(name);
  }

  shape(name: string): readonly number[] {
    return this.values.get(name)?.shape ?? [];
  }

  plainForm(name: string): Form | undefined {
    const form = this.forms.get(name);
    return form?.plain ? form : undefined;
  }

  /** The scale to which all that read this float tensor quantise it, and what they call the result. */
  wanted(name: string): { readonly scale: Scale; readonly name: string } | undefined {
    if (this.graph.outputs.includes(name)) return undefined;
    const common = commonQuantizer(this.graph, this.#consumers.get(name) ?? []);
    return common && { scale: common.scale, name: common.node.outputs[0]! };
  }

  /** A value of int8 that a node of the new graph writes. @returns its name */
  declare(name: string, shape: readonly number[], scale: Scale): string {
    this.values.set(name, { name, type: 'int8', shape, quantization: quantizationOf(scale) });
    return name;
  }

  constant(value: Value): string {
    this.values.set(value.name, value);
    return value.name;
  }

  /** Notes that the float tensor, quantised to the scale, is this int8 value. */
  noteQuantised(name: string, scale: Scale, stored: string): void {
    this.#quantised.set(quantisedKey(name, scale), stored);
  }

  /** Numbers of a constant float tensor, or of a quantised constant behind DequantizeLinear. */
  constantReals(name: string): Float32Array | undefined {
    const value = this.values.get(name);
    if (value?.data) return value.type === 'float32' ? Float32Array.from(numbersIn(value)) : undefined;
    const quantised = this.quantisedConstant(name);
    return quantised && dequantised(quantised.value, quantised.quantizer);
  }

  quantisedConstant(name: string): { readonly value: Value; readonly quantizer: Quantizer } | undefined {
    const node = this.#makers.get(name);
    const value = this.values.get(node?.inputs[0] ?? '');
    if (node?.op !== 'DequantizeLinear' || !value?.data) return undefined;
    const quantizer = quantizerOf(this.graph, node);
    return quantizer && { value, quantizer };
  }

  /** The node that would compute this in float32, should anything ask for it so. */
  defer(node: Node, form?: Form): void {
    for (const name of node.outputs) {
      this.#makers.set(name, node);
      if (form) this.forms.set(name, form);
    }
  }

  /** Adds the node to the new graph, and before it what its float inputs need. */
  emitFloat(node: Node): void {
    for (const name of node.inputs) this.materialise(name);
    for (const name of node.outputs) this.#made.add(name);
    this.nodes.push({ ...node, inputs: node.inputs.map((name) => this.#sameFloat.get(name) ?? name) });
  }

  /** Makes sure that the new graph computes this float tensor. */
  materialise(name: string): void {
    if (name === '' || this.#made.has(name) || this.values.get(name)?.data) return;
    this.#made.add(name);
    const form = this.plainForm(name);
    const maker = this.#makers.get(name);
    const reals = this.quantisedConstant(name) && this.constantReals(name);
    if (reals) {
      const value = this.values.get(name)!;
      this.values.set(name, { ...value, data: new Uint8Array(reals.buffer) });
    } else if (form) {
      this.#dequantize(form, name, maker?.name ?? name);
    } else if (maker) {
      this.emitFloat(maker);
    }
  }

  /** Once for each int8 value, but for the outputs of the model, which each have a name to keep. */
  #dequantize(form: Form, name: string, from: string): void {
    const known = this.#floats.get(form.stored);
    if (known !== undefined && !this.graph.outputs.includes(name)) {
      this.#sameFloat.set(name, known);
      return;
    }
    this.#floats.set(form.stored, name);
    const part = { domain: '', op: 'DequantizeLinear', attributes: new Map() };
    this.nodes.push({ ...part, name: from, inputs: [form.stored], outputs: [name] });
  }

  /** @returns the name of the int8 value that the float tensor is, quantised to the scale */
  quantised(name: string, scale: Scale, as: string, from: string): string {
    const key = quantisedKey(name, scale);
    const known = this.#quantised.get(key);
    if (known !== undefined) return known;
    const stored = this.#quantise(name, scale, as, from);
    this.#quantised.set(key, stored);
    return stored;
  }

  #quantise(name: string, scale: Scale, as: string, from: string): string {
    const form = this.forms.get(name);
    if (form?.plain && sameScale(form.scale, scale)) return form.stored;
    const shape = this.shape(name);
    const reals = this.constantReals(name);
    if (reals) {
      const data = Int8Array.from(reals, (real) => quantise(real, scale));
      const value: Value = { name: as, type: 'int8', shape, data: new Uint8Array(data.buffer) };
      return this.constant({ ...value, quantization: quantizationOf(scale) });
    }
    this.declare(as, shape, scale);
    if (form) {
      this.emitLookup(form.stored, as, from, (i) => quantise(form.table[i]!, scale));
    } else {
      this.materialise(name);
      const part = { domain: '', op: 'QuantizeLinear', attributes: new Map() };
      this.nodes.push({ ...part, name: from, inputs: [this.#sameFloat.get(name) ?? name], outputs: [as] });
    }
    return as;
  }

  /** @param entry what becomes of stored value i - 128 */
  emitLookup(input: string, output: string, name: string, entry: (i: number) => number): void {
    const table = Int8Array.from({ length: 256 }, (_, byte) => entry((byte + 128) % 256));
    const data = new Uint8Array(table.buffer);
    const attributes = new Map([['table', { name: '', type: 'uint8' as const, shape: [256], data }]]);
    this.nodes.push({
      name,
      op: 'Lookup',
      domain: OWN_DOMAIN,
      inputs: [input],
      outputs: [output],
      attributes,
    });
  }
}

export const plainOf = (stored: string, scale: Scale): Form => ({
  stored,
  scale,
  table: realsOf(scale),
  plain: true,
});

const quantisedKey = (name: string, { scale, zeroPoint }: Scale) => `${name} ${scale} ${zeroPoint}`;
