/**
 * What the broker does not take at present. A refused record never leaves the outbox: its topic (or, where only
 * the record is at fault, the record alone) is held back and tried again after growing pauses, while everything
 * else goes on.
 */

import type { StoredRecord } from '../../core/messages.ts';
import { type Millis, millis, minutes, seconds } from '../../core/units.ts';

interface Hold {
  readonly code: number;
  readonly until: Millis;
  readonly pause: Millis;
  /** `over`: the pause has passed; `probing`: one record is on its way to learn whether the broker takes it now. */
  state: 'held' | 'over' | 'probing';
}

export type Verdict =
  /** Nothing is known against the record, or its pause is over. */
  | 'send'
  /** It waits for its hold to end. */
  | 'park'
  /** A probe of its topic is on its way. */
  | 'wait';

const FIRST_PAUSE = seconds(5);
const LONGEST_PAUSE = minutes(5);

/** Packet too large: the fault of the record, not of its topic. */
export const PACKET_TOO_LARGE = 149;
/** Ours, outside MQTT's range: the broker closes the connection whenever it gets this record. */
export const CLOSES_CONNECTION = 256;

/** Hundreds of records may be too large: health, `status` and the log name the first. */
const MAX_NAMED = 3;

export const isRecordsFault = (code: number) => code === PACKET_TOO_LARGE || code === CLOSES_CONNECTION;

export class Holds {
  readonly #holds = new Map<string, Hold>();

  get size(): number {
    return this.#holds.size;
  }

  /** When the next pause ends; undefined when none is left. */
  nextEnd(): Millis | undefined {
    let end = Number.POSITIVE_INFINITY;
    for (const { state, until } of this.#holds.values()) if (state === 'held') end = Math.min(end, until);
    return Number.isFinite(end) ? millis(end) : undefined;
  }

  /** Ends the pauses that have passed. @returns true when there was one. */
  release(now: Millis): boolean {
    let released = false;
    for (const hold of this.#holds.values()) {
      if (hold.state !== 'held' || now < hold.until) continue;
      hold.state = 'over';
      released = true;
    }
    return released;
  }

  judge(record: StoredRecord): Verdict {
    if (this.#holds.size === 0) return 'send';
    const states = this.#of(record).map(({ state }) => state);
    return states.includes('held') ? 'park' : states.includes('probing') ? 'wait' : 'send';
  }

  /** The record leaves: whatever else waits for its holds waits for its answer. */
  sent(record: StoredRecord): void {
    if (this.#holds.size > 0) for (const hold of this.#of(record)) hold.state = 'probing';
  }

  /** @param code MQTT reason code, or CLOSES_CONNECTION. */
  refuse(record: StoredRecord, code: number, now: Millis): Millis {
    const own = recordKey(record);
    const [key, other] = isRecordsFault(code) ? [own, record.topic] : [record.topic, own];
    // The answer is about one of the two: what the other was probed for is settled.
    if (this.#holds.get(other)?.state === 'probing') this.#holds.delete(other);
    const before = this.#holds.get(key);
    // Several records of a topic may be on their way when the first refusal comes: one refusal, one pause.
    if (before?.state === 'held') return before.pause;
    const pause = before ? millis(Math.min(LONGEST_PAUSE, before.pause * 2)) : FIRST_PAUSE;
    this.#holds.set(key, { code, until: millis(now + pause), pause, state: 'held' });
    return pause;
  }

  /** @returns true when records parked under a hold can be sent now. */
  accept(record: StoredRecord): boolean {
    if (this.#holds.size === 0) return false;
    const byTopic = this.#holds.delete(record.topic);
    return this.#holds.delete(recordKey(record)) || byTopic;
  }

  /** The connection broke: probes without an answer will be sent again. */
  forgetProbes(): void {
    for (const hold of this.#holds.values()) if (hold.state === 'probing') hold.state = 'over';
  }

  /** The outbox holds nothing more to probe with: what was held has been evicted. */
  forgetOver(): void {
    for (const [key, hold] of this.#holds) if (hold.state === 'over') this.#holds.delete(key);
  }

  /** For a person: `events/anomaly (reason code 135)`, and how many more there are. */
  describe(): string {
    const named = [...this.#holds.entries().take(MAX_NAMED)].map(
      ([key, { code }]) => `${key.trimStart()} (${describeCode(code)})`,
    );
    if (this.#holds.size > MAX_NAMED) named.push(`${this.#holds.size - MAX_NAMED} more`);
    return named.join(', ');
  }

  #of(record: StoredRecord): Hold[] {
    return [this.#holds.get(recordKey(record)), this.#holds.get(record.topic)].filter(
      (hold) => hold !== undefined,
    );
  }
}

/** No topic has a space at its start. */
const recordKey = ({ id }: StoredRecord): string => ` record ${id}`;

function describeCode(code: number): string {
  switch (code) {
    case 135:
      return 'not authorised, reason code 135: check the access rules of the broker';
    case PACKET_TOO_LARGE:
      return 'larger than the broker takes, reason code 149: raise its limit';
    case CLOSES_CONNECTION:
      return 'the broker closes the connection over it: see the log of the broker';
    default:
      return `reason code ${code}`;
  }
}
