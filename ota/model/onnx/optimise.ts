/** Has ONNX Runtime fold constants and infer shapes, in a child process with limits on time and memory. */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelError } from '../../../runtime/core/errors.ts';
import { siblingModule } from '../../../runtime/core/paths.ts';
import type { InferredValue } from './to-graph.ts';

/** What the child says. */
export interface OptimiserAnswer {
  readonly values?: readonly InferredValue[];
  /** Why ONNX Runtime does not take the model. */
  readonly refused?: string;
}

export interface Optimised {
  readonly bytes: Uint8Array;
  readonly values: readonly InferredValue[];
}

export interface OptimiserLimits {
  /** Default 120 s. */
  readonly seconds?: number;
  /** Default 8 GiB. */
  readonly memoryBytes?: number;
}

const DEFAULT_SECONDS = 120;
const DEFAULT_MEMORY = 8 * 1024 ** 3;
const KIBI = 1024;
const MOST_STDERR = 4000;

/** @throws ModelError `onnx-refused` with ONNX Runtime's words, `onnx-optimiser` when it crashed or hit a limit */
export async function optimise(model: Uint8Array, limits: OptimiserLimits = {}): Promise<Optimised> {
  const folder = await mkdtemp(join(tmpdir(), 'vigie-onnx-'));
  try {
    const input = join(folder, 'model.onnx');
    const output = join(folder, 'optimised.onnx');
    const answerPath = join(folder, 'answer.json');
    await writeFile(input, model);
    await runChild([input, output, answerPath], limits);
    if (!existsSync(answerPath)) throw failed('it ended without an answer');
    const answer = JSON.parse(readFileSync(answerPath, 'utf8')) as OptimiserAnswer;
    if (!answer.values) {
      throw new ModelError('onnx-refused', `ONNX Runtime does not take the model: ${answer.refused?.trim()}`);
    }
    return { bytes: readFileSync(output), values: answer.values };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runChild(args: readonly string[], limits: OptimiserLimits): Promise<void> {
  const seconds = limits.seconds ?? DEFAULT_SECONDS;
  const memory = limits.memoryBytes ?? DEFAULT_MEMORY;
  const script = fileURLToPath(siblingModule(import.meta.url, './optimise-child'));
  // Data, not address space: V8 reserves much that it never touches.
  const shell = 'ulimit -c 0; ulimit -d "$0" && exec "$@"';
  const child = spawn(
    '/bin/sh',
    ['-c', shell, String(Math.floor(memory / KIBI)), process.execPath, '--no-warnings', script, ...args],
    { stdio: ['ignore', 'ignore', 'pipe'], timeout: seconds * 1000, killSignal: 'SIGKILL' },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MOST_STDERR);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(failed('it could not be started', cause)));
    child.once('close', (status, signal) => {
      if (status === 0) resolve();
      else if (signal === 'SIGKILL')
        reject(failed(`it was stopped after ${seconds} s, or by the system for its memory`));
      else {
        const how = signal ? `signal ${signal}` : `status ${status}: ${lastLine(stderr)}`;
        reject(failed(`with at most ${memory} bytes of memory, it ended with ${how}`));
      }
    });
  });
}

const lastLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1) ?? 'no word';

function failed(why: string, cause?: unknown): ModelError {
  return new ModelError('onnx-optimiser', `ONNX Runtime's optimiser did not get through the model: ${why}`, {
    cause,
  });
}
