import { Counter, Gauge, Histogram, type Registry, sharedFamily } from '../../core/prometheus.ts';
import type { Bytes, Millis } from '../../core/units.ts';
import type { CameraReason, CameraStep } from './events.ts';
import type { CameraCounters } from './messages.ts';

/** What became of a frame, as CameraCounters names it. */
const RESULTS = ['captured', 'skipped', 'damaged', 'still', 'spared', 'detected', 'dropped'] as const;

export interface CameraMetrics {
  /** @param counters since the process started: a lower number than before is a new process. */
  frames(counters: CameraCounters): void;
  step(step: CameraStep, reason: CameraReason): void;
  timing(handOver: Millis, detect: Millis): void;
  up(up: boolean): void;
}

export function cameraMetrics(registry: Registry, camera: string): CameraMetrics {
  const frames = sharedFamily(registry, 'vigie_camera_frames_total', () => {
    const help =
      'Frames of cameras, by what became of them; a frame counts once as captured, and again for the rest.';
    return new Counter({
      name: 'vigie_camera_frames_total',
      help,
      labelNames: ['camera', 'result'],
      registers: [registry],
    });
  });
  const steps = sharedFamily(registry, 'vigie_camera_healing_steps_total', () => {
    const help = 'What was done to heal cameras, and why.';
    const labelNames = ['camera', 'step', 'reason'];
    return new Counter({ name: 'vigie_camera_healing_steps_total', help, labelNames, registers: [registry] });
  });
  const up = sharedFamily(registry, 'vigie_camera_up', () => {
    const help = 'Whether frames come.';
    return new Gauge({ name: 'vigie_camera_up', help, labelNames: ['camera'], registers: [registry] });
  });
  const stages = sharedFamily(registry, 'vigie_camera_stage_seconds', () => {
    const help = 'Time of one frame: hand-over from capture to the model, detection.';
    const buckets = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1];
    const labelNames = ['camera', 'stage'];
    return new Histogram({
      name: 'vigie_camera_stage_seconds',
      help,
      labelNames,
      buckets,
      registers: [registry],
    });
  });
  const seen: Record<string, number> = {};
  for (const result of RESULTS) frames.labels(camera, result);
  return {
    frames: (counters) => {
      for (const result of RESULTS) {
        const [now, before] = [counters[result], seen[result] ?? 0];
        frames.labels(camera, result).inc(now >= before ? now - before : now);
        seen[result] = now;
      }
    },
    step: (step, reason) => steps.labels(camera, step, reason).inc(),
    timing: (handOver, detect) => {
      stages.labels(camera, 'hand-over').observe(handOver / 1000);
      stages.labels(camera, 'detect').observe(detect / 1000);
    },
    up: (is) => up.labels(camera).set(is ? 1 : 0),
  };
}

export interface ProcessMetrics {
  resident(value: Bytes): void;
}

export function processMetrics(registry: Registry, group: string): ProcessMetrics {
  const resident = sharedFamily(registry, 'vigie_vision_resident_bytes', () => {
    const help = 'Resident memory of a vision process.';
    return new Gauge({
      name: 'vigie_vision_resident_bytes',
      help,
      labelNames: ['group'],
      registers: [registry],
    });
  });
  return { resident: (value) => resident.labels(group).set(value) };
}
