/**
 * Builds one engine and ends: the program behind engine-builder.ts. Runs with the lowest priority, is the first the
 * kernel kills when memory runs out, and dies with the process that started it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { buildTensorrtEngine, openTensorrt, takeTensorrtLog } from '../../../addon/tensorrt.ts';
import { writeFileAtomic } from '../../../core/atomic-file.ts';
import { describeError, ModelError, VigieError } from '../../../core/errors.ts';
import type { BuildJob, BuildMessage } from './engine-builder.ts';
import { encodeEngineFile } from './engine-file.ts';

const LOG_EVERY_MS = 200;
const LOWEST_PRIORITY = 19;

// Killed, not ended: an orderly end would wait for the build.
const die = () => process.kill(process.pid, 'SIGKILL');
process.once('disconnect', die);
yieldToOthers();
const ticking = setInterval(tellLog, LOG_EVERY_MS);
const outcome = await build(JSON.parse(process.argv[2] ?? '') as BuildJob).then(
  (): BuildMessage => ({ done: true }),
  (error: unknown): BuildMessage => ({ failed: asFailure(error) }),
);
clearInterval(ticking);
tellLog();
process.off('disconnect', die);
process.send?.(outcome, () => process.disconnect?.());

function asFailure(error: unknown): { code: string; message: string } {
  if (error instanceof VigieError) return { code: error.code, message: describeError(error) };
  return { code: 'build-failed', message: describeError(error) };
}

/** Before the first thread of the pool, which inherits the priority. */
function yieldToOthers(): void {
  setPriority(LOWEST_PRIORITY);
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Some containers do not allow it; the watch of memory still holds.
  }
}

async function build(job: BuildJob): Promise<void> {
  const found = openTensorrt(job.libraryFolders);
  if (!found.available) throw new ModelError('backend-unavailable', found.reason);
  const built = await buildTensorrtEngine({ ...job.build, timingCache: readTimings(job.timingCache) });
  writeFileAtomic(job.output, encodeEngineFile(job.key, built.engine));
  if (built.timingCache.length > 0) writeFileAtomic(job.timingCache, built.timingCache);
}

function readTimings(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array();
  }
}

function tellLog(): void {
  const log = takeTensorrtLog();
  if (log.lines.length > 0 || log.dropped > 0) tell({ log });
}

function tell(message: BuildMessage): void {
  process.send?.(message);
}
