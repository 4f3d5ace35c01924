/**
 * How far the node's time can be trusted (SPEC.md, Time). Pure: evidence and the two clocks of the machine go in, the
 * time to judge expiry by comes out.
 */

import { type EpochMillis, epochMillis, type Millis, minutes } from '../../../runtime/core/units.ts';
import type { TimeTrust } from '../../protocol/report.ts';

/** Where signed evidence of the time comes from. Each has its own keys, and falls with them. */
export type TimeSource = 'timestamp' | 'time';

/** What a signer said it was at least, and under which keys: other keys void it (I-8), or a stolen one bricks for ever. */
export interface Evidence {
  readonly keys: string;
  readonly floor: EpochMillis;
}

export interface TimeEvidence {
  readonly timestamp: Evidence | null;
  readonly time: Evidence | null;
}

/** A signed reply to this start's own question. */
export interface SignedTime {
  readonly time: EpochMillis;
  /** On the monotonic clock, when the question was asked: the reply cannot be older. */
  readonly asked: Millis;
}

export interface TrustedTime {
  readonly now: EpochMillis;
  readonly trust: TimeTrust;
  /** What does not fit together, for the report; undefined when all does. */
  readonly conflict: string | undefined;
}

export const NO_EVIDENCE: TimeEvidence = { timestamp: null, time: null };

/** Between NTP and signed time, more than this is a conflict. */
const MOST_DIFFERENCE = minutes(5);

/** The latest time that is certainly over. @param built when this software was made; 0 when that is not known. */
export function floorOf(evidence: TimeEvidence, built: EpochMillis): EpochMillis {
  return epochMillis(Math.max(built, evidence.timestamp?.floor ?? 0, evidence.time?.floor ?? 0));
}

/** Raised by what a good signature says and by nothing else (I-7): the system clock has no part here. */
export function raise(
  evidence: TimeEvidence,
  source: TimeSource,
  keys: string,
  time: EpochMillis,
): TimeEvidence {
  const before = evidence[source];
  if (before && before.keys === keys && before.floor >= time) return evidence;
  return { ...evidence, [source]: { keys, floor: time } };
}

/** Drops what was said under keys that the trusted root no longer names. */
export function keepKeys(evidence: TimeEvidence, source: TimeSource, keys: string): TimeEvidence {
  return evidence[source] && evidence[source].keys !== keys ? { ...evidence, [source]: null } : evidence;
}

export interface Clocks {
  readonly mono: Millis;
  readonly wall: EpochMillis;
  /** Whether the system says that its wall clock was set from outside. */
  readonly synced: boolean;
}

/** Signed time before NTP before the floor, each only as far as it contradicts nothing signed. */
export function trustedTime(
  floor: EpochMillis,
  signed: SignedTime | undefined,
  { mono, wall, synced }: Clocks,
): TrustedTime {
  const byReply = signed && epochMillis(signed.time + (mono - signed.asked));
  if (byReply !== undefined && byReply >= floor) {
    const off = Math.abs(wall - byReply);
    const conflict =
      synced && off > MOST_DIFFERENCE
        ? `the system clock says it is set, and is ${Math.round(off / 1000)} s off signed time`
        : undefined;
    return { now: byReply, trust: 'SIGNED', conflict };
  }
  if (synced && wall >= floor) return { now: wall, trust: 'NTP', conflict: undefined };
  const conflict = synced ? 'the system clock says it is set, and is before what was signed' : undefined;
  return { now: floor, trust: floor > 0 ? 'FLOOR' : 'NONE', conflict };
}
