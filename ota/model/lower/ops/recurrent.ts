/** LSTM and GRU, unrolled: the input's share of all steps is one fully connected layer, the state's one per step. */

import type { Node, Value } from '../../graph.ts';
import { numberOf, numbersIn, stringOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { onnxOrder } from '../order.ts';
import { concatenated } from './joining.ts';
import { type Cell, gruCell, lstmCell, type Rows, Steps } from './recurrent-cells.ts';

/** More steps make a plan that is slow to load: such a model is better exported as one step with its state. */
const MOST_STEPS = 64;
const DIRECTIONS = { forward: [false], reverse: [true], bidirectional: [false, true] } as const;

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
}

export function lstm(node: Node, lowering: Lowering): void {
  if (numberOf(node, 'input_forget', 0) !== 0) refuse('its input and forget gates are coupled');
  if (lowering.optional(node, 7) !== undefined) refuse('it has peepholes');
  unrolled(node, lowering, { gates: 4, activations: ['sigmoid', 'tanh', 'tanh'], states: 2, make: lstmCell });
}

export function gru(node: Node, lowering: Lowering): void {
  const linear = numberOf(node, 'linear_before_reset', 0) !== 0;
  const make: Kind['make'] = (steps, constants) => gruCell(steps, constants, linear);
  unrolled(node, lowering, { gates: 3, activations: ['sigmoid', 'tanh'], states: 1, make });
}

interface Kind {
  readonly gates: number;
  readonly activations: readonly string[];
  /** h, or h and c. */
  readonly states: number;
  readonly make: (steps: Steps, constants: Constants) => Cell;
}

/** Of one direction. */
export interface Constants {
  /** [gates · hidden, inputs] */
  readonly input: Rows;
  /** [gates · hidden, hidden] */
  readonly state: Rows;
  /** Of the input's and of the state's share, gates · hidden numbers each. */
  readonly biases: readonly [Rows, Rows];
}

function unrolled(node: Node, lowering: Lowering, kind: Kind): void {
  const reversed = checked(node, lowering, kind);
  const [steps, batch, inputs] = lowering.shape(node.inputs[0]!) as [number, number, number];
  const hidden = lowering.shape(node.inputs[2]!)[2]!;
  const sizes = { steps, batch, inputs, hidden };
  const source = lowering.arranged(node.inputs[0]!, onnxOrder(3));
  const runs = reversed.map((backwards, direction) => {
    const own = new Steps(lowering, sizes);
    const states = Array.from({ length: kind.states }, (_, at) =>
      initialState(node, lowering, own, 5 + at, direction),
    );
    const cell = kind.make(own, constantsOf(node, lowering, own, kind.gates, direction));
    return runDirection(own, cell, source, states, backwards);
  });
  placeSteps(node, lowering, runs, sizes);
  for (let at = 0; at < kind.states; at++) {
    placeState(
      node.outputs[1 + at],
      lowering,
      runs.map(({ states }) => states[at]!),
    );
  }
}

/** @returns for each direction whether it runs backwards */
function checked(node: Node, lowering: Lowering, kind: Kind): readonly boolean[] {
  if (node.attributes.has('clip')) refuse('it clips its gates');
  if (numberOf(node, 'layout', 0) !== 0) refuse('its batch comes first (layout 1)');
  if (lowering.optional(node, 4) !== undefined) refuse('it has sequence_lens: steps that depend on the data');
  const reversed = DIRECTIONS[stringOf(node, 'direction', 'forward') as keyof typeof DIRECTIONS];
  if (!reversed) refuse('its direction is none that ONNX has');
  const given = node.attributes.get('activations');
  const names = Array.isArray(given) ? given.map((name) => String(name).toLowerCase()) : undefined;
  if (names?.some((name, i) => name !== kind.activations[i % kind.activations.length])) {
    refuse(`its activations are ${names.join(', ')}; ${kind.activations.join(', ')} are unrolled`);
  }
  const steps = lowering.shape(node.inputs[0]!)[0]!;
  if (steps > MOST_STEPS) refuse(`it has ${steps} steps; up to ${MOST_STEPS} are unrolled`);
  return reversed;
}

