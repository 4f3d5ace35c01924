/** How far a value that was read can be trusted. Pure. */

import type { Quality, QualityReason, Sample, Stamp, Tag, Value } from '../../core/messages.ts';

/** Same properties in the same order for every sample: consumers see one hidden class. */
function sample(
  tag: Tag,
  value: Value | null,
  quality: Quality,
  reason: QualityReason | undefined,
  at: Stamp,
): Sample {
  return { tag, value, quality, reason, mono: at.mono, wall: at.wall, timeQuality: at.timeQuality };
}

/** NaN and infinities are not values: they leave as null, bad. A value outside the tag's range is uncertain. */
export function judged(tag: Tag, value: Value, at: Stamp): Sample {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return sample(tag, null, 'bad', 'not-finite', at);
    const { range } = tag;
    if (range && (value < range.low || value > range.high))
      return sample(tag, value, 'uncertain', 'out-of-range', at);
  } else if (typeof value === 'bigint' && tag.range) {
    const { low, high } = tag.range;
    if (value < low || value > high) return sample(tag, value, 'uncertain', 'out-of-range', at);
  }
  return sample(tag, value, 'good', undefined, at);
}

export function unread(tag: Tag, reason: QualityReason, at: Stamp): Sample {
  return sample(tag, null, 'bad', reason, at);
}
