/**
 * ONNX Runtime behind the session interface. Each session is a thread with onnxruntime-node, which works on the thread
 * that calls it. Inputs are copied once on the way there, outputs are handed over.
 */

import { stat } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import type { InferenceSession } from 'onnxruntime-node';
import { InputError, ModelError } from '../../core/errors.ts';
import { arrayOf, inOrder } from './contract.ts';
import type { Metadata, RawData } from './onnxruntime-protocol.ts';
import { OnnxRuntimeThread } from './onnxruntime-thread.ts';
import type {
  Buffers,
  Session,
  SessionFacts,
  SessionOptions,
  Tensor,
  TensorInfo,
  Tensors,
} from './session.ts';
import { SessionQueue } from './session-queue.ts';

/** Of onnxruntime-node 1.30. The process aborts when it makes an output of one. */
const ABORTING = ['int4', 'uint4'];
const MOST_THREADS = 256;

export class OnnxRuntimeSession implements Session {
  readonly #path: string;
  readonly #thread: OnnxRuntimeThread;
  readonly #facts: SessionFacts;
  readonly #queue: SessionQueue;

  private constructor(path: string, thread: OnnxRuntimeThread, facts: SessionFacts) {
    this.#path = path;
    this.#thread = thread;
    this.#facts = facts;
    this.#queue = new SessionQueue(path);
  }

  /**
   * Outputs that are no tensors of numbers (sequences, maps, strings) are left out of the contract and not computed.
   * @throws ModelError `bad-model`, `model-unsupported` (a type that ONNX Runtime's binding cannot take or give),
   * `model-memory`, `backend-unavailable`; InputError `bad-argument`
   */
  static async load(path: string, options: SessionOptions): Promise<OnnxRuntimeSession> {
    const settings = sessionOptions(options);
    await checkSize(path, options.memoryLimitBytes ?? 0);
    const { thread, metadata } = await OnnxRuntimeThread.start(path, settings);
    try {
      const threads = settings.intraOpNumThreads || availableParallelism();
      return new OnnxRuntimeSession(path, thread, factsOf(path, metadata, threads));
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  describe(): SessionFacts {
    return this.#facts;
  }

  async infer(inputs: Tensors, into?: Buffers): Promise<Tensors> {
    const facts = this.#facts;
    const results = await this.#queue.add(() => {
      const expected = facts.inputs.map((info) => ofAnyRank(info, inputs));
      const tensors = inOrder(this.#path, { ...facts, inputs: expected }, inputs);
      return this.#thread.run(
        Object.fromEntries(tensors.map((tensor, i) => [expected[i]!.name, copied(tensor)])),
        facts.outputs.map(({ name }) => name),
      );
    });
    return Object.fromEntries(
      facts.outputs.map(({ name, type }) => {
        const { shape, data } = results[name]!;
        return [name, { type, shape, data: fitted(data as Tensor['data'], into?.[name]) }];
      }),
    );
  }

  close(): Promise<void> {
    return this.#queue.close(() => this.#thread.end());
  }
}

/** ONNX Runtime tells a tensor of unknown rank as a scalar. */
function ofAnyRank(info: TensorInfo, inputs: Tensors): TensorInfo {
  const given = inputs?.[info.name]?.shape;
  return info.shape.length === 0 && Array.isArray(given) ? { ...info, shape: given.map(() => -1) } : info;
}

/** A copy of the elements alone, to be handed over: the array may be a window of something large, or shared. */
function copied({ type, shape, data }: Tensor): {
  type: Tensor['type'];
  shape: readonly number[];
  data: RawData;
} {
  const copy = new (arrayOf(type))(data.length);
  copy.set(data as never);
  return { type, shape, data: copy as RawData };
}

function fitted(data: Tensor['data'], into: Tensor['data'] | undefined): Tensor['data'] {
  if (into?.constructor !== data.constructor || into.length !== data.length) return data;
  into.set(data as never);
  return into;
}

async function checkSize(path: string, limit: number): Promise<void> {
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (cause) {
    throw new ModelError('bad-model', `${path}: the model cannot be read`, { cause });
  }
  if (limit === 0 || size <= limit) return;
  // What it takes in all is known to nobody before it ran; the weights are the least.
  throw new ModelError(
    'model-memory',
    `${path}: the model has ${size} bytes and its session may take ${limit}`,
  );
}

function sessionOptions(options: SessionOptions): InferenceSession.SessionOptions {
  const { threads = 1, affinity = [], onnxruntime: own = {} } = options;
  const interOpThreads = own.interOpThreads ?? 1;
  for (const [name, value] of Object.entries({ threads, interOpThreads })) {
    if (Number.isInteger(value) && value >= 0 && value <= MOST_THREADS) continue;
    throw new InputError('bad-argument', `${name} is ${value}, no whole number from 0 to ${MOST_THREADS}`);
  }
  const wrong = affinity.find((core) => !Number.isInteger(core) || core < 0 || core >= cpus().length);
  if (wrong !== undefined) {
    throw new InputError(
      'bad-argument',
      `affinity names core ${wrong}; this machine has 0 to ${cpus().length - 1}`,
    );
  }
  const extra = { ...own.settings, ...affinitySetting(threads || availableParallelism(), affinity) };
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads || availableParallelism(),
    interOpNumThreads: interOpThreads || availableParallelism(),
    executionMode: own.executionMode ?? 'sequential',
    graphOptimizationLevel: own.graphOptimization ?? 'all',
    enableCpuMemArena: own.arena ?? true,
    enableMemPattern: own.memoryPattern ?? true,
    // Its words come with the errors: nothing of it goes to this process's output.
    logSeverityLevel: 4,
    extra,
  };
}

/** The calling thread is one of the session's threads; the library binds the others alone. Its cores count from 1. */
function affinitySetting(threads: number, affinity: readonly number[]): Record<string, string> {
  if (threads < 2 || affinity.length === 0) return {};
  const cores = affinity.map((core) => core + 1).join(',');
  return {
    'session.intra_op_thread_affinities': Array(threads - 1)
      .fill(cores)
      .join(';'),
  };
}

function factsOf(path: string, metadata: Metadata, threads: number): SessionFacts {
  const outputs = metadata.outputs
    .map((value) => typed(path, 'output', value))
    .filter((info) => info !== undefined);
  const inputs = metadata.inputs.map((value) => {
    const info = typed(path, 'input', value);
    if (info) return info;
    throw unsupported(path, `its input "${value.name}" is no tensor of numbers`);
  });
  if (outputs.length === 0) throw unsupported(path, 'none of its outputs is a tensor of numbers');
  return { backend: 'onnxruntime', inputs, outputs, threads, memoryBytes: 0 };
}

/** Undefined for what is no tensor of numbers. */
function typed(path: string, end: string, value: InferenceSession.ValueMetadata): TensorInfo | undefined {
  if (!value.isTensor || value.type === 'string') return undefined;
  if (ABORTING.includes(value.type)) {
    throw unsupported(
      path,
      `its ${end} "${value.name}" is of type ${value.type}, at which onnxruntime-node aborts the process; ` +
        'convert it in the model with a Cast to int8 or uint8',
    );
  }
  const shape = value.shape.map((size) => (typeof size === 'number' ? size : -1));
  return { name: value.name, type: value.type as TensorInfo['type'], shape };
}

function unsupported(path: string, why: string): ModelError {
  return new ModelError('model-unsupported', `${path}: ONNX Runtime cannot run this model here: ${why}`);
}
