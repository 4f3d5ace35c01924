/** Samples gathered for one record: columns of numbers, filled without allocating and turned into JSON once. */

import type { Sample, Stamp, Tag, Value } from '../../core/messages.ts';
import { epochMillis, type Millis, millis } from '../../core/units.ts';

/** Body of `readings`. Documented in docs/outbox.md and docs/asyncapi.yaml. */
export interface ReadingsBody extends Readonly<Record<string, unknown>> {
  readonly schema: 'vigie.readings/1';
  readonly series: readonly Series[];
}

export interface Series {
  readonly tag: string;
  /** UCUM; absent for none. */
  readonly unit?: string;
  /** Milliseconds after the record's time stamp. */
  readonly t: readonly number[];
  /** Null where nothing could be read or the value is not finite; 64-bit integers as decimal strings. */
  readonly v: readonly (number | string | boolean | null)[];
  /** Samples that are not good: position in `t`, quality, reason. Absent when all are good. */
  readonly q?: readonly (readonly [number, string] | readonly [number, string, string])[];
}

/** About 256 KiB of JSON, so that no broker's packet limit is met. */
export const SPLIT_BYTES = 256 * 1024;

/** At a time and a value of 11 characters together at the least, more samples never fit. */
const CAPACITY = 24 * 1024;
/** Time and value of a number, with their commas, at the most; series that begin add their head. */
const NUMBER_BYTES = 24;
const SERIES_BYTES = 80;
const QUALITY_BYTES = 48;

/** Samples of one record lie within this of each other in wall time; the bound is a clock that was set. */
const MOST_APART_MS = 24 * 3_600_000;

/**
 * Significant digits: what float32 registers hold, and finer than any scaled 16-bit register. Integers stay
 * whole, since counters and energy totals grow beyond seven digits.
 */
const DIGITS = 7;

export class Batch {
  readonly #tag: (Tag | undefined)[] = [];
  readonly #wall = new Float64Array(CAPACITY);
  readonly #value = new Float64Array(CAPACITY);
  /** What does not fit a column: texts, flags, 64-bit integers, quality; by position. */
  readonly #odd = new Map<number, Sample>();
  readonly #tags = new Set<Tag>();
  #first: Stamp | undefined;
  #earliest = 0;
  #latest = 0;
  #earliestMono: Millis = millis(0);
  #bytes = 0;
  length = 0;

  /** False when the sample belongs into a new batch. */
  fits(sample: Sample): boolean {
    if (!this.#first) return true;
    return (
      this.length < CAPACITY &&
      this.#bytes + sizeOf(sample) + SERIES_BYTES <= SPLIT_BYTES &&
      sample.timeQuality === this.#first.timeQuality &&
      sample.wall - this.#earliest < MOST_APART_MS &&
      this.#latest - sample.wall < MOST_APART_MS
    );
  }

  add(sample: Sample): void {
    const { tag, wall, mono, value } = sample;
    if (!this.#first) {
      this.#first = { mono, wall, timeQuality: sample.timeQuality };
      this.#earliest = this.#latest = Number.POSITIVE_INFINITY;
    }
    if (wall < this.#earliest) {
      this.#earliest = wall;
      this.#earliestMono = mono;
    }
    if (wall > this.#latest || this.length === 0) this.#latest = wall;
    if (!this.#tags.has(tag)) {
      this.#tags.add(tag);
      this.#bytes += SERIES_BYTES + tag.name.length + tag.unit.length;
    }
    const i = this.length;
    this.#tag[i] = tag;
    this.#wall[i] = wall;
    this.#value[i] = typeof value === 'number' ? value : Number.NaN;
    if (typeof value !== 'number' || sample.quality !== 'good') this.#odd.set(i, sample);
    this.#bytes += sizeOf(sample);
    this.length += 1;
  }

  /** The record's stamp (that of the earliest sample) and body; the batch is empty afterwards. */
  drain(): Stamp & { readonly body: ReadingsBody } {
    const stamp: Stamp = {
      mono: this.#earliestMono,
      wall: epochMillis(this.#earliest),
      timeQuality: this.#first?.timeQuality ?? 'unsynced',
    };
    const byTag = new Map<Tag, MutableSeries>();
    for (let i = 0; i < this.length; i++) this.#append(byTag, i);
    this.#tags.clear();
    this.#odd.clear();
    this.#tag.length = 0;
    this.#first = undefined;
    this.#bytes = 0;
    this.length = 0;
    return { ...stamp, body: { schema: 'vigie.readings/1', series: [...byTag.values()] } };
  }

  #append(byTag: Map<Tag, MutableSeries>, i: number): void {
    const tag = this.#tag[i]!;
    let series = byTag.get(tag);
    if (!series) {
      series = tag.unit ? { tag: tag.name, unit: tag.unit, t: [], v: [] } : { tag: tag.name, t: [], v: [] };
      byTag.set(tag, series);
    }
    const odd = this.#odd.get(i);
    series.t.push(Math.round(this.#wall[i]! - this.#earliest));
    series.v.push(odd ? publish(odd.value) : publish(this.#value[i]!));
    if (!odd || odd.quality === 'good') return;
    series.q ??= [];
    const at = series.t.length - 1;
    series.q.push(odd.reason ? [at, odd.quality, odd.reason] : [at, odd.quality]);
  }
}

interface MutableSeries extends Series {
  t: number[];
  v: (number | string | boolean | null)[];
  q?: (readonly [number, string] | readonly [number, string, string])[];
}

function publish(value: Value | null): number | string | boolean | null {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) return null;
  return Number.isInteger(value) ? value : Number(value.toPrecision(DIGITS));
}

function sizeOf({ value, quality }: Sample): number {
  // JSON needs up to six bytes for a control character of a text.
  const text = typeof value === 'string' ? value.length * 6 : 0;
  return NUMBER_BYTES + text + (quality === 'good' ? 0 : QUALITY_BYTES);
}
