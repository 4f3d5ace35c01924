/** The addon's backends behind the session interface. */

import { NativeSession } from '../../addon/native-session.ts';
import { inOrder } from './contract.ts';
import type {
  BackendName,
  Buffers,
  Session,
  SessionFacts,
  SessionOptions,
  TensorData,
  TensorInfo,
  Tensors,
} from './session.ts';
import { SessionQueue } from './session-queue.ts';

export type NativeBackendName = Exclude<BackendName, 'onnxruntime'>;

/** Beyond the interface, work of the addon's own on the model: `perform`. */
export class NativeBackendSession implements Session {
  readonly #native: NativeSession;
  readonly #facts: SessionFacts;
  readonly #queue: SessionQueue;

  private constructor(native: NativeSession) {
    const { backend, inputs, outputs, threads, memoryBytes } = native.facts;
    this.#native = native;
    this.#facts = {
      backend: backend as BackendName,
      inputs: inputs.map(contractOf),
      outputs: outputs.map(contractOf),
      threads,
      memoryBytes,
    };
    this.#queue = new SessionQueue(native.path);
  }

  /** @throws ModelError, InputError: see NativeSession.load */
  static async load(
    backend: NativeBackendName,
    path: string,
    options: SessionOptions,
  ): Promise<NativeBackendSession> {
    const { threads, memoryLimitBytes, affinity } = options;
    return new NativeBackendSession(
      await NativeSession.load(backend, path, { threads, memoryLimitBytes, affinity }),
    );
  }

  describe(): SessionFacts {
    return this.#facts;
  }

  async infer(inputs: Tensors, into?: Buffers): Promise<Tensors> {
    const outputs = await this.#queue.add(() => {
      const tensors = inOrder(this.#native.path, this.#facts, inputs);
      return this.#native.infer(
        tensors.map(({ data }) => data),
        tensors.map(({ shape }) => shape),
        into && this.#facts.outputs.map(({ name }) => into[name]),
      );
    });
    return Object.fromEntries(
      this.#facts.outputs.map(({ name, type }, index) => {
        const { data, shape } = outputs[index]!;
        return [name, { type, shape, data: data as TensorData }];
      }),
    );
  }

  /** Has its turn among the calls of `infer`: for native work that takes the session's handle. */
  perform<T>(work: (native: NativeSession) => Promise<T>): Promise<T> {
    return this.#queue.add(() => work(this.#native));
  }

  close(): Promise<void> {
    return this.#queue.close(() => this.#native.close());
  }
}

function contractOf({ name, type, shape }: NativeSession['facts']['inputs'][number]): TensorInfo {
  return { name, type: type as TensorInfo['type'], shape };
}
