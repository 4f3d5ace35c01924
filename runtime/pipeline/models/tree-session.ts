/** The addon's tree ensembles behind the session interface: one input [rows, columns], one output [rows, 1]. */

import type { OnnxTrees } from '../../addon/onnx-trees.ts';
import { inOrder } from '../inference/contract.ts';
import type { Buffers, Session, SessionFacts, Tensor, Tensors } from '../inference/session.ts';
import { SessionQueue } from '../inference/session-queue.ts';

export class TreeSession implements Session {
  readonly #path: string;
  readonly #trees: OnnxTrees;
  readonly #facts: SessionFacts;
  readonly #queue: SessionQueue;
  readonly #row: Float64Array<ArrayBuffer>;

  /** @param ports names of input and output in the ONNX file. */
  constructor(path: string, trees: OnnxTrees) {
    const { width } = trees.ensemble;
    this.#path = path;
    this.#trees = trees;
    this.#row = new Float64Array(width);
    this.#facts = {
      backend: 'onnxruntime',
      inputs: [{ name: trees.ports.input, type: 'float32', shape: [-1, width] }],
      outputs: [{ name: trees.ports.output, type: 'float32', shape: [-1, 1] }],
      threads: 1,
      memoryBytes: 0,
    };
    this.#queue = new SessionQueue(path);
  }

  describe(): SessionFacts {
    return this.#facts;
  }

  infer(inputs: Tensors, into?: Buffers): Promise<Tensors> {
    return this.#queue.add(async () => {
      const [tensor] = inOrder(this.#path, this.#facts, inputs);
      const { shape, data } = tensor as Tensor & { readonly data: Float32Array };
      const { name } = this.#facts.outputs[0]!;
      const rows = shape[0]!;
      const given = into?.[name];
      const out = given instanceof Float32Array && given.length === rows ? given : new Float32Array(rows);
      const width = this.#row.length;
      for (let row = 0; row < rows; row++) {
        this.#row.set(data.subarray(row * width, (row + 1) * width));
        out[row] = this.#trees.output(this.#trees.ensemble.score(this.#row));
      }
      return { [name]: { type: 'float32', shape: [rows, 1], data: out } };
    });
  }

  /**
   * What each column adds to the output; positive raises it.
   * @param row one value per column. @param into overwritten.
   */
  explain(row: Float64Array, into: Float64Array): void {
    const { ensemble, output } = this.#trees;
    ensemble.explain(row, into);
    if (output(0) > output(-1)) return;
    for (let i = 0; i < into.length; i++) into[i] = -into[i]!;
  }

  close(): Promise<void> {
    return this.#queue.close(async () => this.#trees.ensemble.dispose());
  }
}
