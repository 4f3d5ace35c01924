/** What `vigie model bench` makes of the times it took. */

export interface Timing {
  readonly runs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  /** Inferences per second, one after the other. */
  readonly perSecond: number;
}

/** @param times in milliseconds, at least one; nearest-rank percentiles. */
export function timing(times: readonly number[]): Timing {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  const mean = sorted.reduce((total, time) => total + time, 0) / sorted.length;
  return {
    runs: sorted.length,
    p50Ms: rounded(at(0.5)),
    p95Ms: rounded(at(0.95)),
    p99Ms: rounded(at(0.99)),
    meanMs: rounded(mean),
    perSecond: rounded(1000 / mean),
  };
}

const rounded = (value: number) => Number(value.toPrecision(4));
