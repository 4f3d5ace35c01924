/** The node tests that the ONNX project gives backends: small models with inputs and expected outputs. */

import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { decode } from '../../ota/model/onnx/decode.ts';
import type { Decoded } from '../../ota/model/onnx/messages.ts';
import { readTensor } from '../../ota/model/onnx/tensor-data.ts';
import { arrayOf } from '../../runtime/pipeline/inference/contract.ts';
import type { Tensor, TensorData, Tensors } from '../../runtime/pipeline/inference/session.ts';

export interface NodeTest {
  readonly name: string;
  /** The operators of the model, each once. */
  readonly ops: readonly string[];
  readonly modelPath: string;
  readonly model: Decoded<'Model'>;
  readonly inputs: Tensors;
  readonly outputs: Tensors;
}

/** Unpacks the archive of node tests, gives their folder to `use`, and removes it. */
export async function withNodeTests<T>(archive: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-node-tests-'));
  try {
    const { status, stderr } = spawnSync('tar', ['xzf', archive, '-C', folder], { encoding: 'utf8' });
    if (status !== 0) throw new RangeError(`tar: ${stderr}`);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function nodeTests(folder: string): NodeTest[] {
  return globSync('**/model.onnx', { cwd: folder })
    .sort()
    .map((path) => readNodeTest(join(folder, path)));
}

function readNodeTest(modelPath: string): NodeTest {
  const folder = dirname(modelPath);
  const model = decode('Model', readFileSync(modelPath));
  const graph = model.graph!;
  const read = (kind: 'input' | 'output', names: readonly string[]) =>
    Object.fromEntries(
      names.map((name, at) => [name, readPb(join(folder, 'test_data_set_0', `${kind}_${at}.pb`))]),
    );
  return {
    name: basename(folder).replace(/^test_/, ''),
    ops: [...new Set(graph.node!.map(({ opType }) => opType!))],
    modelPath,
    model,
    inputs: read(
      'input',
      (graph.input ?? []).map(({ name }) => name!),
    ),
    outputs: read(
      'output',
      (graph.output ?? []).map(({ name }) => name!),
    ),
  };
}

function readPb(path: string): Tensor {
  const { type, shape, data } = readTensor(decode('Tensor', readFileSync(path)), path);
  return { type, shape, data: elements(type, new Uint8Array(data)) };
}

/** @param bytes little-endian, starting where the element type may. */
export function elements(type: Tensor['type'], bytes: Uint8Array): TensorData {
  const Elements = arrayOf(type) as unknown as new (buffer: ArrayBufferLike) => TensorData;
  return new Elements(bytes.buffer);
}
