/**
 * Process and event-loop metrics under the names every Prometheus dashboard for Node.js knows. CPU time and
 * the event loop are measured here: prom-client's CPU metric loads a tracing API (6 MB), and its event-loop
 * metric counts the sampling interval as lag.
 */

import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from '../../core/prometheus.ts';
import { registerView } from './view.ts';

const require = createRequire(import.meta.url);

/** Their classes and names are prom-client's; version pinned in package.json, names held by a test. */
const FROM_PROM_CLIENT = [
  'gc',
  'heapSizeAndUsed',
  'osMemoryHeap',
  'processMaxFileDescriptors',
  'processOpenFileDescriptors',
  'processStartTime',
  'version',
];

/** Wakes the process 20 times a second: enough to see a blocked loop, too little to cost CPU time. */
const LOOP_SAMPLE_MS = 50;

export function registerProcessMetrics(registry: Registry): void {
  for (const name of FROM_PROM_CLIENT) {
    const register: (registry: Registry) => void = require(`prom-client/lib/metrics/${name}`);
    register(registry);
  }
  registerCpu(registry);
  registerEventLoop(registry);
}

function registerCpu(registry: Registry): void {
  const kinds = {
    user: 'process_cpu_user_seconds_total',
    system: 'process_cpu_system_seconds_total',
  } as const;
  for (const [kind, name] of Object.entries(kinds)) {
    registerView(registry, {
      name,
      help: `Total ${kind} CPU time spent in seconds.`,
      type: 'counter',
      values: () => [{ labels: {}, value: process.cpuUsage()[kind as keyof typeof kinds] / 1e6 }],
    });
  }
  registerView(registry, {
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    type: 'counter',
    values: () => {
      const { user, system } = process.cpuUsage();
      return [{ labels: {}, value: (user + system) / 1e6 }];
    },
  });
}

function registerEventLoop(registry: Registry): void {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  histogram.enable();
  const lag = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - LOOP_SAMPLE_MS / 1e3);
  // Collected in the order of registration: this one comes first and sets the others.
  new Gauge({
    name: 'nodejs_eventloop_lag_mean_seconds',
    help: 'Mean lag of the event loop since the last scrape, in seconds.',
    registers: [registry],
    collect() {
      if (histogram.count === 0) return;
      this.set(lag(histogram.mean));
      p50.set(lag(histogram.percentile(50)));
      p90.set(lag(histogram.percentile(90)));
      p99.set(lag(histogram.percentile(99)));
      max.set(lag(histogram.max));
      histogram.reset();
    },
  });
  const gauge = (part: string, what: string) =>
    new Gauge({
      name: `nodejs_eventloop_lag_${part}_seconds`,
      help: `${what} lag of the event loop since the last scrape, in seconds.`,
      registers: [registry],
    });
  const p50 = gauge('p50', 'Median');
  const p90 = gauge('p90', '90th percentile of the');
  const p99 = gauge('p99', '99th percentile of the');
  const max = gauge('max', 'Largest');
}
