/**
 * What a whole node costs: the built `vigie run` in a process of its own, reading the simulated plant's 127 sensors
 * every 5 s over Modbus TCP, with every detector, the outbox, a real mosquitto, a metrics scrape every 15 s and, in
 * the first third of the time, a viewer on the dashboard's live stream.
 *
 * A first node, polling every second, learns the baseline, so that the measured one detects from its start; a blower
 * fails for a minute after a quarter of the time, so that anomalies are part of it. Processor
 * time and bytes written count from the end of the start-up phase (a quarter of the time, at most 60 s); memory and its
 * growth are those of the last half, at most five minutes. Growth is the robust slope times that span.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { plantSourcesConfig } from '../simulator/modbus/sources-config.ts';
import { type PlantServer, startPlantServer } from '../simulator/plant-server.ts';
import { freePort, startMosquitto } from '../test/support/mosquitto.ts';
import { atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { NodeProcess } from './lib/node-process.ts';
import { type ProcessReading, readProcess, robustSlope } from './lib/proc.ts';

export const summary =
  'a whole node at 127 sensors / 5 s: memory and its growth, processor, flash (--minutes, default 2)';

const DEFAULT_MINUTES = 2;
const SAMPLE_EVERY_S = 2;
const SCRAPE_EVERY_S = 15;
const GROUPS = 8;
const LEARN_LIMIT_S = 120;
const START_LIMIT_S = 30;

/** A reading and when it was taken, in seconds since the node started. */
interface Point extends ProcessReading {
  readonly at: number;
}

interface Site {
  readonly folder: string;
  readonly modbusPort: number;
  readonly httpPort: number;
  readonly broker: string;
}

export async function run({
  minutes = DEFAULT_MINUTES,
  progress,
}: BenchOptions): Promise<readonly BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-node-'));
  const plant = await startPlantServer({ faultProbability: 0 });
  const broker = await startMosquitto();
  try {
    const site: Site = { folder, modbusPort: plant.port, httpPort: await freePort(), broker: broker.url };
    progress('learning the baseline at one poll a second');
    const learning = await learn(site);
    progress(`measuring for ${minutes} min`);
    return [
      ...results(await measure(site, minutes * 60, plant, progress)),
      info('rss_learning_mb', learning, 'MB'),
    ];
  } finally {
    await plant.stop();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the learning node's RSS right after all groups were fitted, in MB. */
async function learn(site: Site): Promise<number> {
  const node = new NodeProcess({ folder: site.folder, config: configuration(site, '1s') });
  try {
    await node.logged('analysis.baseline.fitted', GROUPS, LEARN_LIMIT_S);
    return readProcess(node.pid).rssMb;
  } finally {
    await node.stop();
  }
}

interface Measured {
  readonly points: readonly Point[];
  /** Anomalies reported: one blower fails in a plant that is calm otherwise. */
  readonly episodes: number;
}

async function measure(
  site: Site,
  seconds: number,
  plant: PlantServer,
  progress: BenchOptions['progress'],
): Promise<Measured> {
  const node = new NodeProcess({ folder: site.folder, config: configuration(site, '5s') });
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const viewer = new AbortController();
  const points: Point[] = [];
  try {
    await node.logged('dashboard.listen.ok', 1, START_LIMIT_S);
    void watchStream(site, viewer.signal);
    plant.injectFault(`blower-failure@${Math.round(seconds / 4)}+60s`);
    let scrapeAt = 0;
    let reportAt = 60;
    while (elapsed() < seconds) {
      points.push({ at: elapsed(), ...readProcess(node.pid) });
      if (elapsed() > seconds / 3) viewer.abort();
      if (elapsed() >= scrapeAt) {
        scrapeAt += SCRAPE_EVERY_S;
        await scrape(site);
      }
      if (elapsed() >= reportAt) {
        reportAt += 60;
        progress(`${Math.round(elapsed() / 60)} min: RSS ${points.at(-1)?.rssMb.toFixed(1)} MB`);
      }
      await sleep(SAMPLE_EVERY_S * 1000);
    }
    return { points, episodes: node.count('analysis.episode.start') };
  } finally {
    viewer.abort();
    await node.stop();
  }
}

function results({ points, episodes }: Measured): BenchResult[] {
  const last = points.at(-1)!;
  const settled = points.find(({ at }) => at >= Math.min(60, last.at / 4))!;
  const span = Math.min(300, last.at / 2);
  const tail = points.filter(({ at }) => at >= last.at - span);
  const rss = tail.map(({ rssMb }) => rssMb);
  const growth = robustSlope(tail.map(({ at, rssMb }) => ({ x: at, y: rssMb }))) * span;
  const seconds = last.at - settled.at;
  const written = last.writtenBytes - settled.writtenBytes;
  return [
    atMost('rss_mb', percentile(rss, 1), 'MB', 90),
    atMost('rss_slope_mb', growth, 'MB', 0.5),
    atMost('cpu_percent', (100 * (last.cpuSeconds - settled.cpuSeconds)) / seconds, '%', 3),
    atMost('flash_mb_per_day', ((written / seconds) * 86_400) / 1e6, 'MB', 60),
    info('rss_at_start_mb', points[0]!.rssMb, 'MB'),
    info('rss_anonymous_mb', last.anonMb, 'MB'),
    info('anomaly_episodes', episodes, ''),
    info('threads', last.threads, ''),
    info('cpu_start_s', points[0]!.cpuSeconds, 's'),
  ];
}

function configuration({ modbusPort, httpPort, broker }: Site, period: string): Record<string, unknown> {
  return {
    node: { site: 'bench', name: 'node' },
    sources: plantSourcesConfig({ port: modbusPort, period }),
    anomaly: { baseline: { learn: '60s', minRows: 30 } },
    mqtt: { url: broker },
    http: { port: httpPort },
  };
}

async function scrape({ httpPort }: Site): Promise<void> {
  await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).arrayBuffer();
}

/** Reads the live stream as an open page does, until told to leave. */
async function watchStream({ httpPort }: Site, signal: AbortSignal): Promise<void> {
  try {
    const response = await fetch(`http://127.0.0.1:${httpPort}/api/stream`, { signal });
    for await (const _ of response.body ?? []);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
