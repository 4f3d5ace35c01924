/** Child process: the sources under measurement. Told what to read, answers with what it cost. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { type ModbusSourceConfig, modbusSource } from '../../runtime/config/schema/modbus.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { createLog } from '../../runtime/core/log.ts';
import type { Sample, Tag } from '../../runtime/core/messages.ts';
import { seconds } from '../../runtime/core/units.ts';
import { ModbusSource } from '../../runtime/sources/modbus/source.ts';

export interface ReaderTask {
  readonly ports: readonly number[];
  readonly tagsPerDevice: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface ReaderReport {
  readonly seconds: number;
  readonly cpuPercent: number;
  /** Largest seen. */
  readonly rssBytes: number;
  readonly latePolls: number;
  readonly requests: number;
  readonly good: number;
  readonly notGood: number;
  readonly jitterMeanMs: number;
  /** Processor time before the measurement: loading, configuration, first polls. */
  readonly startCpuSeconds: number;
}

process.once('message', async (task: ReaderTask) => {
  process.send?.(await measure(task));
  process.disconnect();
});
process.once('disconnect', () => process.exit());

async function measure(task: ReaderTask): Promise<ReaderReport> {
  const registry = new Registry();
  const counts = { good: 0, notGood: 0 };
  const sources = makeSources(task, registry, (samples) => {
    for (const { quality } of samples) counts[quality === 'good' ? 'good' : 'notGood'] += 1;
  });
  for (const source of sources) await source.start(new AbortController().signal);
  await sleep(task.warmUpSeconds * 1000);
  const before = { ...counts, cpu: process.cpuUsage(), at: performance.now() };
  const [late, requests, jitter] = await Promise.all([
    sum(registry, 'vigie_modbus_late_polls_total'),
    sum(registry, 'vigie_modbus_requests_total'),
    jitterOf(registry),
  ]);
  let rssBytes = 0;
  const left = () => before.at + task.seconds * 1000 - performance.now();
  while (left() > 0) {
    await sleep(Math.min(left(), 1000));
    rssBytes = Math.max(rssBytes, process.memoryUsage().rss);
  }
  const elapsed = (performance.now() - before.at) / 1000;
  const cpu = process.cpuUsage(before.cpu);
  const after = await jitterOf(registry);
  const report = {
    seconds: elapsed,
    cpuPercent: (cpu.user + cpu.system) / 1e4 / elapsed,
    rssBytes,
    latePolls: (await sum(registry, 'vigie_modbus_late_polls_total')) - late,
    requests: (await sum(registry, 'vigie_modbus_requests_total')) - requests,
    good: counts.good - before.good,
    notGood: counts.notGood - before.notGood,
    jitterMeanMs: (1000 * (after.sum - jitter.sum)) / (after.count - jitter.count),
    startCpuSeconds: (before.cpu.user + before.cpu.system) / 1e6,
  };
  await Promise.all(sources.map((source) => source.stop()));
  return report;
}

function makeSources(task: ReaderTask, registry: Registry, emit: (samples: readonly Sample[]) => void) {
  const configs = task.ports.map((port, device) => deviceConfig(device, port, task.tagsPerDevice));
  const tags = new Map<string, Tag>();
  for (const config of configs) {
    for (const { name } of config.units.flatMap((unit) => unit.tags)) {
      tags.set(name, {
        name,
        index: tags.size,
        source: config.name,
        group: 'bench',
        kind: 'value',
        unit: '',
        range: { low: -1e9, high: 1e9 },
        period: seconds(1),
        deadband: 0,
      });
    }
  }
  const clock = new SystemClock();
  const log = createLog('error');
  return configs.map((config) => new ModbusSource({ config, tags, emit, clock, log, registry }));
}

function deviceConfig(device: number, port: number, count: number): ModbusSourceConfig {
  const half = count / 2;
  const tags = Array.from({ length: count }, (_, i) =>
    i < half
      ? { name: `d${device}-w${i}`, address: i, type: 'int16', scale: 0.1 }
      : { name: `d${device}-f${i}`, address: half + (i - half) * 2, type: 'float32', order: 'CDAB' },
  );
  const tcp = { host: '127.0.0.1', port };
  return modbusSource.parse({
    type: 'modbus',
    name: `device-${device}`,
    tcp,
    period: '1s',
    units: [{ id: 1, tags }],
  });
}

async function values(registry: Registry, name: string) {
  return (await registry.getSingleMetric(name)?.get())?.values ?? [];
}

async function sum(registry: Registry, name: string): Promise<number> {
  return (await values(registry, name)).reduce((total, { value }) => total + value, 0);
}

async function jitterOf(registry: Registry): Promise<{ sum: number; count: number }> {
  const all = (await values(registry, 'vigie_modbus_poll_jitter_seconds')) as {
    metricName?: string;
    value: number;
  }[];
  const total = (suffix: string) =>
    all.filter((entry) => entry.metricName?.endsWith(suffix)).reduce((n, { value }) => n + value, 0);
  return { sum: total('_sum'), count: total('_count') };
}
