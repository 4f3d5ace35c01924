/** One camera in the vision process: frames from its pipeline, the newest to the model, what it finds to the node. */

import { isDeepStrictEqual } from 'node:util';
import { Capture, type CapturedFrame, type CaptureEvent } from '../addon/capture.ts';
import { drawPicture, type PictureOptions } from '../addon/draw.ts';
import type { Clock } from '../core/clock.ts';
import { describeError, VigieError } from '../core/errors.ts';
import type { Box } from '../core/geometry.ts';
import { type Millis, millis } from '../core/units.ts';
import { MotionGate } from '../pipeline/detection/motion/gate.ts';
import type { BoardReader } from '../pipeline/detection/rate/board-reader.ts';
import { RateGovernor } from '../pipeline/detection/rate/governor.ts';
import type {
  CameraJob,
  CameraPulse,
  FromVision,
  LookingJob,
  ModelJob,
  PictureReply,
  PictureWish,
  RateTold,
} from '../sources/camera/messages.ts';
import { CameraModel } from './camera-model.ts';
import { looked } from './detections.ts';
import { Faces } from './faces.ts';
import { KeptFrames } from './kept-frames.ts';
import type { LoadedModel, Models } from './model.ts';

export interface CameraLoopOptions {
  readonly job: CameraJob;
  readonly models: Models;
  readonly clock: Clock;
  readonly board: BoardReader;
  /** @returns false when the message was dropped. */
  readonly send: (message: FromVision, bytes?: Uint8Array) => boolean;
}

/** A pipeline that does not end within this hangs in a driver. */
const CLOSE_LIMIT = 5000;
/** Cells across of the motion gate's grid. */
const GRID = 80;
/** Who looks at a live picture asks again within this. */
const WATCHED = 2000;

export class CameraLoop {
  readonly #options: CameraLoopOptions;
  #rules: LookingJob;
  #gate: MotionGate | undefined;
  #governor: RateGovernor;
  readonly #model: CameraModel;
  readonly #kept: KeptFrames;
  readonly #faces: Faces | undefined;
  readonly #counters = { captured: 0, skipped: 0, damaged: 0, still: 0, spared: 0, detected: 0, dropped: 0 };
  #capture: Capture | undefined;
  #lastFrame: Millis | undefined;
  #sameSince: Millis | undefined;
  #busy = false;
  /** When a picture was wanted last. */
  #askedAt: Millis | undefined;
  #looking = false;
  /** Of the look under way. */
  #lookingSince: Millis | undefined;
  /** Rises with each pipeline: what an old one still tells is not heard. */
  #generation = 0;
  #change: Promise<void> = Promise.resolve();

