/**
 * What a whole node costs: the built `vigie run` in a process of its own, reading the simulated plant's 127 sensors
 * every 5 s over Modbus TCP, with every detector, the outbox, a real mosquitto, a metrics scrape every 15 s and, in
 * the first third of the time, a viewer on the dashboard's live stream.
 *
 * A first node, polling every second, learns the baseline, so that the measured one detects from its start. The start-up
 * phase (a quarter of the time, at most 60 s) counts for nothing; then the plant is calm until a blower fails for the last
 * quarter of the time, at most a minute. Memory is the most of the last half, at most five minutes. Growth is that of the
 * floor (the least of each minute: garbage comes and goes in between) over the last half, by the robust slope, as MB in
 * five minutes. It is judged from ten minutes on: before, code is still being compiled.
 *
 * Flash: the node's folder is a file system of its own and the sectors written to it are counted. A day is the calm
 * time's rate and an anomaly every hour. Without root only the bytes that the process dirtied can be told, which counts
 * a large page whole for one changed byte: more than a card would see.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../runtime/core/errors.ts';
import { plantSourcesConfig } from '../simulator/modbus/sources-config.ts';
import { type PlantServer, startPlantServer } from '../simulator/plant-server.ts';
import { freePort, startMosquitto } from '../test/support/mosquitto.ts';
import { atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { NodeProcess } from './lib/node-process.ts';
import { OwnDisk } from './lib/own-disk.ts';
import { type ProcessReading, readProcess, robustSlope } from './lib/proc.ts';

export const summary =
  'a whole node at 127 sensors / 5 s: memory and its growth, processor, flash (--minutes, default 2)';

const DEFAULT_MINUTES = 2;
const SAMPLE_EVERY_S = 2;
const SCRAPE_EVERY_S = 15;
const GROUPS = 8;
const LEARN_LIMIT_S = 120;
const DAY_S = 86_400;
/** Ten minutes, but for the last reading's pause. */
const LONG_RUN_S = 590;
const ANOMALIES_A_DAY = 24;
const START_LIMIT_S = 30;

/** A reading and when it was taken, in seconds since the node started. */
interface Point extends ProcessReading {
  readonly at: number;
}

/** Bytes that had reached the node's own disk, and when, in seconds. */
interface DiskPoint {
  readonly at: number;
  readonly bytes: number;
}

interface Site {
  readonly folder: string;
  readonly disk: OwnDisk | undefined;
  readonly modbusPort: number;
  readonly httpPort: number;
  readonly broker: string;
}

export async function run({
  minutes = DEFAULT_MINUTES,
  progress,
}: BenchOptions): Promise<readonly BenchResult[]> {
  const parent = mkdtempSync(join(tmpdir(), 'vigie-node-'));
  const disk = ownDisk(parent, progress);
  const plant = await startPlantServer({ faultProbability: 0 });
  const broker = await startMosquitto();
  try {
    const site: Site = {
      folder: disk?.folder ?? parent,
      disk,
      modbusPort: plant.port,
      httpPort: await freePort(),
      broker: broker.url,
    };
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
    disk?.close();
    rmSync(parent, { recursive: true, force: true });
  }
}

function ownDisk(parent: string, progress: BenchOptions['progress']): OwnDisk | undefined {
  try {
    return new OwnDisk(parent);
  } catch (error) {
    progress(`${describeError(error)}; flash is told by what the process dirtied`);
    return undefined;
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
  /** After the start-up phase, when the blower failed, and at the end; empty without a disk of its own. */
  readonly disk: readonly DiskPoint[];
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
  const disk: DiskPoint[] = [];
  const marks = [settledAt(seconds), faultAt(seconds)];
  try {
    await node.logged('dashboard.listen.ok', 1, START_LIMIT_S);
    void watchStream(site, viewer.signal);
    plant.injectFault(`blower-failure@${Math.round(faultAt(seconds))}+60s`);
    let scrapeAt = 0;
    let reportAt = 60;
    while (elapsed() < seconds) {
      points.push({ at: elapsed(), ...readProcess(node.pid) });
      if (elapsed() >= (marks[disk.length] ?? Number.POSITIVE_INFINITY))
        disk.push(...diskPoint(site, elapsed()));
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
    disk.push(...diskPoint(site, elapsed()));
    return { points, disk, episodes: node.count('analysis.episode.start') };
  } finally {
    viewer.abort();
    await node.stop();
  }
}

const settledAt = (seconds: number) => Math.min(60, seconds / 4);
/** The last quarter, at most its minute and the time it takes to be told. */
const faultAt = (seconds: number) => seconds - Math.min(90, seconds / 4);

function results({ points, disk, episodes }: Measured): BenchResult[] {
  const last = points.at(-1)!;
  const settled = points.find(({ at }) => at >= settledAt(last.at))!;
  const rss = points.filter(({ at }) => at >= last.at - Math.min(300, last.at / 2)).map(({ rssMb }) => rssMb);
  const slope = robustSlope(floor(points).filter(({ x }) => x >= last.at / 2)) * Math.min(300, last.at / 2);
  const seconds = last.at - settled.at;
  return [
    atMost('rss_mb', percentile(rss, 1), 'MB', 90),
    last.at >= LONG_RUN_S ? atMost('rss_slope_mb', slope, 'MB', 0.5) : info('rss_slope_mb', slope, 'MB'),
    atMost('cpu_percent', (100 * (last.cpuSeconds - settled.cpuSeconds)) / seconds, '%', 3),
    ...flash(disk, ((last.writtenBytes - settled.writtenBytes) / seconds) * DAY_S),
    info('rss_at_start_mb', points[0]!.rssMb, 'MB'),
    info('rss_anonymous_mb', last.anonMb, 'MB'),
    info('anomaly_episodes', episodes, ''),
    info('threads', last.threads, ''),
    info('cpu_start_s', points[0]!.cpuSeconds, 's'),
  ];
}

/** The least memory of the minute before each reading. */
const floor = (points: readonly Point[]) =>
  points.map(({ at }) => {
    const minute = points.filter((point) => point.at <= at && point.at > at - 60);
    return { x: at, y: Math.min(...minute.map(({ rssMb }) => rssMb)) };
  });

/** @param dirtied bytes a day, as the process tells. */
function flash([settled, fault, end]: readonly DiskPoint[], dirtied: number): BenchResult[] {
  if (!settled || !fault || !end) return [atMost('flash_mb_per_day', dirtied / 1e6, 'MB', 60)];
  const rate = (fault.bytes - settled.bytes) / (fault.at - settled.at);
  const anomaly = Math.max(0, end.bytes - fault.bytes - rate * (end.at - fault.at));
  return [
    atMost('flash_mb_per_day', (rate * DAY_S + anomaly * ANOMALIES_A_DAY) / 1e6, 'MB', 60),
    info('flash_kb_per_anomaly', anomaly / 1e3, 'kB'),
    info('dirtied_mb_per_day', dirtied / 1e6, 'MB'),
  ];
}

const diskPoint = ({ disk }: Site, at: number): DiskPoint[] => (disk ? [{ at, bytes: disk.written() }] : []);

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
