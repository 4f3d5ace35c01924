/** One camera as the node sees it: whether frames come, what is done about it when they do not. */

import type { Registry } from 'prom-client';
import type { CameraConfig } from '../../config/schema/camera.ts';
import { HEALTHY, type Health } from '../../core/component.ts';
import type { Log } from '../../core/log.ts';
import { type Millis, millis, seconds } from '../../core/units.ts';
import type { CameraEvent, CameraReason, CameraStep } from './events.ts';
import { HealingLadder, type HealingStep } from './ladder.ts';
import type { CameraPulse, FacesTrouble, FrameDetections, ModelFacts, RateTold } from './messages.ts';
import { type CameraMetrics, cameraMetrics } from './metrics.ts';

export interface WatchedCameraOptions {
  readonly config: CameraConfig;
  readonly log: Log;
  readonly registry: Registry;
  readonly now: Millis;
  readonly onEvent: (event: CameraEvent) => void;
}

/** Pulses come twice a second: less than this is no sign of a stall. */
const LEAST_STALL = seconds(2);
const FREEZE = seconds(60);

export class WatchedCamera {
  readonly name: string;
  /** Of the model that looks at its frames; undefined until it is loaded. */
  model: ModelFacts | undefined;
  readonly #options: WatchedCameraOptions;
  readonly #metrics: CameraMetrics;
  readonly #ladder: HealingLadder;
  #frames = false;
  #ended = false;
  #refused: string | undefined;
  /** Why its process ended; undefined once frames come again. */
  #lost: string | undefined;
  /** Why no model looks that should come as a bundle, or what the one that looks fails with. */
  #blind: string | undefined;
  #failing: string | undefined;
  /** Why faces alone cannot be hidden. */
  #wholePersons: string | undefined;
  /** Since when the model has been at one frame, as of the last pulse. */
  #lookingSince: Millis | undefined;

  constructor(options: WatchedCameraOptions) {
    const { config, registry, now } = options;
    this.#options = options;
    this.name = config.name;
    this.#metrics = cameraMetrics(registry, config.name);
    this.#metrics.up(false);
    this.#ladder = new HealingLadder(limitsOf(config), now);
  }

  pulse(pulse: CameraPulse): void {
    this.#metrics.frames(pulse);
    this.#lookingSince = pulse.lookingSince;
    if (pulse.lastFrame !== undefined && pulse.sameSince !== undefined) {
      this.#frame(pulse.lastFrame, pulse.sameSince);
    }
  }

  /** @param reason why no model looks; undefined when one does. */
  modelMissing(reason: string | undefined): void {
    this.#blind = reason;
    this.#failing = undefined;
    if (reason !== undefined) this.model = undefined;
  }

