/** Looks at cameras as the node would: each is asked for a frame, in a process that is gone afterwards. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { captureProblem } from '../../addon/capture.ts';
import { findDevice, profileProblem } from '../../config/device-profile/device.ts';
import { readBoardFacts } from '../../config/device-profile/facts.ts';
import { sessionLimits } from '../../config/device-profile/session-limits.ts';
import type { CameraConfig } from '../../config/schema/camera.ts';
import { readSecret } from '../../config/secret.ts';
import { SystemClock } from '../../core/clock.ts';
import type { Health } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import { createLog } from '../../core/log.ts';
import { Registry } from '../../core/prometheus.ts';
import { CameraGroup } from '../../sources/camera/group.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

/** A network camera may take seconds to its first whole picture. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 100;

/** @param cameras how many are configured: without any, none of it is missed. */
export function capture(cameras: number): Finding {
  const detail = cameras === 0 ? 'no camera is configured' : `${cameras} configured`;
  const problem = problemOfCapture();
  if (problem === undefined) return ok('cameras', `${detail}; GStreamer is here`);
  if (cameras === 0) return ok('cameras', `${detail}; pictures could not be captured here: ${problem}`);
  const fix = 'install it and start the node again; docs/cameras.md says which packages there are';
  return failure('cameras', `${detail}, and none can be read: ${problem}`, fix);
}

/** @param reference the device profile that was named; where it is wrong, another finding says so. */
export async function cameras(
  configs: readonly CameraConfig[],
  reference: string | undefined,
): Promise<Finding[]> {
  if (configs.length === 0 || problemOfCapture() !== undefined) return [];
  const usable = reference !== undefined && profileProblem(reference) === undefined;
  const { profile } = findDevice(usable ? { reference, by: '' } : undefined);
  const directory = mkdtempSync(join(tmpdir(), 'vigie-doctor-'));
  const group = new CameraGroup({
    group: 'doctor',
    cameras: configs.map(onlyCaptured),
    profile,
    limits: sessionLimits(profile, readBoardFacts()),
    clock: new SystemClock(),
    log: createLog('silent'),
    registry: new Registry(),
    directory,
    readSecret,
    onDetections: () => {},
    onEvent: () => {},
  });
  try {
    await group.start(new AbortController().signal);
    const health = await settled(group, configs.length);
    return configs.map(({ name, source }) => found(name, source.type, health[name]));
  } finally {
    await group.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A model is not asked for frames here, and no daemon is restarted. */
function onlyCaptured({ model: _, ...camera }: CameraConfig): CameraConfig {
  return { ...camera, healing: { ...camera.healing, restartArgus: false } };
}

async function settled(group: CameraGroup, count: number): Promise<Readonly<Record<string, Health>>> {
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const { parts = {} } = group.health();
    const known = Object.values(parts).filter(({ state }) => state !== 'starting').length;
    if (known === count || waited >= PATIENCE_MS) return parts;
    await pause(LOOK_EVERY_MS);
  }
}

function found(name: string, type: CameraConfig['source']['type'], health: Health | undefined): Finding {
  const check = `camera ${name}`;
  const { state, detail } = health ?? { state: 'starting', detail: '' };
  // A file that is at its end already was read.
  if (state === 'ok' || state === 'stopped') return ok(check, 'gives frames');
  if (state === 'starting') {
    const late = `no frame within ${PATIENCE_MS / 1000} s`;
    return failure(check, late, 'look at the camera itself, and at the log of the node');
  }
  const missing = /no element "/.test(detail);
  const code = missing ? 'element-missing' : (/^([a-z-]+):/.exec(detail)?.[1] ?? '');
  const make = code === 'device-busy' ? warning : failure;
  return make(check, detail, FIXES[code]?.[type] ?? FIXES[code]?.any ?? ANY_FIX);
}

type Fixes = Partial<Record<CameraConfig['source']['type'] | 'any', string>>;

const ANY_FIX = 'docs/cameras.md says what each kind of camera needs; try its pipeline with gst-launch-1.0';
const FIXES: Readonly<Record<string, Fixes>> = {
  'device-missing': {
    usb: 'is it plugged in, and is that its name? ls -l /dev/video* /dev/v4l/by-id/*',
    csi: 'is its cable right, and the camera turned on? libcamera-hello --list-cameras',
    any: 'check the path: relative ones start at the configuration file',
  },
  'device-refused': {
    usb: "let the service's user open it: usermod -aG video vigie; or run doctor as that user",
    any: "let the service's user read it",
  },
  'device-busy': { any: 'another program has it: the node itself, when it runs, is well' },
  'element-missing': {
    csi: 'install its plugin: apt-get install gstreamer1.0-libcamera; on a Jetson it comes with JetPack',
    any: 'install its plugin: apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-libav',
  },
  'format-refused': {
    usb: 'ask it for what it has: v4l2-ctl --list-formats-ext; then set resolution, fps and source.format',
    any: 'the pipeline must end in NV12 or I420 in ordinary memory: add videoconvert',
  },
  'stream-damaged': {
    file: 'it is no recording, or of a kind that GStreamer cannot read here: try gst-play-1.0, or convert it',
  },
  '': { file: 'name a video, an animated GIF, a picture, or a folder of JPEG or PNG pictures' },
  unreachable: { any: 'check address, port, network, user and password; is the camera on?' },
};

function problemOfCapture(): string | undefined {
  try {
    return captureProblem();
  } catch (error) {
    return describeError(error);
  }
}
