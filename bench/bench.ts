/** The shape every benchmark prints, and the few statistics they share. */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export interface BenchResult {
  /** snake_case with the unit as suffix: `score_p95_us`. */
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** The bound to meet, such as `<= 3`; empty for a peer or a figure without one. */
  readonly target: string;
  /** False when the bound is missed; true where there is none. */
  readonly ok: boolean;
}

export interface BenchReport {
  readonly bench: string;
  readonly machine: string;
  readonly results: readonly BenchResult[];
}

export interface BenchOptions {
  /** How long to measure, where the benchmark runs by time. */
  readonly minutes?: number;
  /** For a person: what is going on; goes to standard error. */
  readonly progress: (line: string) => void;
}

/** A file `bench/<name>.ts` exports `summary` (one line for --help) and `run`. */
export interface Bench {
  readonly summary: string;
  run(options: BenchOptions): Promise<readonly BenchResult[]>;
}

/** A result judged by a bound: `atMost('rss_mb', 71.2, 'MB', 90)`. */
export function atMost(metric: string, value: number, unit: string, bound: number): BenchResult {
  return { metric, value: round(value), unit, target: `<= ${bound}`, ok: value <= bound };
}

export function atLeast(metric: string, value: number, unit: string, bound: number): BenchResult {
  return { metric, value: round(value), unit, target: `>= ${bound}`, ok: value >= bound };
}

/** A figure without a bound: a peer's, or one for the reader. */
export function info(metric: string, value: number, unit: string): BenchResult {
  return { metric, value: round(value), unit, target: '', ok: true };
}

/** Nearest-rank percentile; `p` in 0 … 1. NaN when there are no values. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** Processor, cores and memory, as a reader needs them to compare figures. */
export function machineName(): string {
  const memory = /MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? '0';
  const gib = Math.round(Number(memory) / 1024 ** 2);
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${gib} GiB, Node ${process.version}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
