/**
 * The model that looks at one camera's frames. Another one is loaded and warmed beside it and takes over between two looks:
 * no frame waits for the switch.
 */

import type { Frame } from '../addon/vision.ts';
import type { ModelJob } from '../sources/camera/messages.ts';
import type { LoadedModel, Models } from './model.ts';

export interface CameraModelOptions {
  readonly models: Models;
  /** Looks from now on. @param fresh another model, not another variant of the same one. */
  readonly onSwitched: (model: LoadedModel, fresh: boolean) => void;
}

interface Choice {
  readonly job: ModelJob;
  readonly variant: number;
  readonly model: LoadedModel;
}

/** First looks pack weights and lay out memory, which no frame shall wait for. */
const WARM_UP_LOOKS = 2;
const WARM_UP_SIDE = 64;

export class CameraModel {
  readonly #options: CameraModelOptions;
  #current: Choice | undefined;
  /** Loaded; waits for the look under way. Null: nothing is to look any more. */
  #next: Choice | null | undefined;
  #looking = false;
  /** Rises with each wish: what comes up after a later one was asked for is let go. */
  #turn = 0;
  #loading = 0;

  constructor(options: CameraModelOptions) {
    this.#options = options;
  }

  get current(): LoadedModel | undefined {
    return this.#current?.model;
  }

  /** Another one is on its way: times that are measured now are those of two models. */
  get changing(): boolean {
    return this.#loading > 0 || this.#next !== undefined;
  }

  /** @throws as Models.load; then the one that looked goes on. */
  serve(job: ModelJob): Promise<void> {
    return this.#bring(job, 0);
  }

  /** Another variant of the model that looks. @throws as Models.load */
  async vary(variant: number): Promise<void> {
    const job = this.#current?.job;
    if (job) await this.#bring(job, variant);
  }

  clear(): void {
    this.#turn += 1;
    this.#put(null);
  }

  /** One look: whatever happens meanwhile, it is all of one model's. */
  async look(work: (model: LoadedModel | undefined) => Promise<void>): Promise<void> {
    this.#looking = true;
    try {
      await work(this.current);
    } finally {
      this.#looking = false;
      this.#switch();
    }
  }

  async #bring(job: ModelJob, variant: number): Promise<void> {
    const { models } = this.#options;
    const turn = ++this.#turn;
    this.#loading += 1;
    try {
      const model = await models.load(job, variant);
      try {
        await warmUp(model);
      } catch (error) {
        void models.letGo(model);
        throw error;
      }
      if (turn === this.#turn) this.#put({ job, variant, model });
      else void models.letGo(model);
    } finally {
      this.#loading -= 1;
    }
  }

  #put(next: Choice | null): void {
    if (this.#next) void this.#options.models.letGo(this.#next.model);
    this.#next = next;
    if (!this.#looking) this.#switch();
  }

  #switch(): void {
    const next = this.#next;
    if (next === undefined) return;
    const { models, onSwitched } = this.#options;
    const before = this.#current;
    this.#next = undefined;
    this.#current = next ?? undefined;
    if (next) onSwitched(next.model, next.job !== before?.job);
    // Its session ends the call that it may still have from another camera first.
    if (before) void models.letGo(before.model);
  }
}

async function warmUp({ detector }: LoadedModel): Promise<void> {
  const [width, height] = [WARM_UP_SIDE, WARM_UP_SIDE];
  const frame: Frame = { format: 'nv12', width, height, data: new Uint8Array(width * height * 1.5) };
  for (let look = 0; look < WARM_UP_LOOKS; look++) await detector.detect(frame);
}
