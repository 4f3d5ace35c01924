/**
 * From a camera's frame to an event at the broker: the real vision process, scenes, snapshots, outbox, MQTT client and
 * mosquitto, in processes of their own. The camera is a 1280 × 720 NV12 stream of a picture with four persons, so that
 * there is something to track; the detector is FastestDet on one thread, and nothing but the frames' stamps is measured.
 *
 * Limits are the kernel's: one core for the delay, half a core and 512 MiB for the rate, where the cameras send more
 * frames than can be looked at. onnxruntime-node in float32 is put into the very same loop, with our capture and
 * pre-processing (half_core_ort_fp32_fps), and is measured as a program of sharp, onnxruntime-node and JavaScript would
 * have it, without a camera or delivery (half_core_js_ort_fp32_fps).
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureProblem } from '../runtime/addon/capture.ts';
import { describeError, InputError } from '../runtime/core/errors.ts';
import { startMosquitto } from '../test/support/mosquitto.ts';
import { atLeast, atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import type { NodeJob, NodeMeasured } from './camera/job.ts';
import { measureNode, measurePeer } from './camera/measured-node.ts';
import { prepareSubjects, type Subjects } from './camera/subjects.ts';
import { ControlGroup } from './lib/control-group.ts';

export const summary =
  'cameras: frame to event, each stage, frames a second in half a core, 8 streams, memory (--minutes, default 1/3)';

const DEFAULT_MINUTES = 1 / 3;
/** From here on growth of memory is judged: before, code is still being compiled. */
const LONG_RUN_S = 590;
const SHORT_S = 8;
const CAMERA_FPS = 15;
/** More than can be looked at, and as much as a camera may have. */
const FLOOD_FPS = 240;
/** One run after the other says little of two programs: they take turns. */
const ROUNDS = 3;
const TURN_S = 6;
const STREAMS = 8;
const STREAM_FPS = 10;
const HALF_CORE = { cores: 0.5, memoryBytes: 512 * 1024 ** 2 };

interface Measured {
  readonly fps: number;
  readonly cpu: number;
  readonly memoryMb: number;
}

/** What all runs have in common. */
interface Site {
  readonly subjects: Subjects;
  readonly scratch: string;
  readonly broker: string;
  readonly limited: boolean;
  readonly progress: BenchOptions['progress'];
}

