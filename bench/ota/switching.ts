/** Two releases change places under a steady stream of rows: how long it takes, what is lost, what waits. */

import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '../../runtime/core/clock.ts';
import { createLog } from '../../runtime/core/log.ts';
import { unavailableBackends } from '../../runtime/pipeline/inference/choose-backend.ts';
import { Models } from '../../runtime/pipeline/models/models.ts';
import { bundleOf, removeBundles, scoreOnnx } from '../../test/support/bundles.ts';
import { atMost, type BenchResult, info, percentile } from '../bench.ts';

const MIB = 1024 ** 2;
/** Rows come this often. */
const EVERY_MS = 10;
const SETTLE_MS = 500;
const SWITCHES = 10;
const WIDTH = 64;

export async function measureSwitch(): Promise<BenchResult[]> {
  const machine = { backends: ['onnxruntime'], precision: 'float32', session: { threads: 1 } } as const;
  const log = createLog('silent');
  const clock = new SystemClock(() => true);
  const models = new Models({ machine: () => machine, unavailable: unavailableBackends, clock, log });
  await models.start();
  const made = (release: number) =>
    bundleOf({ release, model: scoreOnnx(WIDTH, release, 0, 4 * MIB), inputShape: [1, WIDTH] });
  const [a, b] = [made(1), made(2)];
  await models.serve(a);
  const stream = new Stream(models);
  await sleep(SETTLE_MS);
  const normal = stream.longestGap();
  const forth: number[] = [];
  const back: number[] = [];
  const gaps: number[] = [];
  for (let i = 0; i < SWITCHES; i++) {
    const [next, times] = i % 2 === 0 ? ([b, forth] as const) : ([a, back] as const);
    stream.restart();
    const began = performance.now();
    await models.serve(next);
    times.push(performance.now() - began);
    await sleep(SETTLE_MS / 2);
    gaps.push(stream.longestGap());
  }
  const dropped = await stream.end();
  await models.stop();
  removeBundles();
  return [
    atMost('switch_ms', percentile(forth, 0.5), 'ms', 250),
    info('switch_worst_ms', Math.max(...forth), 'ms'),
    info('switch_back_ms', Math.max(...back), 'ms'),
    atMost('dropped', dropped, '', 0),
    info('gap_normal_ms', normal, 'ms'),
    info('gap_switch_ms', Math.max(...gaps), 'ms'),
    atMost('gap_ratio', percentile(gaps, 0.5) / normal, 'x', 2),
  ];
}

/** Asks at a steady pace, whatever the answers do. */
class Stream {
  readonly #models: Models;
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<unknown>>();
  #asked = 0;
  #answered = 0;
  #last = performance.now();
  #longest = 0;

  constructor(models: Models) {
    this.#models = models;
    this.#timer = setInterval(() => this.#ask(), EVERY_MS);
  }

  restart(): void {
    this.#longest = 0;
  }

  /** Between two answers, ms. */
  longestGap(): number {
    return this.#longest;
  }

  /** @returns rows without an answer. */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#pending);
    return this.#asked - this.#answered;
  }

  #ask(): void {
    this.#asked += 1;
    const data = new Float32Array(WIDTH).fill(this.#asked % 7);
    const call = this.#models.slot('score').infer({ x: { type: 'float32', shape: [1, WIDTH], data } });
    const settled = call.then(
      () => {
        this.#answered += 1;
        const now = performance.now();
        this.#longest = Math.max(this.#longest, now - this.#last);
        this.#last = now;
      },
      () => {},
    );
    this.#pending.add(settled);
    void settled.then(() => this.#pending.delete(settled));
  }
}
