/** The child of selftest.ts: waits for the job, runs it, says what came of it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { compareVectors } from '../../../ota/bundle/compare-vectors.ts';
import { readVectors } from '../../../ota/bundle/vectors.ts';
import { describeError, InputError, ModelError, VigieError } from '../../core/errors.ts';
import { createLog } from '../../core/log.ts';
import type { Session, Tensors } from '../inference/session.ts';
import { openArtifact } from './open-bundle.ts';
import type { SelftestJob, SelftestMessage } from './selftest.ts';
import { warmUp } from './warm-up.ts';

/** Should memory run out, this process is the one to go. */
const FIRST_TO_GO = '1000';

async function test(job: SelftestJob): Promise<number> {
  const choice = { backend: job.backend, path: job.path };
  const { session } = await openArtifact(job.model, choice, job.machine, createLog('silent'));
  if (job.vectors === undefined) {
    await warmUp(session);
    return 0;
  }
  return compare(session, job.vectors, job.tolerance ?? 0);
}

async function compare(session: Session, file: string, tolerance: number): Promise<number> {
  const cases = readVectors(readFileSync(file));
  const actual: Tensors[] = [];
  for (const { inputs } of cases) actual.push(await session.infer(inputs));
  const difference = compareVectors(cases, actual, tolerance);
  if (!difference) return cases.length;
  const { at, output, text } = difference;
  throw new ModelError('selftest-failed', `golden vector ${at}: output '${output}' ${text}`);
}

async function run(job: SelftestJob): Promise<SelftestMessage> {
  try {
    return { done: true, cases: await test(job) };
  } catch (error) {
    const code = error instanceof VigieError ? error.code : 'selftest-failed';
    return { failed: { code, message: describeError(error), input: error instanceof InputError } };
  }
}

process.once('message', (job) => {
  void run(job as SelftestJob).then((message) => process.send?.(message));
});
// Nobody waits for the result of a process whose node is gone.
process.once('disconnect', () => process.exit(1));
try {
  writeFileSync('/proc/self/oom_score_adj', FIRST_TO_GO);
} catch {
  // A sandbox may forbid it; the watch on its memory stays.
}
