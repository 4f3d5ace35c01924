/** One step of LSTM and GRU, with their gates in the order of ONNX: i o f c, and z r h. */

import type { Value } from '../../graph.ts';
import type { BinaryKind, UnaryKind } from '../../plan/plan.ts';
import type { Lowering } from '../lowering.ts';
import { elements, onnxOrder } from '../order.ts';
import { concatenated } from './joining.ts';
import type { Constants } from './recurrent.ts';

export interface Cell {
  /** The input's share of all gates: [steps, batch, gates · hidden]. */
  inputs(source: number): number;
  /** @param share [batch, gates · hidden]  @param states undefined for zeros  @returns the states behind the step */
  step(share: number, states: readonly (number | undefined)[]): readonly number[];
}

/** Rows of numbers: known now, or a plan value [rows, columns] that an input of the model or a node gives. */
export type Rows = Float32Array | number;

const FLOATS: Value = { name: 'a step', type: 'float32', shape: [] };

/** The plan nodes that steps are made of, on float32 values. */
export class Steps {
  readonly sizes: {
    readonly steps: number;
    readonly batch: number;
    readonly inputs: number;
    readonly hidden: number;
  };
  readonly #lowering: Lowering;

  constructor(lowering: Lowering, sizes: Steps['sizes']) {
    this.#lowering = lowering;
    this.sizes = sizes;
  }

  /** Row `at` of [rows, batch, columns] as [batch, columns]. */
  part(id: number, at: number): number {
    const [rows, batch, columns] = this.#dims(id) as [number, number, number];
    const row = rows === 1 ? id : this.#made([1, batch, columns]);
    if (row !== id) {
      const window = { offsets: [at, 0, 0], sizes: [1, batch, columns] };
      this.#lowering.emit({ op: 'slice', ...window, inputs: [id], outputs: [row] });
    }
    return this.#lowering.reshaped(row, [batch, columns], FLOATS);
  }

  /** Columns of [batch, columns]. */
  columns(id: number, from: number, count: number): number {
    const [batch] = this.#dims(id) as [number];
    const output = this.#made([batch, count]);
    this.#lowering.emit({
      op: 'slice',
      offsets: [0, from],
      sizes: [batch, count],
      inputs: [id],
      outputs: [output],
    });
    return output;
  }

  /** @param weights [rows, columns of the input], row by row  @param bias one number per row */
  connected(id: number, weights: Rows, bias?: Rows): number {
    if (typeof weights === 'number' || typeof bias === 'number') return this.#product(id, weights, bias);
    const dims = this.#dims(id);
    const columns = dims.at(-1)!;
    const rows = weights.length / columns;
    const inputs = [id, this.#lowering.floats([rows, columns], weights)];
    if (bias) inputs.push(this.#lowering.floats([rows], bias));
    const output = this.#made([...dims.slice(0, -1), rows]);
    this.#lowering.emit({ op: 'fullyConnected', transposeWeights: false, inputs, outputs: [output] });
    return output;
  }

  /** The same with weights that are known at run time alone. */
  #product(id: number, weights: Rows, bias?: Rows): number {
    const dims = this.#dims(id);
    const columns = dims.at(-1)!;
    const given =
      typeof weights === 'number'
        ? weights
        : this.#lowering.floats([weights.length / columns, columns], weights);
    const count = elements(dims.slice(0, -1));
    const rows = this.#dims(given)[0]!;
    const flat = this.#lowering.reshaped(id, [count, columns], FLOATS);
    let output = this.#made([count, rows]);
    this.#lowering.emit({ op: 'batchMatMul', transposeB: true, inputs: [flat, given], outputs: [output] });
    if (bias !== undefined) output = this.binary('add', output, this.constant(bias));
    return this.#lowering.reshaped(output, [...dims.slice(0, -1), rows], FLOATS);
  }

  /** Some of the rows. @param width numbers in each */
  rows(given: Rows, width: number, from: number, count: number): Rows {
    if (typeof given !== 'number') return given.subarray(from * width, (from + count) * width);
    const output = this.#made([count, width]);
    this.#lowering.emit({
      op: 'slice',
      offsets: [from, 0],
      sizes: [count, width],
      inputs: [given],
      outputs: [output],
    });
    return output;
  }

  /** The sum of two rows of as many numbers. */
  sum(a: Rows, b: Rows): Rows {
    if (typeof a !== 'number' && typeof b !== 'number') return a.map((one, i) => one + b[i]!);
    return this.binary('add', this.constant(a), this.constant(b));
  }

  unary(kind: UnaryKind, id: number): number {
    const output = this.#made(this.#dims(id));
    this.#lowering.emit({ op: 'unary', kind, inputs: [id], outputs: [output] });
    return output;
  }

  binary(kind: BinaryKind, a: number, b: number): number {
    const [one, other] = [this.#dims(a), this.#dims(b)];
    const output = this.#made(elements(one) < elements(other) ? other : one);
    this.#lowering.emit({ op: 'binary', kind, inputs: [a, b], outputs: [output] });
    return output;
  }

  /** One value for each column, for all rows. */
  constant(row: Rows): number {
    if (typeof row === 'number') return row;
    return this.#lowering.floats([1, row.length], row);
  }

  /** Side by side along the last axis. */
  joined(ids: readonly number[]): number {
    const { length } = this.#dims(ids[0]!);
    return concatenated(this.#lowering, ids, length - 1, FLOATS, onnxOrder(length));
  }

  #dims(id: number): readonly number[] {
    return this.#lowering.builder.values[id]!.dims;
  }

  #made(dims: readonly number[]): number {
    return this.#lowering.temporary(dims, FLOATS);
  }
}

