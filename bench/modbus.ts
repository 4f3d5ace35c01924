/**
 * The Modbus source under load: 20 simulated TCP devices with 500 tags each, half of them scaled 16-bit registers,
 * half 32-bit floats with swapped words, all read every second. Sources and devices run in a process each, so that
 * processor time and memory are those of the reading side alone: configuration, sockets, requests, decoding, quality,
 * metrics, and samples handed to a consumer that only counts them.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DeviceError } from '../runtime/core/errors.ts';
import { siblingModule } from '../runtime/core/paths.ts';
import { atLeast, atMost, type BenchOptions, type BenchResult, info } from './bench.ts';
import type { ReaderReport, ReaderTask } from './modbus/reader.ts';
import type { ServerTask } from './modbus/server.ts';

export const summary =
  'reading 10,000 tags/s from simulated Modbus TCP devices: processor, memory, late polls';

const DEVICES = 20;
const TAGS_PER_DEVICE = 500;
/** Ends half-way between two polls, so that the measured interval holds whole rounds. */
const WARM_UP_S = 5.5;
const DEFAULT_MINUTES = 0.5;
/** The interval ends some milliseconds after its time: half a per cent below 10,000. */
const MIN_TAGS_PER_S = 9950;

export async function run({
  minutes = DEFAULT_MINUTES,
  progress,
}: BenchOptions): Promise<readonly BenchResult[]> {
  const children: ChildProcess[] = [];
  const start = (name: string) => {
    const child = fork(fileURLToPath(siblingModule(import.meta.url, `modbus/${name}`)));
    children.push(child);
    return child;
  };
  try {
    const task: ServerTask = { devices: DEVICES, tagsPerDevice: TAGS_PER_DEVICE };
    const ports = await ask<readonly number[]>(start('server'), task);
    progress(`${DEVICES} devices with ${TAGS_PER_DEVICE} tags each; measuring for ${minutes} min`);
    const reading: ReaderTask = {
      ports,
      tagsPerDevice: TAGS_PER_DEVICE,
      warmUpSeconds: WARM_UP_S,
      seconds: minutes * 60,
    };
    return results(await ask<ReaderReport>(start('reader'), reading));
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

function results(report: ReaderReport): readonly BenchResult[] {
  return [
    atMost('cpu_percent', report.cpuPercent, '%', 25),
    atMost('rss_mb', report.rssBytes / 1e6, 'MB', 200),
    atMost('late_polls', report.latePolls, 'poll', 0),
    atLeast('tags_per_s', report.good / report.seconds, 'tag/s', MIN_TAGS_PER_S),
    info('requests_per_s', report.requests / report.seconds, 'request/s'),
    info('not_good_samples', report.notGood, 'sample'),
    info('poll_jitter_mean_ms', report.jitterMeanMs, 'ms'),
    info('cpu_start_s', report.startCpuSeconds, 's'),
  ];
}

async function ask<T>(child: ChildProcess, task: ServerTask | ReaderTask): Promise<T> {
  child.send(task);
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new DeviceError('bench-child', 'a process of the benchmark ended early; its output says why');
    }),
  ]);
  return answer as T;
}
