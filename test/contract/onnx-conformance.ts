/**
 * Runs ONNX's node tests on a backend:
 *
 *     bin/node test/contract/onnx-conformance.ts ARCHIVE --backend xnnpack|onnxruntime [--json FILE]
 *
 * or, for a board or an emulator that has the addon alone, in two steps:
 *
 *     bin/node test/contract/onnx-conformance.ts ARCHIVE --compile FOLDER
 *     bin/node test/contract/onnx-conformance.ts --run FOLDER [--json FILE]
 *
 * Prints a table and ends with status 1 when any answer is wrong.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withNodeTests } from '../support/onnx-node-tests.ts';
import { type Outcome, table } from './conformance/outcome.ts';
import { runCompiled, runOnOnnxRuntime } from './conformance/run.ts';

async function compile(archive: string, folder: string): Promise<void> {
  // The step that runs does without the compiler and what it needs.
  const { compileAll } = await import('./conformance/compile.ts');
  await withNodeTests(archive, (source) => compileAll(source, folder));
}

export async function conformance(archive: string, backend: 'xnnpack' | 'onnxruntime'): Promise<Outcome[]> {
  if (backend === 'onnxruntime') return withNodeTests(archive, runOnOnnxRuntime);
  const folder = mkdtempSync(join(tmpdir(), 'vigie-conformance-'));
  try {
    await compile(archive, folder);
    return await runCompiled(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      backend: { type: 'string', default: 'xnnpack' },
      compile: { type: 'string' },
      run: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const [archive = ''] = positionals;
  if (values.compile !== undefined) {
    mkdirSync(values.compile, { recursive: true });
    return compile(archive, values.compile);
  }
  const backend = values.backend === 'onnxruntime' ? 'onnxruntime' : 'xnnpack';
  const outcomes =
    values.run === undefined ? await conformance(archive, backend) : await runCompiled(values.run);
  console.log(table(backend, outcomes));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ backend, outcomes }, null, 2)}\n`);
  if (outcomes.some(({ result }) => result === 'wrong')) process.exitCode = 1;
}

if (import.meta.main) await main();
