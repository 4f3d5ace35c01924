/** Collects the values, nodes and constants of a plan. */

import { createHash } from 'node:crypto';
import type { Blob, Plan, PlanNode, PlanPort, PlanType, PlanValue } from './plan.ts';
import { BYTES_BEHIND_WEIGHTS } from './write.ts';

const ALIGNMENT = 64;

/** How a quantised value stands for real numbers. */
export interface PlanScale {
  readonly scale?: number;
  readonly zeroPoint?: number;
  /** qc8, qc32: one scale per index of `axis`. */
  readonly scales?: Float32Array;
  readonly axis?: number;
}

/** Ids of values are handed out in order. Equal constants, and equal bytes of different ones, are kept once. */
export class PlanBuilder {
  readonly values: PlanValue[] = [];
  readonly nodes: PlanNode[] = [];
  readonly inputs: PlanPort[] = [];
  readonly outputs: PlanPort[] = [];
  readonly #pieces: Uint8Array[] = [];
  readonly #blobs = new Map<string, Blob>();
  readonly #constants = new Map<string, number>();
  #bytes = 0;

  /** A value that a node or the caller writes. @returns its id */
  value(type: PlanType, dims: readonly number[], scale: PlanScale = {}): number {
    return this.values.push(this.#described(type, dims, scale)) - 1;
  }

  /** @param data little-endian, row-major @returns the id of the value */
  constant(type: PlanType, dims: readonly number[], data: Uint8Array, scale: PlanScale = {}): number {
    const value = { ...this.#described(type, dims, scale), data: this.#blob(data) };
    const key = JSON.stringify(value);
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const id = this.values.push(value) - 1;
    this.#constants.set(key, id);
    return id;
  }

  /** @returns where the bytes lie in the weights; equal bytes are kept once */
  blob(data: Uint8Array): Blob {
    return this.#blob(data);
  }

  node(node: PlanNode): void {
    this.nodes.push(node);
  }

  input(port: PlanPort): void {
    this.inputs.push(port);
  }

  output(port: PlanPort): void {
    this.outputs.push(port);
  }

  /** @returns the plan and the bytes that its blobs point into */
  finish(model: Plan['model'], producer: string): { plan: Plan; weights: Uint8Array } {
    const plan: Plan = {
      model,
      producer,
      inputs: this.inputs,
      outputs: this.outputs,
      values: this.values,
      nodes: this.#usedNodes(),
    };
    const weights = new Uint8Array(this.#bytes + BYTES_BEHIND_WEIGHTS);
    let offset = 0;
    for (const piece of this.#pieces) {
      weights.set(piece, offset);
      offset = aligned(offset + piece.length);
    }
    return { plan, weights };
  }

  /** XNNPACK ends the process at a node of which nothing is read. */
  #usedNodes(): PlanNode[] {
    const read = new Set(this.outputs.map(({ value }) => value));
    const used = this.nodes.toReversed().filter(({ inputs, outputs }) => {
      if (!outputs.some((id) => read.has(id))) return false;
      for (const id of inputs) read.add(id);
      return true;
    });
    return used.reverse();
  }

  #described(type: PlanType, dims: readonly number[], scale: PlanScale): PlanValue {
    const { scales, ...rest } = scale;
    return {
      type,
      dims: [...dims],
      ...rest,
      ...(scales && {
        scales: this.#blob(new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength)),
      }),
    };
  }

  #blob(data: Uint8Array): Blob {
    const key = createHash('sha256').update(data).digest('base64');
    const known = this.#blobs.get(key);
    if (known) return known;
    const blob = { offset: this.#bytes, bytes: data.length };
    this.#pieces.push(data);
    this.#blobs.set(key, blob);
    this.#bytes = aligned(this.#bytes + data.length);
    return blob;
  }
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
