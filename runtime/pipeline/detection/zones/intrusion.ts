/** One event while it goes on: what was best of it, when it was last told, and its words. */

import type { Box } from '../../../core/geometry.ts';
import type {
  DetectionEvent,
  IntrusionEnd,
  ModelIdentity,
  SnapshotReference,
} from '../../../core/messages.ts';
import type { Millis } from '../../../core/units.ts';
import { summaryOf } from './summary.ts';

/** What all phases tell alike. */
export interface Subject {
  readonly id: string;
  readonly camera: string;
  readonly zone: string;
  readonly track: number;
  readonly label: string;
  readonly entered: Millis;
}

/** What a look adds. */
export interface Sighting {
  readonly score: number;
  readonly box: Box;
  readonly model: ModelIdentity;
}

/** A picture must be this much better to be worth another encoding. */
const BETTER = 1.15;
/** And not sooner than this after the last one. */
const BETWEEN_PICTURES = 1000;

export class Intrusion {
  readonly subject: Subject;
  #sighting: Sighting;
  #peak: number;
  #told: Millis;
  #best = 0;
  #pictured = Number.NEGATIVE_INFINITY;
  #snapshot: SnapshotReference | undefined;

  constructor(subject: Subject, sighting: Sighting, mono: Millis) {
    this.subject = subject;
    this.#sighting = sighting;
    this.#peak = sighting.score;
    this.#told = mono;
  }

  /** When it was last reported. */
  get told(): Millis {
    return this.#told;
  }

  see(sighting: Sighting): void {
    this.#sighting = sighting;
    this.#peak = Math.max(this.#peak, sighting.score);
  }

  /** The quality of this look's picture where it is worth keeping as the best so far. */
  picture(mono: Millis): number | undefined {
    const quality = pictureQuality(this.#sighting);
    if (quality < this.#best * BETTER || mono - this.#pictured < BETWEEN_PICTURES) return undefined;
    this.#best = quality;
    this.#pictured = mono;
    return quality;
  }

  keep(snapshot: SnapshotReference): void {
    this.#snapshot = snapshot;
  }

  start(mono: Millis): DetectionEvent {
    return this.#tell('start', mono);
  }

  update(mono: Millis): DetectionEvent {
    this.#told = mono;
    return this.#tell('update', mono);
  }

  end(mono: Millis, left: Millis, reason: IntrusionEnd): DetectionEvent {
    return this.#tell('end', mono, { left, reason });
  }

  #tell(
    phase: 'start' | 'update' | 'end',
    mono: Millis,
    over?: { left: Millis; reason: IntrusionEnd },
  ): DetectionEvent {
    const { id, camera, zone, track, label, entered } = this.subject;
    const { score, box, model } = this.#sighting;
    const durationMs = whole((over?.left ?? mono) - entered);
    return {
      schema: 'vigie.detection/1',
      id,
      kind: 'intrusion',
      phase,
      camera,
      zone,
      track,
      label,
      confidence: rounded(score),
      peak: rounded(this.#peak),
      box: roundedBox(box),
      enteredAgoMs: whole(mono - entered),
      ...(over ? { leftAgoMs: whole(mono - over.left), reason: over.reason } : {}),
      durationMs,
      model,
      ...(this.#snapshot ? { snapshot: this.#snapshot } : {}),
      summary: summaryOf({ phase, label, zone, camera, durationMs, reason: over?.reason }),
    };
  }
}

/** score × √area: a large box of a sure detection shows most. */
export function pictureQuality({ score, box }: Pick<Sighting, 'score' | 'box'>): number {
  return score * Math.sqrt(Math.max(box[2] * box[3], 0));
}

export const rounded = (value: number) => Number(Math.min(Math.max(value, 0), 1).toFixed(3));
const whole = (value: number) => Math.max(0, Math.round(value));

/** Within the picture: a prediction may reach beyond it. */
export function roundedBox([x, y, width, height]: Box): Box {
  const [left, top] = [Math.min(Math.max(x, 0), 1), Math.min(Math.max(y, 0), 1)];
  const [right, bottom] = [Math.min(Math.max(x + width, 0), 1), Math.min(Math.max(y + height, 0), 1)];
  const four = (value: number) => Number(value.toFixed(4));
  return [four(left), four(top), four(right - left), four(bottom - top)];
}
