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

/** Delivery classes, in the order in which they leave. */
export const RECORD_CLASSES = ['event', 'health', 'reading'] as const;
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