  constructor(options: CameraLoopOptions) {
    this.#options = options;
    this.#kept = new KeptFrames(options.job.hidden);
    this.#rules = options.job;
    this.#faces = options.job.faces && this.#facesOf(options.job.faces.model);
    this.#governor = this.#freshGovernor(['model']);
    this.#model = new CameraModel({
      models: options.models,
      onSwitched: (model, fresh) => this.#switched(model, fresh),
    });
    this.#gate = gateOf(options.job);
  }

  /** What did not change is not learned anew. */
  configure(rules: LookingJob): void {
    const before = this.#rules;
    this.#rules = rules;
    this.#governor.configure(rules.rate.config);
    if (!isDeepStrictEqual(before.motion, rules.motion)) this.#gate = gateOf(rules);
  }

  /** Builds the pipeline, again where there is one. What goes wrong is told as a fault. */
  rebuild(): Promise<void> {
    this.#change = this.#change.then(() => this.#rebuild()).catch((error) => this.#fault(error));
    return this.#change;
  }

  /** A release of a bundle looks from now on, once it is loaded; the one before until then. */
  async serve(model: ModelJob | null): Promise<void> {
    const { job, send } = this.#options;
    if (!model) {
      this.#model.clear();
      return;
    }
    try {
      await this.#model.serve(model);
    } catch (error) {
      const code = error instanceof VigieError ? error.code : 'bad-model';
      const bundle = model.bundle?.digest ?? '';
      send({ type: 'model-refused', camera: job.camera, bundle, code, detail: describeError(error) });
    }
  }

  busy(busy: boolean): void {
    this.#busy = busy;
  }

  pulse(): CameraPulse {
    const { captured, skipped, damaged } = this.#capture?.counters() ?? {
      captured: 0,
      skipped: 0,
      damaged: 0,
    };
    const total = this.#counters;
    return {
      ...total,
      captured: total.captured + captured,
      skipped: total.skipped + skipped,
      damaged: total.damaged + damaged,
      ...(this.#lastFrame === undefined ? {} : { lastFrame: this.#lastFrame }),
      ...(this.#sameSince === undefined ? {} : { sameSince: this.#sameSince }),
      ...(this.#lookingSince === undefined ? {} : { lookingSince: this.#lookingSince }),
    };
  }

  async picture(request: number, wish: PictureWish): Promise<void> {
    const { send, clock } = this.#options;
    this.#askedAt = clock.mono();
    const kept = this.#kept.find(wish.sequence);
    if (!kept) {
      send(noPicture(request, 'no frame came yet, or none that the model looked at'));
      return;
    }
    const { sequence, capturedAt } = kept.frame;
    // While faces are looked for, newer frames may take this one's place.
    const frame = this.#faces ? kept.frame.copy() : kept.frame;
    try {
      const hidden = (await this.#faces?.find(kept.frame)) ?? kept.hidden;
      const { data, width, height } = await drawPicture(frame, optionsOf(wish, hidden));
      const facts = { sequence, capturedAt: millis(capturedAt), width, height };
      if (!send({ type: 'picture', request, ...facts }, data)) this.#counters.dropped += 1;
    } catch (error) {
      send(noPicture(request, describeError(error)));
    } finally {
      if (frame !== kept.frame) frame.close();
    }
  }

  #facesOf(model: ModelJob | undefined): Faces {
    const { models, clock, job, send } = this.#options;
    const { camera } = job;
    return new Faces({
      model,
      models,
      clock,
      onTrouble: (trouble) => void send({ type: 'faces', camera, trouble: trouble ?? null }),
    });
  }

  async #rebuild(): Promise<void> {
    const { job } = this.#options;
    await this.#close();
    void this.#faces?.prepare();
    if (job.model && !this.#model.current) {
      await this.#model.serve(job.model).catch((cause) => {
        throw new VigieError('model-refused', 'the model cannot be used', { cause });
      });
    }
    const generation = ++this.#generation;
    this.#capture = new Capture({ pipeline: job.pipeline, paced: job.paced }, (event) => {
      if (generation === this.#generation) this.#happened(event);
    });
  }

  async #close(): Promise<void> {
    const capture = this.#capture;
    if (!capture) return;
    const { captured, skipped, damaged } = capture.counters();
    this.#capture = undefined;
    this.#kept.letGo();
    this.#faces?.forget();
    this.#generation += 1;
    this.#counters.captured += captured;
    this.#counters.skipped += skipped;
    this.#counters.damaged += damaged;
    this.#lastFrame = undefined;
    this.#sameSince = undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `the pipeline did not end within ${CLOSE_LIMIT / 1000} s`;
      timer = setTimeout(() => reject(new VigieError('capture-hung', why)), CLOSE_LIMIT);
    });
    await Promise.race([capture.close(), late]).finally(() => clearTimeout(timer));
  }

  #happened(event: CaptureEvent): void {
    if (event.type === 'frame') void this.#look();
    else if (event.type === 'failed') this.#tellFault(event.code, event.detail);
    else this.#atEnd();
  }

  #atEnd(): void {
    const { job, send } = this.#options;
    if (job.endless) this.#tellFault('stream-ended', 'the stream ended');
    else if (this.#capture?.counters().captured === 0)
      this.#tellFault('stream-damaged', 'there is no picture in it');
    else if (job.loop) void this.rebuild();
    else send({ type: 'ended', camera: job.camera });
  }

  /** Looks at the newest frame for as long as there is one that nobody looked at. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    for (let frame = this.#capture?.take(); frame; frame = this.#capture?.take()) {
      const generation = this.#generation;
      // From now on it may be asked for; it is let go when the next one is shown.
      this.#kept.show(frame);
      try {
        await this.#model.look((model) => this.#find(frame, generation, model));
      } catch (error) {
        if (generation === this.#generation) this.#missed(error);
      }
      this.#lookingSince = undefined;
    }
    this.#looking = false;
  }

  async #find(frame: CapturedFrame, generation: number, model: LoadedModel | undefined): Promise<void> {
    const { job, clock, send } = this.#options;
    const capturedAt = millis(frame.capturedAt);
    this.#lastFrame = capturedAt;
    this.#sameSince = millis(frame.sameSince);
    if (!model) return;
    if (!this.#governor.frame(capturedAt, frame.sequence)) {
      this.#counters.spared += 1;
      return;
    }
    if (this.#isStill(frame, capturedAt)) {
      this.#counters.still += 1;
      return;
    }
    const handed = clock.mono();
    this.#lookingSince = handed;
    const found = await model.detector.detect(frame);
    // The pipeline was built anew meanwhile: its frames are counted anew, too.
    if (generation !== this.#generation) return;
    const timing = { handOver: millis(handed - capturedAt), detect: millis(clock.mono() - handed) };
    this.#counters.detected += 1;
    this.#kept.looked(frame, found);
    if (!send(looked(job.camera, frame, found, timing))) this.#counters.dropped += 1;
    this.#govern(timing.detect);
  }

  #govern(detect: Millis): void {
    if (this.#model.changing) return;
    const change = this.#governor.looked(detect, this.#options.clock.mono());
    if (!change) return;
    const { from, to, cause, reason } = change;
    const variants = this.#model.current?.variants ?? [];
    const variant = to.variant === from.variant ? undefined : variants[to.variant];
    this.#tellRate({ everyNth: to.everyNth, cause, reason, ...(variant === undefined ? {} : { variant }) });
    if (variant !== undefined) void this.#vary(to.variant, variants.slice(0, from.variant + 1));
  }

  /** @param usable variants, should this one not come up. */
  async #vary(variant: number, usable: readonly string[]): Promise<void> {
    const name = this.#model.current?.variants[variant];
    try {
      await this.#model.vary(variant);
    } catch (error) {
      this.#governor = this.#freshGovernor(usable);
      const reason = `its variant ${name} cannot be used: ${describeError(error)}`;
      this.#tellRate({ everyNth: 1, cause: 'slow', reason, variant: usable.at(-1)! });
    }
  }

  #switched({ facts, variants }: LoadedModel, fresh: boolean): void {
    const { job, send } = this.#options;
    send({ type: 'model', camera: job.camera, ...facts });
    if (!fresh) return;
    const { everyNth } = this.#governor.rate;
    this.#governor = this.#freshGovernor(variants);
    if (everyNth > 1)
      this.#tellRate({
        everyNth: 1,
        cause: 'fast',
        reason: 'another model looks, whose pace is not known yet',
      });
  }

  #freshGovernor(variants: readonly string[]): RateGovernor {
    return new RateGovernor({ ...this.#rules.rate, variants, board: this.#options.board });
  }

  #tellRate(told: RateTold): void {
    this.#options.send({ type: 'rate', camera: this.#options.job.camera, ...told });
  }

  #isStill(frame: CapturedFrame, at: Millis): boolean {
    if (!this.#gate || this.#isWatched(at)) return false;
    const width = Math.min(GRID, frame.width);
    const height = Math.max(1, Math.min(frame.height, Math.round((width * frame.height) / frame.width)));
    return !this.#gate.step({ width, height, data: frame.lumaGrid(width, height) }, at, this.#busy).look;
  }

  /** Pictures on which something is to be hidden are only of frames that the model looked at: who looks on needs all of them. */
  #isWatched(at: Millis): boolean {
    const { hidden } = this.#options.job;
    return hidden.length > 0 && this.#askedAt !== undefined && at - this.#askedAt < WATCHED;
  }

  /** A model that fails is nothing that another pipeline would mend; one of the configuration may do so by a restart. */
  #missed(error: unknown): void {
    const { job, send } = this.#options;
    if (this.#model.current?.facts.bundle === undefined) this.#fault(error);
    else send({ type: 'missed', camera: job.camera, detail: describeError(error) });
  }

  #fault(error: unknown): void {
    this.#tellFault(error instanceof VigieError ? error.code : 'capture-failed', describeError(error));
  }

  #tellFault(code: string, text: string): void {
    const { job, send } = this.#options;
    const detail = job.secret === '' ? text : text.replaceAll(job.secret, '[redacted]');
    send({ type: 'fault', camera: job.camera, code, detail });
  }
}

const gateOf = ({ motion }: LookingJob) => motion && new MotionGate(motion);

/** @param hidden grows by a quarter: a person moves from look to look. */
function optionsOf(
  { quality, most, mostBytes, annotations }: PictureWish,
  hidden: readonly Box[],
): PictureOptions {
  return {
    quality,
    hidden,
    enlarge: 0.25,
    ...(most === undefined ? {} : { most }),
    ...(mostBytes === undefined ? {} : { mostBytes }),
    ...(annotations ? { annotations } : {}),
  };
}

function noPicture(request: number, problem: string): PictureReply {
  return { type: 'picture', request, sequence: 0, capturedAt: millis(0), width: 0, height: 0, problem };
}
