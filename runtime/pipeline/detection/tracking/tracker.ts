/**
 * From detections to tracks, one per object, as ByteTrack does: sure detections first, then doubtful ones for tracks
 * that found none, so that who is half hidden is not lost. Times are arguments and may lie any way apart.
 */

import type { TrackerConfig } from '../../../config/schema/zones.ts';
import type { Millis } from '../../../core/units.ts';
import type { Look, Observation } from '../observation.ts';
import { isPart, match, wideOverlap } from './matching.ts';
import { Track } from './track.ts';

/** A doubtful detection must fit better than the configuration's least overlap. */
const LOW_SCORE_OVERLAP = 0.3;
/** How much larger boxes are made for the last pass, and how much more for each second the track is lost. */
const WIDENING = 0.4;
const WIDENING_PER_SECOND = 0.3;
const MOST_WIDENING = 1;
const WIDE_OVERLAP = 0.25;
/** How long what was seen once may wait for its second detection. */
const NEW_PATIENCE = 600;
/** How long a track lives on without any look that could have found it. */
const UNWATCHED = 5000;
/** Bound of the work for one look: best scores first. */
export const MOST_TRACKS = 200;

export interface TrackerStep {
  /** All that are left, lost ones included, oldest first. */
  readonly tracks: readonly Track[];
  /** Confirmed ones that ended with this step. */
  readonly ended: readonly Track[];
}

export class Tracker {
  #config: TrackerConfig;
  #tracks: Track[] = [];
  #nextId = 1;
  #at: Millis | undefined;
  #model = '';
  #refused = 0;

  constructor(config: TrackerConfig) {
    this.#config = config;
  }

  /** Tracks live on, under other rules. */
  configure(config: TrackerConfig): void {
    this.#config = config;
  }

  get tracks(): readonly Track[] {
    return this.#tracks;
  }

  /** New tracks there was no room for. */
  get refused(): number {
    return this.#refused;
  }

  /** @param mono when the frame was taken; a time before the last one counts as the last one. */
  step(look: Look, mono: Millis): TrackerStep {
    const now = Math.max(mono, this.#at ?? mono) as Millis;
    const { ended } = this.pass(now);
    for (const track of this.#tracks) track.predict((now - (this.#at ?? now)) as Millis);
    this.#at = now;
    const { sure, doubtful } = this.#sorted(look);
    const left = this.#associate(sure, doubtful, now, this.#swapped(look));
    this.#begin(left, now);
    return { tracks: this.#tracks, ended };
  }

  /** Time goes by without a look: whoever is lost too long ends. */
  pass(mono: Millis): TrackerStep {
    const now = Math.max(mono, this.#at ?? mono);
    const [ended, kept] = [[] as Track[], [] as Track[]];
    for (const track of this.#tracks) {
      (now - track.lastSeen > this.#patience(track) ? ended : kept).push(track);
    }
    this.#tracks = kept;
    return { tracks: kept, ended: ended.filter(({ state }) => state !== 'new') };
  }

  #patience({ state }: Track): number {
    if (state === 'lost') return this.#config.lostFor;
    return state === 'new' ? Math.max(NEW_PATIENCE, this.#config.confirm) : this.#config.lostFor + UNWATCHED;
  }

  #sorted({ observations, threshold }: Look): { sure: Observation[]; doubtful: Observation[] } {
    const best = observations
      .filter(({ score }) => score >= threshold * this.#config.lowScore)
      .sort((a, b) => b.score - a.score)
      .slice(0, MOST_TRACKS);
    return {
      sure: best.filter(({ score }) => score >= threshold),
      doubtful: best.filter(({ score }) => score < threshold),
    };
  }

  /** Whether another model looks than before. */
  #swapped({ model }: Look): boolean {
    const before = this.#model;
    this.#model = model.digest;
    return before !== '' && before !== model.digest;
  }

  /** @returns sure detections that belong to no track. */
  #associate(
    sure: readonly Observation[],
    doubtful: readonly Observation[],
    now: Millis,
    swapped: boolean,
  ): readonly Observation[] {
    const found = (pairs: readonly (readonly [Track, Observation])[], unsure: boolean) => {
      for (const [track, one] of pairs) {
        track.found(one, now, unsure);
        if (swapped) track.restartConfidence(one.score);
        if (track.state === 'new' && now - track.firstSeen >= this.#config.confirm) track.confirm();
      }
    };
    const overlap = Math.max(this.#config.minOverlap, 1e-6);
    const first = match(
      this.#tracks.filter(({ state }) => state !== 'new'),
      sure,
      overlap,
    );
    found(first.pairs, false);
    // Lost ones too, unlike ByteTrack: who stands behind another person may never be a sure detection again.
    const second = match(first.tracks, doubtful, Math.max(overlap, LOW_SCORE_OVERLAP));
    found(second.pairs, true);
    const third = match(
      this.#tracks.filter(({ state }) => state === 'new'),
      first.observations,
      overlap,
    );
    found(third.pairs, false);
    const again = new Set(second.pairs.map(([track]) => track));
    const rest = [...first.tracks.filter((track) => !again.has(track)), ...third.tracks];
    const last = match(rest, third.observations, WIDE_OVERLAP, (track, box) =>
      wideOverlap(track.box, box, wideningOf(now - track.lastSeen)),
    );
    found(last.pairs, false);
    for (const track of last.tracks) if (track.state === 'seen') track.lose();
    return last.observations;
  }

  #begin(observations: readonly Observation[], now: Millis): void {
    const present = this.#tracks.filter(({ lastSeen }) => lastSeen === now);
    // The largest first: whoever is seen whole is there before a part of him is judged.
    const bySize = observations.toSorted((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
    for (const one of bySize) {
      const part = present.some(({ label, box }) => label === one.label && isPart(one.box, box));
      if (part) continue;
      if (this.#tracks.length >= MOST_TRACKS) {
        this.#refused++;
        continue;
      }
      const track = new Track(this.#nextId++, one, now);
      if (this.#config.confirm === 0) track.confirm();
      this.#tracks.push(track);
      present.push(track);
    }
  }
}

const wideningOf = (unseen: number) =>
  Math.min(WIDENING + (WIDENING_PER_SECOND * unseen) / 1000, MOST_WIDENING);
