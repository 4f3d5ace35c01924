/**
 * Absorbs QuantizeLinear and DequantizeLinear: what ONNX writes as float operators between pairs of them becomes
 * operators on int8 values. uint8 with zero point z becomes int8 with z - 128. Each function of one quantised number, a
 * change of scale included, becomes a look-up in a table that holds exactly what the float operators compute.
 */

import type { Graph, Node } from '../graph.ts';
import { NotExpressible } from '../lower/not-expressible.ts';
import { Absorption, type Form, plainOf } from './absorption.ts';
import { binaryFunction, unaryFunction } from './functions.ts';
import { liftQuantisation } from './lift.ts';
import { isBound, movedInputs } from './movement.ts';
import { absorbOperator } from './operators.ts';
import { activationScale, quantise, quantizerOf, type Scale, sameScale } from './scale.ts';

/**
 * @returns a graph of which the values with `quantization` are int8 (constants also int32). QuantizeLinear and
 *   DequantizeLinear in it have one input and take the scale from the quantised value; `Lookup` of the domain `vigie`
 *   has the attribute `table`. Operators without an int8 form stay in float32. The same graph where nothing is quantised
 */
export function absorbQuantisation(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'QuantizeLinear' || op === 'DequantizeLinear')) return graph;
  const state = new Absorption(liftQuantisation(graph));
  for (const node of state.graph.nodes) {
    if (!absorbNode(state, node)) keepInFloat(state, node);
  }
  for (const name of graph.outputs) finishOutput(state, name);
  return withoutUnused({ ...graph, values: state.values, nodes: state.nodes });
}

function absorbNode(state: Absorption, node: Node): boolean {
  try {
    if (node.domain !== '') return false;
    if (node.op === 'DequantizeLinear') return absorbDequantize(state, node);
    if (node.op === 'QuantizeLinear') return absorbQuantize(state, node);
    return (
      absorbMovement(state, node) ||
      absorbBound(state, node) ||
      absorbFunction(state, node) ||
      absorbOperator(state, node)
    );
  } catch (error) {
    // An attribute of a wrong type: lowering says so of the node itself.
    if (error instanceof NotExpressible) return false;
    throw error;
  }
}

/** Lowering finds it as it was, with its float inputs computed. */
function keepInFloat(state: Absorption, node: Node): void {
  state.emitFloat(node);
}

function absorbDequantize(state: Absorption, node: Node): boolean {
  const [input = ''] = node.inputs;
  const output = node.outputs[0]!;
  const quantizer = quantizerOf(state.graph, node);
  if (!quantizer) return false;
  if (!state.stored.has(input) && state.values.get(input)?.data) {
    state.defer(node);
    return true;
  }
  const scale = activationScale(quantizer);
  if (!scale) return false;
  const known = state.stored.get(input) ?? contractInput(state, input, quantizer.type, scale);
  if (!known || !sameScale(known.scale, scale)) return false;
  state.defer(node, known);
  state.forms.set(output, known);
  return true;
}

/** An input that the model takes in integers. */
function contractInput(state: Absorption, name: string, type: string, scale: Scale): Form | undefined {
  if (!state.graph.inputs.includes(name)) return undefined;
  const value = state.values.get(name)!;
  if (type === 'int8') {
    state.declare(name, value.shape, scale);
    const form = plainOf(name, scale);
    state.stored.set(name, form);
    return form;
  }
  const quantization = {
    scale: Float32Array.of(scale.scale),
    zeroPoint: Int32Array.of(scale.zeroPoint + 128),
  };
  state.values.set(name, { ...value, quantization });
  const shifted = state.declare(`${name} as int8`, value.shape, scale);
  // Byte b of uint8 is b - 128 of int8; the table is asked with the byte as if it were int8.
  state.emitLookup(name, shifted, name, (i) => (i < 128 ? i : i - 256));
  const form = plainOf(shifted, scale);
  state.stored.set(name, form);
  return form;
}

function absorbQuantize(state: Absorption, node: Node): boolean {
  const [input = ''] = node.inputs;
  const scale = activationScale(quantizerOf(state.graph, node));
  if (!scale) return false;
  const output = node.outputs[0]!;
  state.stored.set(output, plainOf(state.quantised(input, scale, output, node.name), scale));
  return true;
}

/** The operator moves int8 instead of float32. */
function absorbMovement(state: Absorption, node: Node): boolean {
  const inputs = movedInputs(state.graph, node);
  const raw = inputs?.every((name) => state.stored.has(name)) ?? false;
  const forms = inputs?.map((name) => (raw ? state.stored.get(name) : state.plainForm(name)));
  const first = forms?.[0];
  if (!forms || !first || !forms.every((form) => form && sameScale(form.scale, first.scale))) return false;
  const outputs = node.outputs.map((name) => (name === '' ? '' : `${name} in int8`));
  for (const [at, name] of outputs.entries()) {
    if (name !== '') state.declare(name, state.shape(node.outputs[at]!), first.scale);
  }
  const rest = node.inputs.slice(forms.length);
  state.nodes.push({ ...node, inputs: [...forms.map((form) => form!.stored), ...rest], outputs });
  if (!raw) state.defer(node);
  for (const [at, name] of node.outputs.entries()) {
    (raw ? state.stored : state.forms).set(name, plainOf(outputs[at]!, first.scale));
  }
  return true;
}

