/** Samples as Sparkplug B metrics. Pure. */

import type { UMetric } from 'sparkplug-payload/lib/sparkplugbpayload.js';
import type { Quality, Sample, Tag, Value } from '../../core/messages.ts';

export type MetricType = 'Double' | 'Int64' | 'Boolean' | 'String';

export const BD_SEQ = 'bdSeq';
export const REBIRTH = 'Node Control/Rebirth';

/** The values that Sparkplug knows; it has none between good and bad. */
const QUALITY_BAD = 0;
const QUALITY_GOOD = 192;
const QUALITY_STALE = 500;

export const metricName = (tag: Tag): string => `${tag.group}/${tag.name}`;
/** 0 is left to nobody, so that no alias is an unset field. */
export const metricAlias = (tag: Tag): number => tag.index + 1;

export function typeOf(value: Value): MetricType {
  switch (typeof value) {
    case 'bigint':
      return 'Int64';
    case 'boolean':
      return 'Boolean';
    case 'string':
      return 'String';
    default:
      return 'Double';
  }
}

export const bdSeqMetric = (bdSeq: number, timestamp: number): UMetric => ({
  name: BD_SEQ,
  type: 'Int64',
  value: bdSeq,
  timestamp,
});

export const rebirthMetric = (timestamp: number): UMetric => ({
  name: REBIRTH,
  type: 'Boolean',
  value: false,
  timestamp,
});

/** A metric of the birth certificate: name, alias, type and the last value, null where there is none yet. */
export function birthMetric(tag: Tag, type: MetricType, last: Sample | undefined, now: number): UMetric {
  const head = { name: metricName(tag), alias: metricAlias(tag), type };
  if (!last) return { ...head, timestamp: now, value: null, properties: quality(QUALITY_STALE) };
  return { ...head, timestamp: last.wall, value: encode(last.value), properties: quality(qualityCode(last)) };
}

/** A metric of a data message, known by its alias. */
export function dataMetric(
  sample: Sample,
  type: MetricType,
  options: { historical: boolean; tellQuality: boolean },
): UMetric {
  return {
    alias: metricAlias(sample.tag),
    type,
    timestamp: sample.wall,
    value: encode(sample.value),
    ...(options.historical && { isHistorical: true }),
    ...(options.tellQuality && { properties: quality(qualityCode(sample)) }),
  };
}

/** Report by exception: true when a host would learn something. */
export function isNews(sample: Sample, last: Sample | undefined): boolean {
  if (!last || sample.quality !== last.quality || sample.reason !== last.reason) return true;
  const { value, tag } = sample;
  if (typeof value === 'number' && typeof last.value === 'number' && tag.deadband > 0) {
    return Math.abs(value - last.value) >= tag.deadband;
  }
  return tag.deadband === 0 || value !== last.value;
}

function encode(value: Value | null): UMetric['value'] {
  if (typeof value === 'bigint') return long(value);
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

/** The two halves that protobuf writes, without a Long library. */
function long(value: bigint): UMetric['value'] {
  const half = (bits: bigint) => Number(BigInt.asIntN(32, bits));
  return { low: half(value), high: half(value >> 32n), unsigned: false } as UMetric['value'];
}

const quality = (code: number): UMetric['properties'] => ({ Quality: { type: 'Int32', value: code } });

function qualityCode({ quality: name, reason }: { quality: Quality; reason?: string }): number {
  if (name === 'good') return QUALITY_GOOD;
  return reason === 'stale' ? QUALITY_STALE : QUALITY_BAD;
}
