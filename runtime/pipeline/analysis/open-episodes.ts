/**
 * The episodes that are open, on disk: after a crash or a power cut the next start of the node reports their end,
 * so that no subscriber shows an alarm for ever. Written off the hot path; a cut within that moment is not covered.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../../core/atomic-file.ts';
import { StorageError } from '../../core/errors.ts';
import type { AnomalyEvent } from '../../core/messages.ts';

export class OpenEpisodes {
  readonly #directory: string;
  readonly #path: string;
  #written = '';

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, 'episodes.json');
  }

  /** What was open when the node last wrote; a file nobody can read counts as none. */
  left(): AnomalyEvent[] {
    try {
      const content = readJsonFile(this.#path);
      const events = Array.isArray(content) ? content.filter(isEvent) : [];
      this.#written = idsOf(events);
      return events;
    } catch (error) {
      if (error instanceof StorageError) return [];
      throw error;
    }
  }

  /** Writes when the set of open episodes changed. @throws StorageError `state-write`. */
  save(open: readonly AnomalyEvent[]): void {
    const ids = idsOf(open);
    if (ids === this.#written) return;
    mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
    writeFileAtomic(this.#path, JSON.stringify(open));
    this.#written = ids;
  }
}

/** The end of an episode that the node did not see end. */
export function endOf(left: AnomalyEvent): AnomalyEvent {
  const summary = `${left.group}: closed after a restart of the node; whether it went on meanwhile is not known`;
  return { ...left, phase: 'end', summary };
}

const idsOf = (events: readonly AnomalyEvent[]) => events.map(({ id }) => id).join(' ');

const isEvent = (content: unknown): content is AnomalyEvent => {
  const event = content as Partial<AnomalyEvent> | null;
  return (
    event?.schema === 'vigie.anomaly/1' && typeof event.id === 'string' && Array.isArray(event.contributions)
  );
};
