/** What flows through the node. Everything here is plain data; see docs/asyncapi.yaml for the outside form. */

import type { EpochMillis, Millis } from './units.ts';

/** `unsynced`: the wall clock has not been set from a trusted source since boot, and may say 1970. */
export type TimeQuality = 'synced' | 'unsynced';

/** A moment: the monotonic stamp is always right, the wall time only as good as `timeQuality`. */
export interface Stamp {
  /** CLOCK_MONOTONIC of this boot of the machine. */
  readonly mono: Millis;
  readonly wall: EpochMillis;
  readonly timeQuality: TimeQuality;
}

/** One measured or derived quantity of the plant, as configured. One object per tag, shared by reference. */
export interface Tag {
  /** Unique within the node. */
  readonly name: string;
  /** Position among all tags of the node, 0-based and dense: the index of per-tag arrays. */
  readonly index: number;
  /** Name of the source that reads it. */
  readonly source: string;
  /** Process group (stage) in which it is analysed and shown. */
  readonly group: string;
  /** What is measured: `ph`, `flow`, `pump-state` …; a label, not interpreted. */
  readonly kind: string;
  /** UCUM unit of measure, such as `mg/L`; empty for none. */
  readonly unit: string;
  /** Physically valid range in engineering units; outside it a sample is `uncertain`. */
  readonly range?: { readonly low: number; readonly high: number };
  readonly period: Millis;
  /** Smallest change worth publishing, in engineering units; 0 publishes every sample. */
  readonly deadband: number;
}

export type Value = number | bigint | boolean | string;

export type Quality = 'good' | 'uncertain' | 'bad';

/** Why a sample is not good. Device exceptions carry the Modbus exception name. */
export type QualityReason =
  | 'out-of-range'
  | 'not-finite'
  | 'stale'
  | 'timeout'
  | 'unit-offline'
  | 'bus-offline'
  | 'bad-frame'
  | 'checksum'
  | 'no-data'
  | `exception-${string}`;

/** One reading of one tag. */
export interface Sample extends Stamp {
  readonly tag: Tag;
  /** In engineering units, after scale and offset; null when nothing could be read. */
  readonly value: Value | null;
  readonly quality: Quality;
  readonly reason?: QualityReason;
}

/** How sources hand samples on: synchronous, in the order they were read. Must not throw. */
export type Emit = (samples: readonly Sample[]) => void;

/**
 * Delivery classes, in the order in which they leave. A `picture` is a reference to a file that lies on the disk already:
 * nothing ever waits for one, or makes room for one.
 */
export const RECORD_CLASSES = ['event', 'health', 'reading', 'picture'] as const;
export type RecordClass = (typeof RECORD_CLASSES)[number];

/** Something that must reach the broker. The outbox adds `bootId` and `seq`, and the wall time at departure. */
export interface OutboundRecord extends Stamp {
  readonly class: RecordClass;
  /** Below `vigie/<site>/<node>/`, such as `events/anomaly`. */
  readonly topic: string;
  /** JSON-serialisable body with its `schema` name; envelope fields are added by the sink. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Where a stage sends what must not be lost; resolves when the record is on disk. */
export type Accept = (record: OutboundRecord) => Promise<void>;

/** Phases of one anomaly episode: one fault makes one start, updates while it lasts, one end. */
export type EpisodePhase = 'start' | 'update' | 'end';

export type FaultKind =
  | 'sensor-failure'
  | 'sensor-drift'
  | 'process-upset'
  | 'inconsistent-values'
  | 'communication'
  | 'unknown';

/** One tag's part in an anomaly. */
export interface Contribution {
  readonly tag: string;
  readonly kind: string;
  readonly unit: string;
  /** Value when the episode phase was reported; null when missing. */
  readonly value: number | null;
  /**
   * What the baseline saw as normal, engineering units. Where it has not seen enough (always in an event with
   * `learning`) the tag's configured range, and null without one.
   */
  readonly normal: { readonly low: number; readonly high: number } | null;
  readonly direction: 'high' | 'low' | 'frozen' | 'missing' | 'inconsistent';
  /** Share of the score, 0 … 1; the shares of an event's tags sum to at most 1. */
  readonly share: number;
}

/** Body of `events/anomaly`. */
export interface AnomalyEvent extends Readonly<Record<string, unknown>> {
  readonly schema: 'vigie.anomaly/1';
  /** Same in all phases of an episode; unique over restarts. */
  readonly id: string;
  readonly phase: EpisodePhase;
  readonly group: string;
  /** How long the episode lasts so far, milliseconds. */
  readonly durationMs: number;
  /** Fused score, 1 = limit; `peak` is the highest of the episode. */
  readonly score: number;
  readonly peak: number;
  /** Detector that dominated the decision, and every detector's scaled score. */
  readonly detector: string;
  readonly scores: Readonly<Record<string, number>>;
  readonly faultKind: FaultKind;
  /** Present while the group has not learned what is normal: judged by configured ranges and periods alone. */
  readonly learning?: true;
  /** Largest share first, at most 8. */
  readonly contributions: readonly Contribution[];
  /** One sentence for a person. */
  readonly summary: string;
}

/** The model that made a detection. */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  /** `sha256:` and the hexadecimal digest of the file that ran. */
  readonly digest: string;
}