  /** The model failed, at a frame or when it was loaded. */
  missed(detail: string): void {
    if (this.#failing === undefined) this.#log('warn', 'model', detail);
    this.#failing = detail;
  }

  looked({ timing }: FrameDetections): void {
    this.#failing = undefined;
    this.#metrics.timing(timing.handOver, timing.detect);
  }

  fault(code: string, detail: string): void {
    this.#log('warn', 'fault', `${code}: ${detail}`);
    this.#metrics.up(false);
    this.#ladder.fault(code, detail);
  }

  /** The model looks at more or fewer frames from now on. No step of healing. */
  rate({ everyNth, variant, cause: reason, reason: why }: RateTold): void {
    const by = variant === undefined ? '' : `, by the model's variant ${variant}`;
    const detail = `${everyNth === 1 ? 'every frame' : `one frame of ${everyNth}`} is looked at${by}: ${why}`;
    this.#log('info', 'rate', detail, { reason, everyNth, ...(variant === undefined ? {} : { variant }) });
    const { onEvent } = this.#options;
    onEvent({ schema: 'vigie.camera/1', camera: this.name, step: 'rate', reason, detail, attempt: 0 });
  }

  /** Whole persons are hidden instead of faces, or faces alone again. No step of healing. */
  faces(trouble: FacesTrouble | null): void {
    const detail = trouble
      ? `whole persons are hidden instead of faces: ${trouble.reason}`
      : 'faces are hidden again';
    const reason = trouble ? (`faces-${trouble.kind}` as const) : 'healed';
    this.#wholePersons = trouble ? detail : undefined;
    this.#log(trouble ? 'warn' : 'info', 'privacy', detail, { reason });
    const { onEvent } = this.#options;
    onEvent({ schema: 'vigie.camera/1', camera: this.name, step: 'privacy', reason, detail, attempt: 0 });
  }

  /** A file came to its end, and is not to be played again. */
  ended(): void {
    this.#ended = true;
    this.#metrics.up(false);
    this.#tell('ended', 'file-end', 'the file is at its end', 0);
  }

  /** It cannot even be asked for as configured. */
  refuse(why: string): void {
    this.#refused = why;
    this.#tell('report', 'refused', why, 0);
  }

  /** The process was started again, for whatever reason. */
  restarted(now: Millis): void {
    this.#metrics.up(false);
    this.#lookingSince = undefined;
    this.#ladder.restarted(now);
  }

  /** @returns what to do now. */
  tick(now: Millis): HealingStep | undefined {
    if (this.#ended || this.#refused !== undefined) return undefined;
    const looking = this.lookingFor(now);
    if (looking > LEAST_STALL) this.missed('the model has been at one frame for seconds');
    const step = this.#ladder.tick(now, looking > 0);
    if (!step) return undefined;
    this.#metrics.up(false);
    this.#tell(step.rung, step.reason, step.detail, step.attempt);
    return step;
  }

  /** How long the model has been at the frame that it looks at; 0 between two looks. */
  lookingFor(now: Millis): Millis {
    return millis(this.#lookingSince === undefined ? 0 : Math.max(0, now - this.#lookingSince));
  }

  health(): Health {
    if (this.#refused !== undefined) return { state: 'failed', detail: this.#refused };
    if (this.#ended) return { state: 'stopped', detail: 'the file is at its end' };
    const { trouble, reported } = this.#ladder;
    if (trouble) return { state: reported ? 'failed' : 'degraded', detail: trouble.detail };
    if (this.#lost !== undefined) return { state: 'degraded', detail: this.#lost };
    if (!this.#frames) return { state: 'starting', detail: 'no frame came yet' };
    const detail = this.#failing ?? this.#blind ?? this.#wholePersons;
    return detail === undefined ? HEALTHY : { state: 'degraded', detail };
  }

  /** Something was done, or came to pass. */
  #tell(step: CameraStep, reason: CameraReason, detail: string, attempt: number): void {
    this.#metrics.step(step, reason);
    this.#log(step === 'recovered' || step === 'ended' ? 'info' : 'warn', step, detail, { reason, attempt });
    this.#options.onEvent({ schema: 'vigie.camera/1', camera: this.name, step, reason, detail, attempt });
  }

  /** The process as a whole was started again for this reason. */
  tellProcess(reason: CameraReason, detail: string, attempt: number): void {
    this.#lost = detail;
    this.#tell('restart-process', reason, detail, attempt);
  }

  #frame(capturedAt: Millis, sameSince: Millis): void {
    if (this.#ladder.frame(capturedAt, sameSince) || (this.#lost !== undefined && !this.#ladder.trouble)) {
      this.#lost = undefined;
      this.#tell('recovered', 'healed', 'frames come again', 0);
    }
    if (this.#ladder.trouble) return;
    this.#frames = true;
    this.#metrics.up(true);
  }

  #log(level: 'info' | 'warn', what: string, detail: string, facts: object = {}): void {
    const { log } = this.#options;
    log[level]({ event: `camera.${what}`, camera: this.name, ...facts }, `camera ${this.name}: ${detail}`);
  }
}

function limitsOf({ source, fps, healing }: CameraConfig) {
  const live = source.type !== 'file' && source.type !== 'test';
  const freeze = healing.freeze ?? (live ? FREEZE : 'off');
  return {
    stall: millis(Math.max(LEAST_STALL, (healing.stallPeriods * 1000) / fps)),
    startWithin: healing.startWithin,
    freeze: freeze === 'off' ? undefined : freeze,
    restartArgus: healing.restartArgus,
  };
}