export function lstmCell(steps: Steps, { input, state, biases }: Constants): Cell {
  const { hidden } = steps.sizes;
  const bias = steps.sum(...biases);
  return {
    inputs: (source) => steps.connected(source, input, bias),
    step: (share, [h, c]) => {
      const gates = h === undefined ? share : steps.binary('add', share, steps.connected(h, state));
      const open = steps.unary('sigmoid', steps.columns(gates, 0, 3 * hidden));
      const candidate = steps.unary('tanh', steps.columns(gates, 3 * hidden, hidden));
      const added = steps.binary('multiply', steps.columns(open, 0, hidden), candidate);
      const kept =
        c === undefined ? undefined : steps.binary('multiply', steps.columns(open, 2 * hidden, hidden), c);
      const cell = kept === undefined ? added : steps.binary('add', kept, added);
      return [steps.binary('multiply', steps.columns(open, hidden, hidden), steps.unary('tanh', cell)), cell];
    },
  };
}

/** @param linear the state is multiplied with its weights before it is reset */
export function gruCell(steps: Steps, { input, state, biases }: Constants, linear: boolean): Cell {
  const { hidden } = steps.sizes;
  const gates = 2 * hidden;
  const gateWeights = steps.rows(state, hidden, 0, gates);
  const candidateWeights = steps.rows(state, hidden, gates, hidden);
  const [own, past] = biases.map(
    (bias) => [part(steps, bias, 0, gates), part(steps, bias, gates, hidden)] as const,
  );
  // The state's share of the candidate is reset with its bias where it is multiplied first.
  const candidateBias = linear ? own![1] : steps.sum(own![1], past![1]);
  const gateBias = steps.sum(own![0], past![0]);
  const resetOf = (h: number | undefined, r: number): number | undefined => {
    if (linear) {
      const share =
        h === undefined ? steps.constant(past![1]) : steps.connected(h, candidateWeights, past![1]);
      return steps.binary('multiply', r, share);
    }
    return h === undefined ? undefined : steps.connected(steps.binary('multiply', r, h), candidateWeights);
  };
  return {
    inputs: (source) => {
      const open = steps.connected(source, steps.rows(input, steps.sizes.inputs, 0, gates), gateBias);
      const weights = steps.rows(input, steps.sizes.inputs, gates, hidden);
      return steps.joined([open, steps.connected(source, weights, candidateBias)]);
    },
    step: (share, [h]) => {
      const given = steps.columns(share, 0, gates);
      const opened = h === undefined ? given : steps.binary('add', given, steps.connected(h, gateWeights));
      const open = steps.unary('sigmoid', opened);
      const z = steps.columns(open, 0, hidden);
      const reset = resetOf(h, steps.columns(open, hidden, hidden));
      const candidate = steps.columns(share, gates, hidden);
      const fresh = steps.unary(
        'tanh',
        reset === undefined ? candidate : steps.binary('add', candidate, reset),
      );
      // (1 - z) · fresh + z · h
      const way = h === undefined ? steps.unary('negate', fresh) : steps.binary('subtract', h, fresh);
      return [steps.binary('add', fresh, steps.binary('multiply', z, way))];
    },
  };
}

function part(steps: Steps, row: Rows, from: number, count: number): Rows {
  return typeof row === 'number' ? steps.columns(row, from, count) : row.subarray(from, from + count);
}
