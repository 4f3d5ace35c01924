/**
 * The camera side of a node with its delivery, as a process of its own: real vision process, scenes, snapshots, outbox and
 * MQTT client. Takes a NodeJob as its argument, prints a NodeMeasured; what went wrong goes to standard error.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CameraScenes } from '../../runtime/cameras/scenes.ts';
import { Snapshots } from '../../runtime/cameras/snapshots.ts';
import { loadProfile } from '../../runtime/config/device-profile/load.ts';
import { cameraConfig } from '../../runtime/config/schema/camera.ts';
import { snapshotsConfig } from '../../runtime/config/schema/snapshots.ts';
import { InputError } from '../../runtime/core/errors.ts';
import type { OutboundRecord } from '../../runtime/core/messages.ts';
import { bytes } from '../../runtime/core/units.ts';
import { CameraGroup } from '../../runtime/sources/camera/group.ts';
import type { FrameDetections, ModelFacts } from '../../runtime/sources/camera/messages.ts';
import { startDelivery } from '../lib/delivery.ts';
import { readProcess } from '../lib/proc.ts';
import type { NodeJob } from './job.ts';
import { type FrameTimes, type MemoryPoint, summarise } from './summary.ts';

/** Half a core loads Node.js, GStreamer and a model slowly. */
const START_LIMIT_S = 120;
const FRAMES_BEFORE = 10;
const SETTLE_S = 2;
const SAMPLE_S = 0.5;

const job = JSON.parse(process.argv[2]!) as NodeJob;
const delivery = await startDelivery(job.broker, job.folder);
const { clock, log, registry } = delivery;
const accepted: number[] = [];
const frames: FrameTimes[] = [];
let trouble = '';
let seen = 0;
let wrongBackend: string | undefined;

const cameras = Array.from({ length: job.cameras }, (_, index) => configOf(index));
const accept = (record: OutboundRecord) => {
  if (record.class === 'event') accepted.push(clock.mono() - record.mono);
  return delivery.outbox.accept(record);
};
const snapshots = new Snapshots({
  cameras,
  limits: snapshotsConfig.parse({}),
  dataDir: job.folder,
  clock,
  log,
  accept,
  registry,
  picture: (camera, wish) => group.picture(camera, wish),
  onKept: (...kept) => scenes.keepSnapshot(...kept),
});
const scenes = new CameraScenes({
  cameras,
  clock,
  log,
  accept,
  idPrefix: delivery.outbox.bootId,
  onBusy: (camera, busy) => group.busy(camera, busy),
  onEvent: (event) => snapshots.event(event),
  onUpdate: (camera, update) => snapshots.see(camera, update),
});
const group = new CameraGroup({
  group: 'cameras',
  cameras,
  profile: loadProfile('generic-x86-64'),
  limits: { threads: 1, memoryLimitBytes: bytes(256 * 1024 ** 2) },
  clock,
  log,
  registry,
  directory: job.folder,
  readSecret: (reference) => reference,
  onDetections: see,
  onEvent: ({ detail, step }) => {
    if (step !== 'recovered') trouble = detail;
  },
});

await delivery.sink.start();
await snapshots.start();
await scenes.start();
await group.start(new AbortController().signal);
try {
  await waitForFrames();
  await sleep(SETTLE_S * 1000);
  process.stdout.write(JSON.stringify(await measure()));
} finally {
  await group.stop();
  await scenes.stop();
  await snapshots.stop();
  await delivery.stop();
}

function configOf(index: number) {
  const source = `filesrc location="${job.picture}" ! jpegdec ! videoconvert ! videoscale add-borders=true`;
  const caps = 'video/x-raw,format=NV12,width={width},height={height},pixel-aspect-ratio=1/1';
  return cameraConfig.parse({
    name: `camera-${index}`,
    source: { type: 'test' },
    pipeline: `${source} ! ${caps} ! imagefreeze is-live=true ! video/x-raw,framerate={fps}/1`,
    fps: job.fps,
    model: { manifest: job.manifest, threads: 1 },
    detection: { motion: { enabled: false }, events: { update: `${job.updateEvery}s` } },
  });
}

function see(frame: FrameDetections, model: ModelFacts): void {
  const arrived = clock.mono();
  scenes.see(frame, model);
  const done = clock.mono();
  seen += 1;
  if (model.backend !== job.backend) wrongBackend = model.backend;
  const { capturedAt, timing } = frame;
  const { handOver, detect } = timing;
  const toNode = arrived - capturedAt - handOver - detect;
  frames.push({
    at: capturedAt,
    handOver,
    detect,
    toNode,
    scene: done - arrived,
    toEvent: done - capturedAt,
  });
}

async function waitForFrames(): Promise<void> {
  const began = clock.mono();
  while (seen < FRAMES_BEFORE * job.cameras) {
    if (clock.mono() - began > START_LIMIT_S * 1000)
      throw new InputError('bench-camera', `no detections within ${START_LIMIT_S} s: ${trouble}`);
    await sleep(50);
  }
  if (wrongBackend !== undefined)
    throw new InputError('bench-camera', `the model runs on ${wrongBackend}, not ${job.backend}`);
}

async function measure() {
  // What came before was start-up.
  for (const values of [frames, accepted, delivery.latencies]) values.length = 0;
  const before = {
    counters: await counters(),
    vision: readProcess(visionPid()),
    node: readProcess(process.pid),
  };
  const began = clock.mono();
  const memory: MemoryPoint[] = [];
  const elapsed = () => (clock.mono() - began) / 1000;
  while (elapsed() < job.seconds) {
    memory.push({ at: elapsed(), rssMb: readProcess(visionPid()).rssMb });
    await sleep(SAMPLE_S * 1000);
  }
  const seconds = elapsed();
  const measured = [...frames];
  const after = {
    counters: await counters(),
    vision: readProcess(visionPid()),
    node: readProcess(process.pid),
  };
  const percent = (who: 'vision' | 'node') =>
    (100 * (after[who].cpuSeconds - before[who].cpuSeconds)) / seconds;
  const grown = (name: string) => (after.counters[name] ?? 0) - (before.counters[name] ?? 0);
  return {
    ...summarise({ seconds, frames: measured, memory, accepted, acknowledged: delivery.latencies }),
    captured: grown('captured'),
    skipped: grown('skipped'),
    dropped: grown('dropped'),
    visionCpuPercent: percent('vision'),
    nodeCpuPercent: percent('node'),
  };
}

function visionPid(): number {
  if (group.pid !== undefined) return group.pid;
  throw new InputError('bench-camera', `the vision process ended: ${trouble}`);
}

/** Of all cameras, by what became of their frames. */
async function counters(): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  const metric = await registry.getSingleMetric('vigie_camera_frames_total')?.get();
  for (const { labels, value } of metric?.values ?? []) {
    const result = String(labels.result);
    sums[result] = (sums[result] ?? 0) + value;
  }
  return sums;
}
