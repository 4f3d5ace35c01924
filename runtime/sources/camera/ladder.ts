/**
 * When a camera is stuck, and what is tried next: rebuild the pipeline, start the process again, restart the Argus daemon,
 * report; then on and on with long pauses. Pure: time comes as an argument, the driver carries the steps out.
 */

import { type Millis, millis, minutes, seconds } from '../../core/units.ts';

export type Rung = 'rebuild' | 'restart-process' | 'restart-argus' | 'report';

/**
 * `absent`: the device or the server is not there. `refused`: the camera cannot run as configured; trying harder would not help.
 */
export type HealingReason = 'no-first-frame' | 'stall' | 'frozen' | 'absent' | 'fault' | 'refused';

export interface HealingStep {
  readonly rung: Rung;
  readonly reason: HealingReason;
  /** For a person. */
  readonly detail: string;
  /** Steps since the camera was last well, this one among them. */
  readonly attempt: number;
}

export interface LadderLimits {
  /** Without a frame for so long: a stall. */
  readonly stall: Millis;
  readonly startWithin: Millis;
  /** The same picture for so long is a fault; undefined: never. */
  readonly freeze?: Millis | undefined;
  readonly restartArgus: boolean;
}

/** Faults that no restart mends: they are told at once, and looked at again now and then. */
const REFUSALS: ReadonlySet<string> = new Set([
  'bad-pipeline',
  'capture-unavailable',
  'element-missing',
  'format-refused',
  'device-refused',
  'model-refused',
]);

/** Nobody is there: nothing of the process's own is wrong, so only the pipeline is built anew, until somebody is. */
const ABSENCES: ReadonlySet<string> = new Set(['device-missing', 'unreachable', 'stream-ended']);

/** A pipeline that could not be taken apart. */
const HUNG = 'capture-hung';

const REBUILDS = 3;
const RESTARTS = 2;
const FIRST_PAUSE = seconds(1);
const LONGEST_PAUSE = seconds(60);
const ABSENT_PAUSE = seconds(15);
const REFUSED_PAUSE = minutes(1);
const STEADY = seconds(30);

interface Trouble {
  readonly reason: HealingReason;
  readonly detail: string;
}

export class HealingLadder {
  readonly #limits: LadderLimits;
  /** When the pipeline was last (re)started. */
  #startedAt: Millis;
  #lastFrame: Millis | undefined;
  #sameSince: Millis | undefined;
  #fault: Trouble | undefined;
  #attempt = 0;
  #nextStepAt: Millis;
  #trouble: Trouble | undefined;
  #reported = false;

  constructor(limits: LadderLimits, now: Millis) {
    this.#limits = limits;
    this.#startedAt = now;
    this.#nextStepAt = now;
  }

  /** What is wrong; undefined when frames come. Stays set until `recovered` was told. */
  get trouble(): { readonly reason: HealingReason; readonly detail: string } | undefined {
    return this.#trouble;
  }

  /** Nothing that was tried helped. */
  get reported(): boolean {
    return this.#reported;
  }

  /** @param sameSince since when the picture has been the very same. @returns true when this ends a trouble. */
  frame(capturedAt: Millis, sameSince: Millis): boolean {
    // A frame of before the last step says nothing of what came of it.
    if (capturedAt < this.#startedAt) return false;
    const changed = this.#sameSince !== undefined && sameSince !== this.#sameSince;
    this.#lastFrame = capturedAt;
    this.#sameSince = sameSince;
    const frozen = this.#isFrozen(capturedAt);
    if (!frozen && capturedAt - this.#startedAt >= this.#steady()) this.#attempt = 0;
    if (!this.#trouble || this.#fault || frozen) return false;
    // Only another picture shows that it is frozen no more.
    if (this.#trouble.reason === 'frozen' && !changed) return false;
    this.#trouble = undefined;
    this.#reported = false;
    return true;
  }

  /** The pipeline ended with a fault. @param code as CaptureFault. */
  fault(code: string, detail: string): void {
    const reason = REFUSALS.has(code) ? 'refused' : ABSENCES.has(code) ? 'absent' : 'fault';
    this.#fault = { reason, detail: `${code}: ${detail}` };
    // Its threads and what they hold stay until the process goes.
    if (code === HUNG) this.#attempt = Math.max(this.#attempt, REBUILDS);
  }

  /** The pipeline was started for another reason than a step of the ladder's. */
  restarted(now: Millis): void {
    this.#startedAt = now;
    this.#lastFrame = undefined;
    this.#sameSince = undefined;
    this.#fault = undefined;
  }

  /**
   * @param looking a frame is being looked at: the next ones wait, and that none is taken says nothing of the camera.
   * @returns the step to take now, if any.
   */
  tick(now: Millis, looking = false): HealingStep | undefined {
    const trouble = this.#fault ?? this.#symptom(now, looking);
    if (!trouble) return undefined;
    this.#trouble = trouble;
    if (now < this.#nextStepAt) return undefined;
    this.#attempt += 1;
    const rung = this.#rung(trouble.reason);
    const step = { rung, ...trouble, attempt: this.#attempt };
    this.#nextStepAt = millis(now + this.#pause(trouble.reason));
    if (rung === 'report') this.#reported = true;
    else this.restarted(now);
    return step;
  }

  #symptom(now: Millis, looking: boolean): Trouble | undefined {
    const { stall, startWithin } = this.#limits;
    if (this.#lastFrame === undefined) {
      if (looking || now - this.#startedAt <= startWithin) return undefined;
      return { reason: 'no-first-frame', detail: `no frame within ${text(startWithin)} of the start` };
    }
    if (!looking && now - this.#lastFrame > stall) {
      return { reason: 'stall', detail: `no frame for ${text(now - this.#lastFrame)}` };
    }
    if (!this.#isFrozen(now)) return undefined;
    return { reason: 'frozen', detail: `the very same picture for ${text(now - this.#sameSince!)}` };
  }

  #isFrozen(now: Millis): boolean {
    const { freeze } = this.#limits;
    return freeze !== undefined && this.#sameSince !== undefined && now - this.#sameSince > freeze;
  }

  #pause(reason: HealingReason): number {
    if (reason === 'refused') return REFUSED_PAUSE;
    const longest = reason === 'absent' ? ABSENT_PAUSE : LONGEST_PAUSE;
    return Math.min(FIRST_PAUSE * 2 ** Math.min(this.#attempt - 1, 16), longest);
  }

  #rung(reason: HealingReason): Rung {
    if (reason === 'refused') return this.#reported ? 'rebuild' : 'report';
    if (reason === 'absent') return this.#attempt <= REBUILDS || this.#reported ? 'rebuild' : 'report';
    if (this.#attempt <= REBUILDS) return 'rebuild';
    if (this.#attempt <= REBUILDS + RESTARTS) return 'restart-process';
    if (this.#limits.restartArgus && this.#attempt === REBUILDS + RESTARTS + 1) return 'restart-argus';
    return this.#reported ? 'restart-process' : 'report';
  }

  /** A camera that freezes again and again must not seem well in between. */
  #steady(): Millis {
    return millis(Math.max(STEADY, 2 * (this.#limits.freeze ?? 0)));
  }
}

const text = (duration: number) => `${(duration / 1000).toFixed(1)} s`;
