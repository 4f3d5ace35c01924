/** The JavaScript side of an ONNX Runtime session's thread: one request at a time, and an end that is safe. */

import { Worker } from 'node:worker_threads';
import type { InferenceSession } from 'onnxruntime-node';
import { ModelError } from '../../core/errors.ts';
import { siblingModule } from '../../core/paths.ts';
import {
  ENDING,
  IDLE,
  type Metadata,
  type RawTensor,
  type Reply,
  type Request,
  WORKING,
  type WorkerData,
} from './onnxruntime-protocol.ts';

/** The longest that the end of the process waits for a call under way. */
const LONGEST_CALL_MS = 60_000;

const gates = new Set<Int32Array>();

/** Ended in the middle of a call, onnxruntime-node aborts the process: see onnxruntime-worker.ts. */
function waitForCalls(): void {
  for (const gate of gates) {
    const before = Atomics.compareExchange(gate, 0, IDLE, ENDING);
    if (before === WORKING) Atomics.wait(gate, 0, WORKING, LONGEST_CALL_MS);
    Atomics.store(gate, 0, ENDING);
  }
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: ModelError) => void;
}

export class OnnxRuntimeThread {
  readonly #path: string;
  readonly #worker: Worker;
  readonly #gate: Int32Array;
  #pending: Pending | undefined;
  #ended = false;

  private constructor(path: string, worker: Worker, gate: Int32Array) {
    this.#path = path;
    this.#worker = worker;
    this.#gate = gate;
    worker.on('message', (reply: Reply) => this.#take()?.resolve(reply));
    worker.on('error', (cause) => this.#end(cause));
    worker.on('exit', () => this.#end());
  }

  /** @throws ModelError `bad-model` or `model-unsupported` with ONNX Runtime's words, `backend-unavailable`. */
  static async start(
    path: string,
    options: InferenceSession.SessionOptions,
  ): Promise<{ thread: OnnxRuntimeThread; metadata: Metadata }> {
    const gate = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const workerData: WorkerData = { path, options, gate };
    const worker = new Worker(siblingModule(import.meta.url, './onnxruntime-worker'), {
      workerData,
      // Those of the process may be for its main module alone.
      execArgv: [],
      name: 'onnxruntime',
    });
    const thread = new OnnxRuntimeThread(path, worker, new Int32Array(gate));
    if (gates.size === 0) process.on('exit', waitForCalls);
    gates.add(thread.#gate);
    const reply = await thread.#reply().catch((error: ModelError) => {
      const text = `${path}: ONNX Runtime cannot be used here`;
      throw new ModelError('backend-unavailable', text, { cause: error.cause });
    });
    if ('loaded' in reply) return { thread, metadata: reply.loaded };
    await thread.end();
    const words = 'failed' in reply ? tidy(reply.failed) : 'it gave no answer';
    // The library's words for an output of a type that has no typed array, such as bfloat16.
    const code = words.startsWith('Unsupported data type') ? 'model-unsupported' : 'bad-model';
    throw new ModelError(code, `${path}: ONNX Runtime does not load the model: ${words}`);
  }

  /** @throws ModelError `model-run` with ONNX Runtime's words. */
  async run(
    inputs: Readonly<Record<string, RawTensor>>,
    outputs: readonly string[],
  ): Promise<Readonly<Record<string, RawTensor>>> {
    if (this.#ended) throw this.#lost();
    const request: Request = { inputs, outputs };
    const answer = this.#reply();
    this.#worker.postMessage(
      request,
      Object.values(inputs).map(({ data }) => data.buffer as ArrayBuffer),
    );
    const reply = await answer;
    if ('outputs' in reply) return reply.outputs;
    const words = 'failed' in reply ? tidy(reply.failed) : 'it gave no answer';
    throw new ModelError('model-run', `${this.#path}: the model failed at run: ${words}`);
  }

  /** Only between calls. Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return;
    const exit = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.ref();
    this.#worker.postMessage('close');
    await exit;
  }

  #reply(): Promise<Reply> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
  }

  /** An idle session keeps no process alive. */
  #take(): Pending | undefined {
    this.#worker.unref();
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  #end(cause?: unknown): void {
    this.#ended = true;
    gates.delete(this.#gate);
    if (gates.size === 0) process.off('exit', waitForCalls);
    this.#take()?.reject(this.#lost(cause));
  }

  #lost(cause?: unknown): ModelError {
    const text = `${this.#path}: the thread that runs the model is gone; load the model again`;
    return new ModelError('model-run', text, { cause });
  }
}

/** ONNX Runtime's messages name its source files, lines and functions and end with line breaks. */
function tidy(message: string): string {
  return message
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\S*\/onnxruntime_src\/\S+ /g, '')
    .trim();
}
