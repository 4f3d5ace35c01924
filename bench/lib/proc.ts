/** What the kernel says of a process: resident memory, processor time, bytes written. Linux only. */

import { readFileSync } from 'node:fs';
import { InputError } from '../../runtime/core/errors.ts';

export interface ProcessReading {
  readonly rssMb: number;
  /** Private memory: heap, stacks, compiled code. The rest of RSS is shared with the page cache. */
  readonly anonMb: number;
  readonly threads: number;
  /** User and system time since it started. */
  readonly cpuSeconds: number;
  /** Bytes it made the kernel write to storage, whole pages, since it started. */
  readonly writtenBytes: number;
}

/** @throws InputError `bench-process` when it ended. */
export function readProcess(pid: number): ProcessReading {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const io = readFileSync(`/proc/${pid}/io`, 'utf8');
    return {
      rssMb: kib(status, 'VmRSS'),
      anonMb: kib(status, 'RssAnon'),
      threads: field(status, 'Threads'),
      cpuSeconds: cpuSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8')),
      writtenBytes: field(io, 'write_bytes'),
    };
  } catch (cause) {
    throw new InputError('bench-process', `process ${pid} cannot be read; did it end?`, { cause });
  }
}

const field = (text: string, key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
const kib = (text: string, key: string) => (field(text, key) * 1024) / 1e6;

/** Linux counts in hundredths of a second for every program, whatever its own tick is. */
const TICKS_PER_SECOND = 100;

function cpuSeconds(stat: string): number {
  // The name in brackets may hold blanks: count from behind it. utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Theil and Sen's slope: the median of all pairs' slopes, which a single step or spike does not move. */
export function robustSlope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const slopes = points.flatMap((a, i) => points.slice(i + 1).map((b) => (b.y - a.y) / (b.x - a.x)));
  slopes.sort((a, b) => a - b);
  const middle = Math.floor(slopes.length / 2);
  if (slopes.length === 0) return 0;
  return slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
}
