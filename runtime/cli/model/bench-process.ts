/** Child process of bench.ts, so that memory is the model's own: a BenchJob as argument, a BenchRun or an error out. */

import { readFileSync } from 'node:fs';
import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import { describeError, VigieError } from '../../core/errors.ts';
import type { BackendName, SessionOptions } from '../../pipeline/inference/session.ts';
import { loadArtifact } from './load-artifact.ts';
import type { NamedShapes } from './shapes.ts';
import { type Timing, timing } from './statistics.ts';

export interface BenchJob {
  readonly path: string;
  readonly backend: BackendName;
  readonly options: SessionOptions;
  readonly profile: DeviceProfile;
  readonly shapes: NamedShapes;
  readonly seconds: number;
}

export interface BenchRun extends Timing {
  /** Until the first inference was done. */
  readonly loadMs: number;
  /** Peak resident memory beyond what the process had before, with libraries and mapped file. */
  readonly peakBytes: number;
}

export type BenchReply = { readonly run: BenchRun } | { readonly error: { code: string; message: string } };

const WARM_UP = 5;
const LEAST_RUNS = 10;
const KIBI = 1024;

async function measure({ path, backend, options, profile, shapes, seconds }: BenchJob): Promise<BenchRun> {
  const { randomInputs } = await import('../../../ota/model/random-inputs.ts');
  const before = memory('VmRSS');
  const began = performance.now();
  const session = await loadArtifact({ path, backend }, options, profile);
  const contract = session.describe().inputs;
  const infos = contract.map((info) => ({
    ...info,
    shape: shapes[info.name] ?? info.shape.map((dim) => Math.max(dim, 1)),
  }));
  const inputs = randomInputs(infos, {}, 1);
  await session.infer(inputs);
  const loadMs = Number((performance.now() - began).toFixed(1));
  for (let i = 1; i < WARM_UP; i++) await session.infer(inputs);
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let at = performance.now(); at < end || times.length < LEAST_RUNS; ) {
    await session.infer(inputs);
    const now = performance.now();
    times.push(now - at);
    at = now;
  }
  await session.close();
  return { ...timing(times), loadMs, peakBytes: Math.max(0, memory('VmHWM') - before) };
}

/** Bytes, from /proc/self/status. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * KIBI;
}

const reply = await measure(JSON.parse(process.argv[2]!) as BenchJob).then(
  (run): BenchReply => ({ run }),
  (error: unknown): BenchReply => {
    const code = error instanceof VigieError ? error.code : 'failed';
    return { error: { code, message: describeError(error) } };
  },
);
process.stdout.write(JSON.stringify(reply));
