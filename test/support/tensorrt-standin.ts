/** The stand-in for TensorRT's and CUDA's libraries, compiled once, and small models that it runs. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../runtime/core/paths.ts';
import { constant, info, type Json, node, onnxModel } from './onnx-writer.ts';

const SOURCES = 'test/native/tensorrt-standin';
const HEADERS = 'native/backends/tensorrt/stand-in';
const LIBRARIES = {
  'libnvinfer.so.10': ['engine.cc', 'builder.cc', 'onnx_subset.cc'],
  'libnvonnxparser.so.10': ['nvonnxparser.cc', 'onnx_subset.cc'],
  'libcudart.so.12': ['cudart.cc'],
};
export const STANDIN_FLAGS = [
  ...['-std=gnu++20', '-O1', '-g1', '-fPIC', '-shared', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror'],
  ...['-Inative', '-isystem', HEADERS, '-isystem', `${HEADERS}/cuda`],
];

/** The folder with the libraries, built when their sources have changed. */
export function standinFolder(): string {
  const hash = createHash('sha256');
  const sources = globSync(
    [`${SOURCES}/*`, `${HEADERS}/**/*.h`, 'native/backends/tensorrt/adapter/onnx_parser.h'],
    {
      cwd: packageRoot,
    },
  );
  for (const path of sources.sort()) hash.update(path).update(readFileSync(join(packageRoot, path)));
  const parent = join(packageRoot, 'build', 'tensorrt-standin');
  const folder = join(parent, hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;
  mkdirSync(parent, { recursive: true });
  const made = mkdtempSync(join(parent, 'new-'));
  buildStandin(made);
  try {
    renameSync(made, folder);
  } catch {
    rmSync(made, { recursive: true }); // another test file was faster
  }
  return folder;
}

/** @param flags further ones, such as a sanitizer's. */
export function buildStandin(folder: string, flags: readonly string[] = []): void {
  for (const [library, sources] of Object.entries(LIBRARIES)) {
    const paths = sources.map((name) => join(SOURCES, name));
    execFileSync('g++', [...STANDIN_FLAGS, ...flags, ...paths, '-o', join(folder, library)], {
      cwd: packageRoot,
    });
  }
}

/** Sets the stand-in's environment variables (faults.h) while `work` runs, for this process and those it starts. */
export async function withFaults<T>(
  faults: Readonly<Record<string, string | number>>,
  work: () => T | Promise<T>,
): Promise<T> {
  for (const [name, value] of Object.entries(faults)) process.env[`STANDIN_${name}`] = String(value);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(faults)) delete process.env[`STANDIN_${name}`];
  }
}

export interface AffineOptions {
  /** A name leaves the batch free. */
  readonly batch?: number | string;
  readonly width?: number;
  readonly scale?: number;
  /** With QuantizeLinear and DequantizeLinear in front. */
  readonly quantized?: boolean;
  readonly more?: readonly Json[];
}

/** y = scale * x + 1 on float32 [batch, width]. */
export function affineModel(options: AffineOptions = {}): Buffer {
  const { batch = 'N', width = 3, scale = 2, quantized = false, more = [] } = options;
  const first = quantized ? 'dequantized' : 'x';
  const quantize = [
    node('QuantizeLinear', ['x', 'step', 'zero'], ['quantized']),
    node('DequantizeLinear', ['quantized', 'step', 'zero'], ['dequantized']),
  ];
  return onnxModel({
    inputs: [info('x', 'float32', [batch, width])],
    outputs: [info('y', 'float32', [batch, width])],
    initializers: [
      constant('scale', 'float32', [1], [scale]),
      constant('one', 'float32', [1], [1]),
      ...(quantized ? [constant('step', 'float32', [], [0.5]), constant('zero', 'int8', [], [0])] : []),
    ],
    nodes: [
      ...(quantized ? quantize : []),
      node('Mul', [first, 'scale'], ['scaled']),
      ...more,
      node('Add', ['scaled', 'one'], ['y']),
    ],
  });
}
