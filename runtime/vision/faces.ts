/**
 * Faces on pictures that are about to leave, for `privacy.blur: faces`. Looked for only where a picture is asked for. While
 * the model is missing, fails or takes too long, whole persons are to be hidden: the answer is undefined then.
 */

import type { CapturedFrame } from '../addon/capture.ts';
import type { Clock } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import type { Box } from '../core/geometry.ts';
import { millis, seconds } from '../core/units.ts';
import type { FacesTrouble, ModelJob } from '../sources/camera/messages.ts';
import { HiddenPlaces } from './hidden-places.ts';
import type { LoadedModel, Models } from './model.ts';

export interface FacesOptions {
  /** Undefined where none is configured. */
  readonly model: ModelJob | undefined;
  readonly models: Pick<Models, 'load'>;
  readonly clock: Clock;
  /** Whole persons are hidden from now on, and why; undefined: faces alone again. */
  readonly onTrouble: (trouble: FacesTrouble | undefined) => void;
  /** How long a picture may wait for its faces. */
  readonly patience?: number;
}

/** Who looks on waits no longer for a picture. */
const PATIENCE = 500;
/** So long without trouble and it is over: not at every picture that comes in time. */
const CALM = seconds(10);
const TRY_AGAIN = seconds(60);

export class Faces {
  readonly #options: FacesOptions;
  readonly #places = new HiddenPlaces();
  /** What is hidden on frames that are still there: several viewers ask for the same one. */
  readonly #known = new WeakMap<CapturedFrame, Promise<readonly Box[] | undefined>>();
  #loading: Promise<LoadedModel | undefined> | undefined;
  #triedAt = millis(Number.NEGATIVE_INFINITY);
  #trouble: FacesTrouble | undefined;
  #troubleAt = millis(0);

  constructor(options: FacesOptions) {
    this.#options = options;
  }

  /** Loads the model, where that was not done yet or failed a while ago. */
  prepare(): Promise<LoadedModel | undefined> {
    const { model, models, clock } = this.#options;
    if (!model) {
      this.#fail('missing', 'no model of faces is configured (privacy.faceModel)');
      return Promise.resolve(undefined);
    }
    if (this.#loading && (this.#trouble?.kind !== 'missing' || clock.mono() - this.#triedAt < TRY_AGAIN))
      return this.#loading;
    this.#triedAt = clock.mono();
    this.#loading = models.load(model).catch((error: unknown) => {
      this.#fail('missing', describeError(error));
      return undefined;
    });
    return this.#loading;
  }

  /** As shares of the picture. The frame is read before this returns. @returns undefined: hide whole persons. */
  find(frame: CapturedFrame): Promise<readonly Box[] | undefined> {
    const known = this.#known.get(frame);
    if (known) return known;
    const finding = this.#find(frame);
    this.#known.set(frame, finding);
    return finding;
  }

  /** Another pipeline shows other persons. */
  forget(): void {
    this.#places.forget();
  }

  async #find(frame: CapturedFrame): Promise<readonly Box[] | undefined> {
    const { patience = PATIENCE } = this.#options;
    const own = frame.copy();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), patience);
    });
    const looking = this.#look(own).finally(() => own.close());
    const faces = await Promise.race([looking, late]).finally(() => clearTimeout(timer));
    if (faces === 'late') this.#fail('late', `the model of faces took longer than ${patience} ms`);
    else if (faces) this.#succeed();
    if (faces === 'late' || !faces) return undefined;
    return this.#places.see(own.capturedAt, faces);
  }

  /** Rejects never. @returns undefined where there is no model. */
  async #look(frame: CapturedFrame): Promise<readonly Box[] | undefined> {
    const model = await this.prepare();
    if (!model) return undefined;
    const { width, height } = frame;
    try {
      const found = await model.detector.detect(frame);
      return found.map(({ box: [x, y, w, h] }) => [x / width, y / height, w / width, h / height]);
    } catch (error) {
      this.#fail('late', `the model of faces fails: ${describeError(error)}`);
      return undefined;
    }
  }

  #fail(kind: FacesTrouble['kind'], reason: string): void {
    this.#troubleAt = this.#options.clock.mono();
    if (this.#trouble?.kind === kind) return;
    this.#trouble = { kind, reason };
    this.#options.onTrouble(this.#trouble);
  }

  #succeed(): void {
    if (!this.#trouble || this.#options.clock.mono() - this.#troubleAt < CALM) return;
    this.#trouble = undefined;
    this.#options.onTrouble(undefined);
  }
}