/** A bound of an int8 value is a bound of int8, where quantisation or nothing follows; often it bounds nothing. */
function absorbBound(state: Absorption, node: Node): boolean {
  const output = node.outputs[0]!;
  const form = isBound(node) ? state.plainForm(node.inputs[0] ?? '') : undefined;
  const wanted = state.wanted(output);
  if (!form || !wanted || !sameScale(wanted.scale, form.scale)) return false;
  const constants = boundsOf(state, node);
  const f = constants && unaryFunction(node, constants);
  if (!f) return false;
  const bounds = [f(-3e38), f(3e38)].map((real) => quantise(real, form.scale));
  if (bounds[0]! <= -128 && bounds[1]! >= 127) {
    state.defer(node, form);
    return true;
  }
  const stored = state.declare(wanted.name, state.shape(output), form.scale);
  state.nodes.push({ ...node, inputs: [form.stored, ...node.inputs.slice(1)], outputs: [stored] });
  state.defer(node, plainOf(stored, form.scale));
  return true;
}

function boundsOf(state: Absorption, node: Node): (number | undefined)[] | undefined {
  const constants = node.inputs.slice(1).map((name) => (name === '' ? undefined : state.constantReals(name)));
  const missing = constants.some((reals, at) => !reals && node.inputs[at + 1] !== '');
  return missing ? undefined : constants.map((reals) => reals?.[0]);
}

/** Composes functions of the same quantised number: what reads the result gets it from one table. */
function absorbFunction(state: Absorption, node: Node): boolean {
  const output = node.outputs[0]!;
  const shape = state.shape(output);
  const forms = node.inputs.map((name) => state.forms.get(name));
  const form = forms.find((one) => one !== undefined);
  if (!form || node.outputs.length !== 1) return false;
  const table = composed(state, node, forms, form);
  if (!table || table.some(Number.isNaN)) return false;
  const given = state.values.get(form.stored)!.shape;
  if (shape.length !== given.length || shape.some((size, axis) => size !== given[axis])) return false;
  state.defer(node, { stored: form.stored, scale: form.scale, table, plain: false });
  return true;
}

function composed(
  state: Absorption,
  node: Node,
  forms: readonly (Form | undefined)[],
  form: Form,
): Float32Array | undefined {
  const binary = binaryFunction(node);
  if (!binary || node.inputs.length !== 2) {
    const constants = boundsOf(state, node);
    const f = forms[0] && constants && unaryFunction(node, constants);
    return f && form.table.map(f);
  }
  const tables = node.inputs.map((name, at) => {
    const one = forms[at];
    if (one) return one.stored === form.stored ? one.table : undefined;
    const reals = state.constantReals(name);
    return reals?.length === 1 ? new Float32Array(256).fill(reals[0]!) : undefined;
  });
  const [a, b] = tables;
  return a && b && a.map((one, i) => binary(one, b[i]!));
}

function finishOutput(state: Absorption, name: string): void {
  const stored = state.stored.get(name);
  if (!stored) {
    state.materialise(name);
    return;
  }
  const { type, shape } = state.graph.values.get(name)!;
  const shift = type === 'uint8' ? 128 : 0;
  const { scale, zeroPoint } = stored.scale;
  const quantization = { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint + shift) };
  if (stored.stored === name && shift === 0) return;
  const from = stored.stored === name ? `${name} in int8` : stored.stored;
  if (from !== stored.stored) renameStored(state, name, from);
  state.values.set(name, { name, type: type === 'uint8' ? 'uint8' : 'int8', shape, quantization });
  state.emitLookup(from, name, name, (i) => i - 128 + shift);
}

/** Frees the name of an output for its form in the contract's type. */
function renameStored(state: Absorption, from: string, to: string): void {
  state.values.set(to, { ...state.values.get(from)!, name: to });
  const rename = (names: readonly string[]) => names.map((name) => (name === from ? to : name));
  for (const [at, node] of state.nodes.entries()) {
    state.nodes[at] = { ...node, inputs: rename(node.inputs), outputs: rename(node.outputs) };
  }
}

function withoutUnused(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const name of node.inputs) needed.add(name);
    nodes.push(node);
  }
  for (const name of graph.inputs) needed.add(name);
  for (const node of nodes) for (const name of node.outputs) needed.add(name);
  const values = new Map([...graph.values].filter(([name]) => needed.has(name)));
  return { ...graph, values, nodes: nodes.reverse() };
}
