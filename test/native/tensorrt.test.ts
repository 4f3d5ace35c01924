/** Builds the TensorRT backend and the stand-in with sanitizers and runs `tensorrt_check.cc` on them. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { info, node, onnxModel } from '../support/onnx-writer.ts';
import { sanitizedProgram } from '../support/sanitized.ts';
import { affineModel, buildStandin } from '../support/tensorrt-standin.ts';

const run = promisify(execFile);
const STANDIN = 'native/backends/tensorrt/stand-in';

test('the TensorRT backend is clean under the address, leak and undefined-behaviour sanitizers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vigie-tensorrt-'));
  try {
    const [libraries, work] = [join(folder, 'lib'), join(folder, 'work')];
    await mkdir(libraries);
    await mkdir(work);
    buildStandin(libraries, ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']);
    await writeModels(work);
    const program = await compile();
    const { stdout, stderr } = await run(program, [libraries, work]);
    assert.is(stdout, 'tensorrt: all checks passed\n');
    assert.is(stderr, '');
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function compile(): Promise<string> {
  const adapters = 'build/checks/tensorrt_adapters.cc';
  await mkdir(join(packageRoot, 'build/checks'), { recursive: true });
  await writeFile(join(packageRoot, adapters), ADAPTERS);
  const headers = ['-isystem', STANDIN, '-isystem', `${STANDIN}/cuda`];
  const define = ['-DVIGIE_TENSORRT_ADAPTER=stand_in', '-DVIGIE_TENSORRT_STAND_IN'];
  return sanitizedProgram({
    name: 'tensorrt_check',
    sources: [
      'native/backends/tensorrt/**/*.cc',
      'native/backends/types.cc',
      'test/native/tensorrt_check.cc',
      adapters,
    ],
    flags: ['-O0', ...headers, ...define],
    libraries: ['-ldl'],
  });
}

/** As CMake writes it where no headers of NVIDIA's are given. */
const ADAPTERS = `#include "backends/tensorrt/adapter.h"
namespace vigie::tensorrt {
namespace stand_in { const Adapter& instance(); }
std::span<const Adapter* const> adapters() {
  static const Adapter* const all[] = {&stand_in::instance()};
  return all;
}
}  // namespace vigie::tensorrt
`;

async function writeModels(folder: string): Promise<void> {
  const identity = (
    input: string,
    output: string,
    type: 'float32' | 'bfloat16',
    shapes: (number | string)[][],
  ) =>
    onnxModel({
      inputs: [info(input, type, shapes[0])],
      outputs: [info(output, type, shapes[1] ?? shapes[0])],
      nodes: [node('Identity', [input], [output])],
    });
  const models = {
    'free.onnx': affineModel(),
    'fixed.onnx': affineModel({ batch: 1 }),
    'free-width.onnx': identity('x', 'y', 'float32', [['N', 'W']]),
    'data-dependent.onnx': identity('x', 'y', 'float32', [
      ['N', 3],
      ['N', 'boxes'],
    ]),
    'shape.onnx': identity('shape', 'y', 'float32', [[1, 3]]),
    'chw4.onnx': identity('chw4', 'y', 'float32', [[1, 3]]),
    'bfloat16.onnx': identity('x', 'y', 'bfloat16', [[1, 3]]),
  };
  for (const [name, bytes] of Object.entries(models)) await writeFile(join(folder, name), bytes);
}

test.run();
