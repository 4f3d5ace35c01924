/** From single frames and readings to what is reported. Pure. */

import { percentile } from '../bench.ts';
import { robustSlope } from '../lib/proc.ts';
import type { NodeMeasured, Spread } from './job.ts';

/** Milliseconds; `at` is when it was captured. */
export interface FrameTimes {
  readonly at: number;
  readonly handOver: number;
  readonly detect: number;
  readonly toNode: number;
  readonly scene: number;
  readonly toEvent: number;
}

/** Seconds since the measurement began. */
export interface MemoryPoint {
  readonly at: number;
  readonly rssMb: number;
}

export interface Readings {
  readonly seconds: number;
  readonly frames: readonly FrameTimes[];
  readonly memory: readonly MemoryPoint[];
  /** Of events, from capture until the outbox took them. */
  readonly accepted: readonly number[];
  /** Of events, from capture to their PUBACK. */
  readonly acknowledged: readonly number[];
}

/** For a slope that takes all pairs. */
const MOST_POINTS = 300;
const STAGES = ['handOver', 'detect', 'toNode', 'scene', 'toEvent'] as const;

type Summary = Omit<NodeMeasured, 'captured' | 'skipped' | 'dropped' | 'visionCpuPercent' | 'nodeCpuPercent'>;

export function summarise({ seconds, frames, memory, accepted, acknowledged }: Readings): Summary {
  const stages = Object.fromEntries(
    STAGES.map((stage) => [stage, spread(frames.map((frame) => frame[stage]))]),
  ) as Record<(typeof STAGES)[number], Spread>;
  const half = thinned(memory.filter(({ at }) => at >= seconds / 2));
  const quarter = Math.ceil(frames.length / 4);
  const median = (some: readonly FrameTimes[]) =>
    percentile(
      some.map(({ toEvent }) => toEvent),
      0.5,
    );
  return {
    seconds,
    frames: frames.length,
    ...stages,
    events: acknowledged.length,
    toPuback: spread(acknowledged),
    publishMean: mean(acknowledged) - mean(accepted),
    delayGrowth: median(frames.slice(-quarter)) - median(frames.slice(0, quarter)),
    visionRssMb: Math.max(...memory.map(({ rssMb }) => rssMb)),
    visionRssGrowthMb: (robustSlope(half.map(({ at, rssMb }) => ({ x: at, y: rssMb }))) * seconds) / 2,
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const spread = (values: readonly number[]): Spread => ({
  mean: mean(values),
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
});

function thinned(points: readonly MemoryPoint[]): MemoryPoint[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => index % every === 0);
}
