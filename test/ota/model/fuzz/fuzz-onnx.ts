/**
 * Fuzzes the ONNX reader: `bin/node test/ota/model/fuzz/fuzz-onnx.ts SECONDS FOLDER`. It mutates models field by field
 * and keeps what reaches code that nothing before did, by V8's own block coverage. (Jazzer.js would bring libFuzzer's
 * engine, but its npm package holds a binary for glibc 2.38 and later alone.) Ends with status 1 at the first input
 * that neither is read nor refused properly, or takes too long; the input is in FOLDER as `failed-…`.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { Random } from '../../../../simulator/random.ts';
import { mutate } from './mutate.ts';
import { fuzz } from './onnx-fuzzer.ts';
import { SEEDS } from './seeds.ts';

/** Asking for the coverage costs as much as some tens of runs. */
const BATCH = 64;
const SLOW_MS = 5000;
const MOST_BYTES = 16384;
const CORPUS = join(import.meta.dirname, '../corpus');

class Coverage {
  readonly #session = new Session();
  readonly #met = new Set<string>();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that ran since the last call. */
  async take(): Promise<string[]> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    return result
      .filter(({ url }) => url.includes('/ota/model/onnx/'))
      .flatMap(({ url, functions }) =>
        functions
          .flatMap(({ ranges }) => ranges)
          .filter(({ count }) => count > 0)
          .map(({ startOffset, endOffset }) => `${url}:${startOffset}:${endOffset}`),
      );
  }

  /** Those of the blocks that were never given before. */
  fresh(blocks: readonly string[]): Set<string> {
    const fresh = new Set(blocks.filter((block) => !this.#met.has(block)));
    for (const block of fresh) this.#met.add(block);
    return fresh;
  }

  get blocks(): number {
    return this.#met.size;
  }
}

const [, , seconds = '600', folder = 'build/fuzz/onnx'] = process.argv;
mkdirSync(folder, { recursive: true });
const seed = Number(process.hrtime.bigint() % 2n ** 31n);
const random = new Random(seed);
const filesOf = (path: string) => readdirSync(path).map((name) => readFileSync(join(path, name)));
const corpus: Uint8Array[] = [...Object.values(SEEDS), ...filesOf(CORPUS), ...filesOf(folder)];
const coverage = new Coverage();
await coverage.start();
for (const bytes of corpus) attempt(bytes);
coverage.fresh(await coverage.take());

let runs = 0;
const end = performance.now() + Number(seconds) * 1000;
while (performance.now() < end) {
  const batch = Array.from({ length: BATCH }, () => mutate(random.pick(corpus), corpus, random));
  const tried = batch.filter(({ length }) => length <= MOST_BYTES);
  for (const bytes of tried) attempt(bytes);
  runs += tried.length;
  const fresh = coverage.fresh(await coverage.take());
  if (fresh.size > 0) await keep(tried, fresh);
}
console.log(
  `${runs} runs, ${coverage.blocks} blocks of code, ${corpus.length} inputs kept, seed ${seed}: nothing failed`,
);

/** Runs the batch again, one by one, to find which led to something new. */
async function keep(batch: readonly Uint8Array[], fresh: Set<string>): Promise<void> {
  for (const bytes of batch) {
    attempt(bytes);
    const found = (await coverage.take()).filter((block) => fresh.delete(block));
    if (found.length === 0) continue;
    corpus.push(bytes);
    writeFileSync(join(folder, `run-${runs}-${corpus.length}`), bytes);
  }
}

function attempt(bytes: Uint8Array): void {
  const start = performance.now();
  try {
    fuzz(bytes);
    if (performance.now() - start < SLOW_MS) return;
    console.log('an input took too long');
  } catch (error) {
    console.log(error);
  }
  const path = join(folder, `failed-${runs}`);
  writeFileSync(path, bytes);
  console.log(`failed: ${path}`);
  process.exit(1);
}