function constantsOf(
  node: Node,
  lowering: Lowering,
  steps: Steps,
  gates: number,
  direction: number,
): Constants {
  const { hidden, inputs } = steps.sizes;
  const rows = gates * hidden;
  const part = (index: number, size: number): Rows | undefined => {
    const name = lowering.optional(node, index);
    if (name === undefined) return undefined;
    const value = lowering.value(name);
    if (value.type !== 'float32') refuse(`its weights "${name}" are ${value.type}`);
    if (!value.data) return steps.part(weightRows(lowering, name), direction);
    return Float32Array.from(numbersIn(value).slice(direction * size, (direction + 1) * size));
  };
  const bias = part(3, 2 * rows) ?? new Float32Array(2 * rows);
  return {
    input: part(1, rows * inputs) ?? refuse('it has no weights'),
    state: part(2, rows * hidden) ?? refuse('it has no weights of its state'),
    biases:
      typeof bias === 'number'
        ? [steps.columns(bias, 0, rows), steps.columns(bias, rows, rows)]
        : [bias.subarray(0, rows), bias.subarray(rows)],
  };
}

/** Weights [directions, rows, columns]; a bias is one row. */
function weightRows(lowering: Lowering, name: string): number {
  const shape = lowering.shape(name);
  const id = lowering.arranged(name, onnxOrder(shape.length));
  const dims = shape.length === 2 ? [shape[0]!, 1, shape[1]!] : shape;
  return lowering.reshaped(id, dims, lowering.value(name));
}

/** [batch, hidden]; undefined where it is zero. */
function initialState(
  node: Node,
  lowering: Lowering,
  steps: Steps,
  index: number,
  direction: number,
): number | undefined {
  const name = lowering.optional(node, index);
  if (name === undefined) return undefined;
  const constant = lowering.constant(name);
  if (constant?.data?.every((byte) => byte === 0)) return undefined;
  return steps.part(lowering.arranged(name, onnxOrder(3)), direction);
}

interface Run {
  /** h after each step, by the step's place in the sequence. */
  readonly outputs: readonly number[];
  readonly states: readonly number[];
}

function runDirection(
  steps: Steps,
  cell: Cell,
  source: number,
  initial: readonly (number | undefined)[],
  backwards: boolean,
): Run {
  const inputs = cell.inputs(source);
  const outputs: number[] = [];
  let states = initial;
  for (let i = 0; i < steps.sizes.steps; i++) {
    const at = backwards ? steps.sizes.steps - 1 - i : i;
    states = cell.step(steps.part(inputs, at), states);
    outputs[at] = states[0]!;
  }
  return { outputs, states: states as readonly number[] };
}

/** Y: [steps, directions, batch, hidden]. */
function placeSteps(node: Node, lowering: Lowering, runs: readonly Run[], sizes: Sizes): void {
  const name = node.outputs[0];
  if (!name || !isRead(lowering, name)) return;
  const value = lowering.value(name);
  const rows = Array.from({ length: sizes.steps }, (_, at) => runs.map(({ outputs }) => outputs[at]!)).flat();
  lowering.place(name, stacked(lowering, rows, value));
}

/** Y_h, Y_c: [directions, batch, hidden]. */
function placeState(name: string | undefined, lowering: Lowering, ids: readonly number[]): void {
  if (!name || !isRead(lowering, name)) return;
  lowering.place(name, stacked(lowering, ids, lowering.value(name)));
}

function isRead(lowering: Lowering, name: string): boolean {
  return lowering.consumers(name).length > 0 || lowering.graph.outputs.includes(name);
}

/** Tensors [batch, hidden] one after the other in memory, seen as the value. */
function stacked(lowering: Lowering, ids: readonly number[], value: Value) {
  const joined = concatenated(lowering, ids, 0, value);
  return { id: lowering.reshaped(joined, value.shape, value), order: onnxOrder(value.shape.length) };
}
