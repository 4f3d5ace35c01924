/** Reads an ONNX file into the compiler's graph. The file is foreign: nothing in it is believed before it is checked. */

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError, ModelError, VigieError } from '../../../runtime/core/errors.ts';
import type { Graph } from '../graph.ts';
import { decode } from './decode.ts';
import type { Decoded } from './messages.ts';
import { type OptimiserLimits, optimise } from './optimise.ts';
import { type PrepareOptions, prepareModel } from './prepare.ts';
import { type NotLowerable, toGraph } from './to-graph.ts';

export interface FileFacts {
  readonly path: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
  readonly irVersion: number;
  /** `pytorch 2.1`, as the file says. */
  readonly producer: string;
  readonly graphName: string;
  /** Nodes in the file, before folding. */
  readonly nodes: number;
  /** Element type and shape as the file gives them: free dimensions by name, or `?`. */
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

export interface DeclaredTensor {
  readonly name: string;
  readonly shape?: readonly (number | string)[];
}

export interface OnnxGraph extends Graph {
  readonly file: FileFacts;
  /** Empty when every node may be lowered as far as the reader can tell. */
  readonly notLowerable: readonly NotLowerable[];
}

export type ReadOptions = OptimiserLimits & PrepareOptions;

const MOST_BYTES = 2 ** 31 - 1;

/**
 * @returns the graph with static shapes and folded constants. Values whose type or shape only a run tells are missing
 *   from `values`; the nodes at them are in `notLowerable`
 * @throws InputError `model-unreadable`, `model-too-large`, `shape-unknown-input`, `shape-mismatch`, `shape-free`;
 *   ModelError `onnx-malformed`, `onnx-opset`, `onnx-name`, `onnx-cycle`, `onnx-type`, `onnx-tensor`,
 *   `onnx-attribute`, `onnx-non-finite`, `onnx-sparse`, `onnx-external-data`, `onnx-refused`, `onnx-optimiser`.
 *   Each text starts with the path; `facts` has file, and node or tensor where one is to blame
 */
export async function readModel(path: string, options: ReadOptions = {}): Promise<OnnxGraph> {
  try {
    return await readUnnamed(path, options);
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
    const Same = error instanceof InputError ? InputError : ModelError;
    throw new Same(error.code, `${path}: ${error.message}`, {
      cause: error.cause,
      facts: { ...error.facts, file: path },
    });
  }
}

async function readUnnamed(path: string, options: ReadOptions): Promise<OnnxGraph> {
  const bytes = await readBytes(path);
  const { model, opset, feeds, inputs, bound } = prepareModel(bytes, path, options);
  const optimised = await optimise(bound, options);
  const { graph, notLowerable } = toGraph(decode('Model', optimised.bytes), opset, inputs, optimised.values);
  return { ...graph, notLowerable, file: fileFacts(path, bytes, model, feeds) };
}

async function readBytes(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const facts = await file.stat();
    if (!facts.isFile()) throw new InputError('model-unreadable', 'it is no regular file');
    if (facts.size > MOST_BYTES) {
      throw new InputError('model-too-large', `it has ${facts.size} bytes; models are read up to 2 GiB`);
    }
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof VigieError) throw cause;
    throw new InputError('model-unreadable', 'the model cannot be read', { cause });
  } finally {
    await file?.close();
  }
}

function fileFacts(
  path: string,
  bytes: Uint8Array,
  model: Decoded<'Model'>,
  feeds: readonly Decoded<'ValueInfo'>[],
): FileFacts {
  return {
    path,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    irVersion: Number(model.irVersion),
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    graphName: model.graph?.name ?? '',
    nodes: model.graph?.node?.length ?? 0,
    inputs: feeds.map(declared),
    outputs: (model.graph?.output ?? []).map(declared),
    metadata: Object.fromEntries((model.metadata ?? []).map(({ key, value }) => [key ?? '', value ?? ''])),
  };
}

function declared({ name, type }: Decoded<'ValueInfo'>): DeclaredTensor {
  const shape = type?.tensorType?.shape;
  const size = ({ value, param }: Decoded<'Dimension'>) =>
    value === undefined ? param || '?' : Number(value);
  return { name: name!, ...(shape && { shape: (shape.dim ?? []).map(size) }) };
}
