/** Anomalies as an operator looks back on them: one entry per episode, explained as it was at its worst. */

import type { AnomalyEvent, Stamp } from '../../core/messages.ts';

/** Episodes that ended; what came before them is with the broker. */
const MAX_PAST = 200;
/** Episodes under way; they end, or the node has a problem that no list can show. */
const MAX_OPEN = 500;

interface Episode {
  startedWall: number;
  updatedWall: number;
  synced: boolean;
  latest: AnomalyEvent;
  /** The phase with the highest score so far: at the end the values are normal again and explain nothing. */
  worst: AnomalyEvent;
}

/** JSON of one episode in `/api/anomalies` and in the stream. Times are epoch milliseconds. */
export interface AnomalyView {
  readonly id: string;
  readonly active: boolean;
  readonly group: string;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly durationMs: number;
  /** Both times were taken with a synchronised clock. */
  readonly timeSynced: boolean;
  readonly score: number;
  readonly peak: number;
  readonly detector: string;
  readonly scores: AnomalyEvent['scores'];
  readonly faultKind: AnomalyEvent['faultKind'];
  readonly summary: string;
  /** Judged before the stage knew what is normal: the contributions name valid ranges instead. */
  readonly learning: boolean;
  readonly contributions: AnomalyEvent['contributions'];
}

export class AnomalyLog {
  readonly #open = new Map<string, Episode>();
  /** Oldest first. */
  readonly #past: Episode[] = [];

  accept(event: AnomalyEvent, stamp: Stamp): AnomalyView {
    const before = this.#open.get(event.id);
    const synced = stamp.timeQuality === 'synced' && (before?.synced ?? true);
    const episode: Episode = {
      startedWall: before?.startedWall ?? stamp.wall - event.durationMs,
      updatedWall: stamp.wall,
      synced,
      latest: event,
      worst: before && before.worst.score > event.score ? before.worst : event,
    };
    this.#open.delete(event.id);
    if (event.phase === 'end') {
      this.#past.push(episode);
      if (this.#past.length > MAX_PAST) this.#past.shift();
    } else {
      this.#open.set(event.id, episode);
      if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
    }
    return view(episode, event.phase !== 'end');
  }

  /** @param active what the pipeline holds to be active now; it may know episodes from before a restart. */
  active(active: readonly AnomalyEvent[], now: Stamp): AnomalyView[] {
    return active.map((event) => {
      const known = this.#open.get(event.id);
      if (known) return view({ ...known, latest: event }, true);
      return view(
        {
          startedWall: now.wall - event.durationMs,
          updatedWall: now.wall,
          synced: now.timeQuality === 'synced',
          latest: event,
          worst: event,
        },
        true,
      );
    });
  }

  /** Newest first. */
  past(): AnomalyView[] {
    return this.#past.toReversed().map((episode) => view(episode, false));
  }
}

function view({ startedWall, updatedWall, synced, latest, worst }: Episode, active: boolean): AnomalyView {
  return {
    id: latest.id,
    active,
    group: latest.group,
    startedAt: startedWall,
    updatedAt: updatedWall,
    durationMs: latest.durationMs,
    timeSynced: synced,
    score: latest.score,
    peak: latest.peak,
    detector: worst.detector,
    scores: worst.scores,
    faultKind: worst.faultKind,
    summary: worst.summary,
    learning: worst.learning === true,
    contributions: worst.contributions,
  };
}
