/** What the fuzzers written in TypeScript share: inputs until the time is up, and the one that failed on the disk. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../simulator/random.ts';
import { cpuTime } from './cpu-time.ts';

const SLOW_MS = 2000;

export interface FuzzInput {
  readonly bytes: Uint8Array;
  /** Where it is put, for the file's name and the message; left out when there is one place only. */
  readonly place?: { readonly file: string; readonly text: string };
  /** Rejects or throws when the bytes are neither read nor refused as they should be. */
  read(): unknown;
}

export interface FuzzOptions {
  readonly seconds: number;
  /** Made; gets the input that failed as `failed`, with its place behind that. */
  readonly folder: string;
  next(random: Random, run: number): FuzzInput;
  /** Said at the end, after the number of runs. */
  summary?(): string;
}

/** Ends the process with status 1 at the first input that fails, or takes too long. */
export async function fuzzLoop({ seconds, folder, next, summary }: FuzzOptions): Promise<void> {
  const seed = Number(process.hrtime.bigint() % 2n ** 31n);
  const random = new Random(seed);
  mkdirSync(folder, { recursive: true });
  let runs = 0;
  for (const end = performance.now() + seconds * 1000; performance.now() < end; runs++) {
    const { bytes, place, read } = next(random, runs);
    const began = cpuTime();
    try {
      await read();
      if (cpuTime() - began > SLOW_MS) throw new RangeError(`took more than ${SLOW_MS} ms of the processor`);
    } catch (error) {
      const path = join(folder, place ? `failed-${place.file}` : 'failed');
      writeFileSync(path, bytes);
      console.error(error);
      console.error(`${place ? `${place.text}, ` : ''}seed ${seed}, run ${runs}: ${path}`);
      process.exit(1);
    }
  }
  console.log(`${runs} runs, ${summary ? `${summary()}, ` : ''}seed ${seed}: nothing failed`);
}
