import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { openTensorrt } from '../../../runtime/addon/tensorrt.ts';
import { createLog } from '../../../runtime/core/log.ts';
import { bytes, millis } from '../../../runtime/core/units.ts';
import { TensorrtEngines } from '../../../runtime/pipeline/inference/tensorrt/engines.ts';
import { sessionContract } from '../../contract/session-contract.ts';
import { standinFolder } from '../../support/tensorrt-standin.ts';
import { addOnnx, slowOnnx } from '../../support/tiny-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-tensorrt-session-'));
test.after(() => rmSync(folder, { recursive: true }));
const libraryFolders = [standinFolder()];
openTensorrt(libraryFolders);
const engines = new TensorrtEngines({
  folder: join(folder, 'cache'),
  budget: bytes(1e8),
  limits: { memory: bytes(1e9), keepAvailable: bytes(0), time: millis(60_000) },
  log: createLog('silent'),
  libraryFolders,
});

async function built(name: string, model: Uint8Array): Promise<string> {
  const [onnx, engine] = [join(folder, `${name}.onnx`), join(folder, `${name}.engine`)];
  writeFileSync(onnx, model);
  const copy = async (path: string) => copyFileSync(path, engine);
  await engines.open(onnx, { precision: 'fp32', maxBatch: 1 }, copy);
  return engine;
}

const prelude = `const { openTensorrt } = await import(${JSON.stringify(
  new URL('../../../runtime/addon/tensorrt.ts', import.meta.url).href,
)}); openTensorrt(${JSON.stringify(libraryFolders)});`;
const [add, slow] = [await built('add', addOnnx()), await built('slow', slowOnnx(6))];

sessionContract({ backend: 'tensorrt', add, slow, folder, rounds: 50, terminable: true, prelude });

test.run();