export async function run({
  minutes = DEFAULT_MINUTES,
  progress,
}: BenchOptions): Promise<readonly BenchResult[]> {
  const problem = captureProblem();
  if (problem !== undefined) throw new InputError('bench-camera', problem);
  const scratch = mkdtempSync(join(tmpdir(), 'vigie-camera-'));
  const broker = await startMosquitto();
  try {
    const subjects = await prepareSubjects(scratch);
    const limited = await canLimit(progress);
    const site: Site = { subjects, scratch, broker: broker.url, limited, progress };
    return [...(await frameToEvent(site, minutes * 60)), ...(await halfCore(site)), ...(await streams(site))];
  } finally {
    await broker.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function canLimit(progress: BenchOptions['progress']): Promise<boolean> {
  try {
    await new ControlGroup(`vigie-bench-${process.pid}`, HALF_CORE).remove();
    return true;
  } catch (error) {
    const instead = 'systemd-run --user --scope -p CPUQuota=50% -p MemoryMax=512M vigie bench camera';
    progress(`${describeError(error)}; half_core_* is left out: run as root, or all of it by ${instead}`);
    return false;
  }
}

const jobOf = ({ subjects, broker }: Site): Omit<NodeJob, 'folder'> => ({
  cameras: 1,
  fps: CAMERA_FPS,
  manifest: subjects.int8,
  backend: 'xnnpack',
  picture: subjects.picture,
  updateEvery: 30,
  broker,
  seconds: SHORT_S,
});

async function frameToEvent(site: Site, seconds: number): Promise<BenchResult[]> {
  site.progress(`a camera at ${CAMERA_FPS} frames/s for ${Math.round(seconds)} s`);
  const job = { ...jobOf(site), seconds, updateEvery: 1 };
  const { measured } = await measureNode(job, site.scratch, site.limited ? { cores: 1 } : undefined);
  const growth = measured.visionRssGrowthMb;
  return [
    atMost('frame_to_event_p95_ms', measured.toEvent.p95, 'ms', 40),
    info('frame_to_event_p50_ms', measured.toEvent.p50, 'ms'),
    atMost('hand_over_p95_ms', measured.handOver.p95, 'ms', 3),
    info('hand_over_p50_ms', measured.handOver.p50, 'ms'),
    atMost('frame_to_puback_p95_ms', measured.toPuback.p95, 'ms', 40),
    info('frame_to_puback_p50_ms', measured.toPuback.p50, 'ms'),
    ...shares(measured),
    atMost('vision_rss_mb', measured.visionRssMb, 'MB', 150),
    seconds >= LONG_RUN_S ? atMost('rss_slope_mb', growth, 'MB', 0.5) : info('rss_slope_mb', growth, 'MB'),
    info('vision_cpu_percent', measured.visionCpuPercent, '%'),
    info('node_cpu_percent', measured.nodeCpuPercent, '%'),
    info('frames_measured', measured.frames, ''),
    info('events_measured', measured.events, ''),
  ];
}

/** Of the mean time from capture to PUBACK, in percent. */
function shares({ handOver, detect, toNode, scene, publishMean }: NodeMeasured): BenchResult[] {
  const stages = {
    hand_over: handOver.mean,
    detect: detect.mean,
    to_node: toNode.mean,
    tracks_zones: scene.mean,
    publish: publishMean,
  };
  const all = Object.values(stages).reduce((sum, value) => sum + value, 0);
  return Object.entries(stages).flatMap(([stage, value]) => [
    info(`${stage}_mean_ms`, value, 'ms'),
    info(`${stage}_share_percent`, (100 * value) / all, '%'),
  ]);
}

async function halfCore(site: Site): Promise<BenchResult[]> {
  if (!site.limited) return [];
  const measure = async (model: Pick<NodeJob, 'manifest' | 'backend'>): Promise<Measured> => {
    site.progress(`half a core and 512 MiB: ${model.backend} for ${TURN_S} s`);
    const { measured, peakMemoryBytes } = await measureNode(
      { ...jobOf(site), fps: FLOOD_FPS, seconds: TURN_S, ...model },
      site.scratch,
      HALF_CORE,
    );
    const { frames, seconds, visionCpuPercent, nodeCpuPercent } = measured;
    return {
      fps: frames / seconds,
      cpu: visionCpuPercent + nodeCpuPercent,
      memoryMb: (peakMemoryBytes ?? Number.NaN) / 1e6,
    };
  };
  const { int8, float, floatOnnx, picture } = site.subjects;
  const rounds: { ours: Measured; peer: Measured; script: number }[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const ours = await measure({ manifest: int8, backend: 'xnnpack' });
    const peer = await measure({ manifest: float, backend: 'onnxruntime' });
    site.progress(`half a core and 512 MiB: the same in JavaScript for ${TURN_S} s`);
    rounds.push({ ours, peer, script: await measurePeer(floatOnnx, picture, TURN_S, HALF_CORE) });
  }
  const middle = (of: (round: (typeof rounds)[number]) => number) => percentile(rounds.map(of), 0.5);
  return [
    atLeast(
      'half_core_fps',
      middle(({ ours }) => ours.fps),
      '1/s',
      25,
    ),
    atLeast(
      'half_core_speedup_vs_ort_fp32',
      middle(({ ours, peer }) => ours.fps / peer.fps),
      'x',
      2.5,
    ),
    info(
      'half_core_ort_fp32_fps',
      middle(({ peer }) => peer.fps),
      '1/s',
    ),
    info(
      'half_core_js_ort_fp32_fps',
      middle(({ script }) => script),
      '1/s',
    ),
    info(
      'half_core_speedup_vs_js_ort_fp32',
      middle(({ ours, script }) => ours.fps / script),
      'x',
    ),
    info(
      'half_core_cpu_percent',
      middle(({ ours }) => ours.cpu),
      '%',
    ),
    info(
      'half_core_ort_fp32_cpu_percent',
      middle(({ peer }) => peer.cpu),
      '%',
    ),
    info(
      'half_core_memory_peak_mb',
      middle(({ ours }) => ours.memoryMb),
      'MB',
    ),
  ];
}

async function streams(site: Site): Promise<BenchResult[]> {
  site.progress(`${STREAMS} cameras at ${STREAM_FPS} frames/s for ${SHORT_S} s`);
  const job = { ...jobOf(site), cameras: STREAMS, fps: STREAM_FPS };
  const { measured } = await measureNode(job, site.scratch, site.limited ? { cores: 2 } : undefined);
  const { captured, skipped, dropped, frames, seconds } = measured;
  return [
    atMost('streams_8_dropped', dropped, '', 0),
    atMost('streams_8_delay_growth_ms', measured.delayGrowth, 'ms', 10),
    info('streams_8_skipped_percent', (100 * skipped) / captured, '%'),
    info('streams_8_fps', frames / seconds, '1/s'),
    info('streams_8_frame_to_event_p95_ms', measured.toEvent.p95, 'ms'),
    info('streams_8_vision_rss_mb', measured.visionRssMb, 'MB'),
  ];
}
