/** Runs build-engine.ts in a process of its own and holds it to a memory and a time cap. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NativeTensorrtBuild, TensorrtLog } from '../../../addon/tensorrt.ts';
import { InputError, ModelError, type VigieError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import { siblingModule } from '../../../core/paths.ts';
import type { Bytes, Millis } from '../../../core/units.ts';
import { writeTensorrtLog } from './log.ts';

export interface BuildJob {
  readonly build: Omit<NativeTensorrtBuild, 'timingCache'>;
  /** The text that the engine's file carries. */
  readonly key: string;
  readonly output: string;
  readonly timingCache: string;
  readonly libraryFolders: readonly string[];
}

export interface BuildLimits {
  /** Resident and swapped memory of the builder. */
  readonly memory: Bytes;
  /** Memory that must stay available to the machine: a Jetson's GPU memory is the machine's, and in no process's count. */
  readonly keepAvailable: Bytes;
  readonly time: Millis;
}

export type BuildMessage =
  | { readonly log: TensorrtLog }
  | { readonly done: true }
  | { readonly failed: { readonly code: string; readonly message: string } };

const WATCH_EVERY_MS = 100;
/** The builder is busy for minutes: the disk, like the processor, is only its own when nobody else wants it. */
const IDLE_IO = '/usr/bin/ionice';
const MOST_STDERR = 2000;

/**
 * Resolves when the engine is published at `job.output`.
 * @throws ModelError `build-memory`, `build-time` (a cap was reached), `build-crashed` (retryable), `build-stopped` (by
 * `signal`, retryable), or what the builder says: `bad-model`, `out-of-memory`, `backend-unavailable`; InputError
 * `bad-argument`.
 */
export async function buildInChild(
  job: BuildJob,
  limits: BuildLimits,
  log: Log,
  signal?: AbortSignal,
): Promise<void> {
  const child = start(job);
  const model = job.build.model;
  let verdict: VigieError | 'done' | undefined;
  const end = (code: string, why: string, retryable = false) => {
    verdict ??= new ModelError(code, `${model}: the engine build was ended: ${why}`, { retryable });
    child.kill('SIGKILL');
  };
  const stop = () => end('build-stopped', 'the node is stopping', true);
  child.on('message', (message: BuildMessage) => {
    if ('log' in message) return writeTensorrtLog(message.log, log, 'tensorrt.build.line', { model });
    verdict ??= 'done' in message ? 'done' : asError(message.failed);
  });
  const timer = setTimeout(() => end('build-time', `it took longer than ${limits.time} ms`), limits.time);
  const watch = setInterval(() => {
    const why = overLimit(child.pid, limits);
    if (why) end('build-memory', why);
  }, WATCH_EVERY_MS);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    const how = await ended(child);
    if (verdict === 'done') return;
    throw (
      verdict ?? new ModelError('build-crashed', `${model}: the engine build ${how}`, { retryable: true })
    );
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal?.removeEventListener('abort', stop);
  }
}

function start(job: BuildJob): ChildProcess {
  const program = fileURLToPath(siblingModule(import.meta.url, 'build-engine'));
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', program, JSON.stringify(job)];
  if (existsSync(IDLE_IO)) command.unshift(IDLE_IO, '-c', '3');
  const [file, ...rest] = command;
  return spawn(file as string, rest, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
}

/** @returns how it ended, with the end of what it wrote to stderr. */
async function ended(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_STDERR);
  });
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`did not start: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with status ${code}`),
    );
  });
  return said.trim() === '' ? how : `${how}: ${said.trim()}`;
}

function asError({ code, message }: { code: string; message: string }): VigieError {
  const Kind = code === 'bad-argument' ? InputError : ModelError;
  return new Kind(code, message);
}

function overLimit(pid: number | undefined, limits: BuildLimits): string | undefined {
  const used = kibibytes(`/proc/${pid}/status`, 'VmRSS') + kibibytes(`/proc/${pid}/status`, 'VmSwap');
  if (used * 1024 > limits.memory) {
    return `it used ${used * 1024} bytes of memory, the cap is ${limits.memory}`;
  }
  const available = kibibytes('/proc/meminfo', 'MemAvailable');
  if (available * 1024 >= limits.keepAvailable) return undefined;
  return `${available * 1024} bytes of memory were left to the machine, ${limits.keepAvailable} must stay`;
}

/** 0 when the process is just gone. */
function kibibytes(path: string, name: string): number {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(path, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
