/** Engines on the stand-in in a folder of its own. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binding, type NativeSessionHandle, translated } from '../../../../runtime/addon/binding.ts';
import { createLog } from '../../../../runtime/core/log.ts';
import { bytes, millis } from '../../../../runtime/core/units.ts';
import {
  type EngineOptions,
  type EnginesOptions,
  TensorrtEngines,
} from '../../../../runtime/pipeline/inference/tensorrt/engines.ts';
import { affineModel, standinFolder } from '../../../support/tensorrt-standin.ts';

export interface Line {
  readonly level: string;
  readonly event: string;
  readonly message: string;
}

export interface Bench {
  readonly folder: string;
  readonly cache: string;
  readonly model: string;
  readonly lines: Line[];
  readonly engines: TensorrtEngines;
  /** Builds so far, in all processes. */
  builds(): number;
  open(how?: Partial<EngineOptions>, signal?: AbortSignal): Promise<NativeSessionHandle>;
  end(): void;
}

export const FP32: EngineOptions = { precision: 'fp32', maxBatch: 4 };

/** A folder with `model.onnx`, y = 2x + 1 on float32 [N,3], and engines that keep theirs in `cache`. */
export function bench(options: Partial<EnginesOptions> = {}): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-engines-'));
  const [cache, model, counter] = ['cache', 'model.onnx', 'builds'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(model, affineModel());
  writeFileSync(counter, '');
  process.env.STANDIN_BUILDS = counter;
  const lines: Line[] = [];
  const engines = new TensorrtEngines({
    folder: cache,
    budget: bytes(1e6),
    limits: { memory: bytes(1e9), keepAvailable: bytes(0), time: millis(60_000) },
    log: createLog('trace', (line) => lines.push(JSON.parse(line) as Line)),
    libraryFolders: [standinFolder()],
    ...options,
  });
  return {
    ...{ folder, cache, model, lines, engines },
    builds: () => readFileSync(counter).length,
    open: (how, signal) => engines.open(model, { ...FP32, ...how }, load, signal),
    end: () => rmSync(folder, { recursive: true }),
  };
}

/** What the loader does: the addon's errors become the project's. */
export async function load(path: string): Promise<NativeSessionHandle> {
  try {
    return await binding().loadSession('tensorrt', path);
  } catch (error) {
    throw translated(error);
  }
}

export async function inferred(session: NativeSessionHandle, ...rows: number[][]): Promise<number[]> {
  const [y] = await session.infer([Float32Array.from(rows.flat())], [[rows.length, 3]]);
  return [...(y as Float32Array)];
}

export async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it did not fail');
}