/**
 * Why an intrusion ended. `lost`: not seen any more. `doubtful`: the model is not sure any more. `stopped`: the camera, or
 * its place in the configuration, is gone.
 */
export type IntrusionEnd = 'left' | 'lost' | 'doubtful' | 'disarmed' | 'stopped';

/** Where the best picture of an event is. */
export interface SnapshotReference {
  /** A file's name in the data directory of the node. */
  readonly ref: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

/** Body of a `picture` record, topic `snapshots/<camera>/<event>`; the bytes are read from the file when it leaves. */
export interface SnapshotRecord extends SnapshotReference, Readonly<Record<string, unknown>> {
  readonly schema: 'vigie.snapshot/1';
  readonly camera: string;
  /** Id of the event. */
  readonly event: string;
  /** Of the JPEG, hexadecimal: a better picture may have taken its place in the file. */
  readonly sha256: string;
}

/**
 * Body of `events/detection`. An intrusion (a track inside a zone) has one `start`, updates and one `end`; the crossing of a
 * tripwire is one event, `once`. Moments are told as milliseconds before the record's `time`, which is put right later
 * when the node's clock had not been set.
 */
export interface DetectionEvent extends Readonly<Record<string, unknown>> {
  readonly schema: 'vigie.detection/1';
  /** Same in all phases of an intrusion; unique over restarts. */
  readonly id: string;
  readonly kind: 'intrusion' | 'crossing';
  readonly phase: EpisodePhase | 'once';
  readonly camera: string;
  /** Name of the zone or tripwire. */
  readonly zone: string;
  /** Of a crossing, as seen from the first end of the tripwire towards the second. */
  readonly direction?: 'left-to-right' | 'right-to-left';
  /** Number of the track, unique within one run of the camera. */
  readonly track: number;
  readonly label: string;
  /** Of the last detection, and the highest of the event; 0 … 1. */
  readonly confidence: number;
  readonly peak: number;
  /** Last seen: x, y, width, height as parts of the picture. */
  readonly box: readonly [number, number, number, number];
  readonly enteredAgoMs: number;
  /** When it was last inside; only of an `end`. */
  readonly leftAgoMs?: number;
  /** How long it was inside so far. */
  readonly durationMs: number;
  /** Only of an `end`. */
  readonly reason?: IntrusionEnd;
  readonly model: ModelIdentity;
  /** The best picture so far; absent while there is none. */
  readonly snapshot?: SnapshotReference;
  /** One sentence for a person. */
  readonly summary: string;
}

/** A record as the outbox hands it to a sink: the body is JSON text, the stamp's wall time is corrected. */
export interface StoredRecord extends Stamp {
  /** Position in the outbox; what `remove` takes. */
  readonly id: number;
  readonly class: RecordClass;
  readonly topic: string;
  /** One start of the node; with `seq` (from 1, no gaps at acceptance) the key by which a subscriber drops duplicates. */
  readonly bootId: string;
  readonly seq: number;
  readonly body: string;
}

/** The sink's side of the outbox: one reader at a time. */
export interface OutboundQueue {
  /** The next records in sending order (class, then age) that were not taken yet, at most `max`. */
  take(max: number): Promise<readonly StoredRecord[]>;
  /** The broker has them (PUBACK): they leave the disk. */
  remove(ids: readonly number[]): void;
  /** The way to the broker broke: whatever was taken and not removed can be taken again, in order. */
  giveBack(): void;
  /** Calls back whenever something new can be taken. */
  onAvailable(callback: () => void): void;
  depth(): OutboxDepth;
}

export interface OutboxDepth {
  readonly records: number;
  readonly bytes: number;
  readonly byClass: Readonly<Record<RecordClass, number>>;
  /** Readings (and, last of all, events) that had to go to keep the byte bound, since the node started. */
  readonly evicted: number;
}
