/** Loads a model and runs its golden vectors in a process of its own, where a crash, a hang or a leak ends nothing else. */

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InputError, ModelError, type VigieError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { siblingModule } from '../../core/paths.ts';
import { type Bytes, bytes, type Millis, minutes, seconds } from '../../core/units.ts';
import type { BackendName } from '../inference/session.ts';
import { BUILD_LIMITS } from './load-file.ts';
import type { ModelMachine } from './open-bundle.ts';

export interface SelftestJob {
  /** How errors name it. */
  readonly model: string;
  readonly backend: BackendName;
  readonly path: string;
  readonly machine: ModelMachine;
  /** File of golden vectors; left out, the model is only loaded and run once. */
  readonly vectors?: string;
  readonly tolerance?: number;
}

export interface SelftestLimits {
  /** Left out: a minute, and for TensorRT as long as a build may take. */
  readonly time?: Millis;
  /** Memory of the child beyond what the model says that it needs. */
  readonly memory?: Bytes;
}

export type SelftestMessage =
  | { readonly done: true; readonly cases: number }
  | { readonly failed: { readonly code: string; readonly message: string; readonly input: boolean } };

/** What Node.js, the addon, ONNX Runtime and 64 MiB of vectors take before the model. */
const OWN_MEMORY = bytes(512 * 1024 ** 2);
const TIME = minutes(1);
const WATCH_EVERY_MS = 25;
const MOST_STDERR = 2000;
/** Of V8's heap in the child, MiB. */
const HEAP_MIB = 256;

/**
 * @throws ModelError `selftest-failed` (outputs differ, with what), `selftest-crashed`, `selftest-time`,
 * `selftest-memory`, `selftest-stopped` (by `signal`, retryable); what the load in the child says: `no-backend`,
 * InputError `vectors-invalid`, `bad-argument`.
 */
export async function runSelftest(
  job: SelftestJob,
  limits: SelftestLimits & { readonly ramBytes?: number },
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { time = TIME, memory = OWN_MEMORY, ramBytes = 0 } = limits;
  const most = memory + Math.max(ramBytes, job.machine.session.memoryLimitBytes ?? 0);
  const building = job.backend === 'tensorrt' && limits.time === undefined;
  const child = start();
  const said = stderrOf(child);
  let verdict: VigieError | 'done' | undefined;
  const end = (code: string, why: string, retryable = false) => {
    verdict ??= new ModelError(code, `${job.model}: the self-test ${why}`, { retryable });
    child.kill('SIGKILL');
  };
  const stop = () => end('selftest-stopped', 'was stopped', true);
  child.once('message', (message: SelftestMessage) => {
    if ('failed' in message) verdict ??= asError(job.model, message.failed);
    else verdict ??= 'done';
    child.kill('SIGKILL');
  });
  const limit = building ? BUILD_LIMITS.time : time;
  const timer = setTimeout(() => end('selftest-time', `took longer than ${limit / seconds(1)} s`), limit);
  const watch = setInterval(() => {
    const held = residentBytes(child.pid);
    if (held > most)
      end('selftest-memory', `took ${mebi(held)} MiB of memory, of ${mebi(most)} MiB that it may`);
  }, WATCH_EVERY_MS);
  signal.addEventListener('abort', stop);
  try {
    child.send(job);
    const how = await ended(child);
    if (verdict === undefined) {
      const words = said();
      throw new ModelError(
        'selftest-crashed',
        `${job.model}: the self-test ${how}${words && `; it said: ${words}`}`,
      );
    }
    if (verdict !== 'done') throw verdict;
    log.info(
      { event: 'model.selftest.passed', model: job.model, backend: job.backend },
      `${job.model} passed its self-test`,
    );
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener('abort', stop);
  }
}

function start(): ChildProcess {
  const child = fork(fileURLToPath(siblingModule(import.meta.url, 'selftest-process')), {
    execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP_MIB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // Whether it could be sent the job shows in how it ends.
  child.on('error', () => {});
  return child;
}

function stderrOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-MOST_STDERR);
  });
  return () => text.trim().replace(/\s+/g, ' ');
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with status ${code}`),
    );
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
  });
}

function asError(
  model: string,
  { code, message, input }: Extract<SelftestMessage, { failed: unknown }>['failed'],
) {
  const text = message.includes(model) ? message : `${model}: ${message}`;
  return input ? new InputError(code, text) : new ModelError(code, text);
}

/** 0 once it is gone. Swapped memory counts: else a small board would hide a leak in its compressed swap. */
function residentBytes(pid: number | undefined): Bytes {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    // Pages of mapped model files can be dropped at any time and count for nothing.
    return bytes((kib('RssAnon') + kib('VmSwap')) * 1024);
  } catch {
    return bytes(0);
  }
}

const mebi = (size: number) => Math.ceil(size / 1024 ** 2);
