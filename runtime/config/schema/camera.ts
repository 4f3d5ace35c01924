/** A camera: where its pictures come from, in which form, when it counts as stuck, and which model looks at them. */

import { z } from 'zod';
import { bundleName, byteSize, described, duration, name, secretFile } from './common.ts';
import { cameraSnapshots } from './snapshots.ts';
import { detectionConfig, privacyConfig } from './zones.ts';

const file = z.string().min(1).max(4096);

/** Names and numbers go into a GStreamer description, where they must not end a word. */
const word = (what: string) =>
  z
    .string()
    .min(1)
    .max(1000)
    .regex(/^[^\s"'!\\]+$/, `expected ${what} without spaces, quotes, '!' and '\\'`);

export const cameraSource = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('csi'),
    sensor: described(
      z.union([z.number().int().min(0).max(15).transform(String), word("a sensor's name")]).default('0'),
      'Ribbon camera: its number (Jetson), or its name as libcamera lists it (Raspberry Pi).',
    ),
  }),
  z.strictObject({
    type: z.literal('usb'),
    device: described(word('a device file').default('/dev/video0'), 'Its device file.'),
    format: described(
      z.enum(['profile', 'mjpeg', 'raw']).default('profile'),
      "What the camera sends; profile: what the board's profile expects.",
    ),
  }),
  z.strictObject({
    type: z.literal('rtsp'),
    url: described(
      word('an address').regex(
        /^rtsps?:\/\/(?![^/]*@)/,
        'expected rtsp://HOST/… without user and password: those stand in user and passwordFile',
      ),
      "The stream's address.",
    ),
    user: described(z.string().min(1).max(200).optional(), 'User name at the camera.'),
    passwordFile: described(secretFile.optional(), "The user's password."),
    transport: described(
      z.enum(['tcp', 'udp']).default('tcp'),
      'tcp comes through firewalls and loses nothing; udp has less delay.',
    ),
    latency: described(
      duration('0ms', '10s').prefault('200ms'),
      'How long packets may be held to put them in order.',
    ),
  }),
  z.strictObject({
    type: z.literal('file'),
    file: described(
      file,
      'A video (mp4, mkv, avi …), an animated gif, a picture, or a folder of JPEG or PNG pictures in the order of their names; relative paths start at the configuration file.',
    ),
    loop: described(z.boolean().default(true), 'Start again at the end; otherwise the camera ends there.'),
  }),
  z.strictObject({
    type: z.literal('test'),
    pattern: described(
      z.enum(['smpte', 'ball', 'snow', 'black']).default('ball'),
      "GStreamer's test picture: bars, a moving ball, noise, nothing.",
    ),
  }),
]);

const resolution = z.strictObject({
  width: described(z.number().int().min(32).max(7680).multipleOf(2), 'Pixels, before rotation.'),
  height: described(z.number().int().min(32).max(4320).multipleOf(2), 'Pixels, before rotation.'),
});

const healing = z.strictObject({
  stallPeriods: described(
    z.number().int().min(3).max(1000).default(30),
    'So many frame periods without a frame are a stall.',
  ),
  startWithin: described(
    duration('1s', '5min').prefault('20s'),
    'How long the first frame after a (re)start may take.',
  ),
  freeze: described(
    z.union([z.literal('off'), duration('1s', '1d')]).optional(),
    'The very same picture for so long is a fault. Left out: 60s for cameras, off for files and test patterns.',
  ),
  restartArgus: described(
    z.boolean().default(false),
    "Jetson: the node may restart NVIDIA's camera daemon (nvargus-daemon) when nothing else helps; needs the right to.",
  ),
});

const memory = z.strictObject({
  most: described(
    byteSize('64MiB', '16GiB').prefault('400MiB'),
    "Resident memory of the camera's process beyond which it is started again.",
  ),
  growthPerHour: described(
    byteSize('1MiB', '4GiB').prefault('64MiB'),
    'Steady growth beyond this is a leak: the process is started again.',
  ),
});

const model = z
  .strictObject({
    manifest: described(
      file.optional(),
      "The model's manifest, or the folder that holds it; relative paths start at the configuration file.",
    ),
    bundle: described(
      bundleName.optional(),
      'Instead of `manifest`: name of a signed bundle with a model for the task `detection` (docs/ota.md). Until a release serves, the camera is only watched.',
    ),
    threads: described(
      z.number().int().min(1).max(64).optional(),
      "Processor threads; the board's profile says, when left out.",
    ),
  })
  .superRefine((entry, context) => {
    const { manifest, bundle } = entry;
    if (manifest === undefined && bundle === undefined)
      context.addIssue({
        code: 'custom',
        path: [],
        message: 'names no model: add manifest, or bundle for one that comes as an update',
      });
    if (manifest !== undefined && bundle !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['bundle'],
        message: 'stands beside manifest: a model comes from one of them',
      });
  });

/** Placeholders that an own pipeline may leave open. */
export const CAMERA_PLACEHOLDERS = ['width', 'height', 'fps'];

export const cameraFields = {
  name: described(name, 'Unique among the cameras and sources; in topics, addresses and metrics.'),
  source: described(cameraSource, 'Where its pictures come from.'),
  resolution: described(
    resolution.optional(),
    'Size asked of the camera, 1280 x 720 when left out; streams and files keep their own, or are scaled to it.',
  ),
  fps: described(
    z.number().int().min(1).max(240).default(15),
    'Frames a second asked of the camera; at most so many of streams and files.',
  ),
  rotation: described(
    z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]).default(0),
    'Degrees clockwise by which pictures are turned.',
  ),
  pipeline: described(
    z.string().min(1).max(2000).optional(),
    'An own GStreamer description in place of all of it, up to NV12 or I420 in ordinary memory; may hold {width} {height} {fps}.',
  ),
  group: described(
    name.optional(),
    'Cameras of one group share a process: less memory, and one crash takes them all. Left out: a process of its own.',
  ),
  model: described(model.optional(), 'Detection model; without one the camera is only watched.'),
  detection: described(
    detectionConfig.prefault({}),
    'What the model is to look for, where, and when that is an event.',
  ),
  privacy: described(privacyConfig.prefault({}), 'What is kept and shown of persons.'),
  snapshots: described(cameraSnapshots.prefault({}), 'How the pictures of its events are made and sent.'),
  healing: described(healing.prefault({}), 'When the camera counts as stuck.'),
  memory: described(
    memory.prefault({}),
    "Bounds of the camera's process; in a group those of its first camera.",
  ),
};

export type CameraSourceConfig = z.output<typeof cameraSource>;

export const cameraConfig = z.strictObject({ ...cameraFields }).superRefine((camera, context) => {
  const { source } = camera;
  if (source.type === 'rtsp' && source.passwordFile !== undefined && source.user === undefined) {
    context.addIssue({
      code: 'custom',
      path: ['source', 'passwordFile'],
      message: 'a password goes with user',
    });
  }
  const { zones, tripwires } = camera.detection;
  if (camera.model === undefined && zones.length + tripwires.length > 0) {
    const path = ['detection', zones.length > 0 ? 'zones' : 'tripwires'];
    context.addIssue({ code: 'custom', path, message: 'nothing is found without a model: add one' });
  }
  if (camera.snapshots.mqtt && !camera.privacy.snapshots) {
    const message = 'there is no picture to send: privacy.snapshots is off';
    context.addIssue({ code: 'custom', path: ['snapshots', 'mqtt'], message });
  }
  for (const [, found] of (camera.pipeline ?? '').matchAll(/\{([^}]*)\}/g)) {
    if (CAMERA_PLACEHOLDERS.includes(found!)) continue;
    const message = `'{${found}}' is no placeholder; there are {width} {height} {fps}`;
    context.addIssue({ code: 'custom', path: ['pipeline'], message });
  }
});

export type CameraConfig = z.output<typeof cameraConfig>;
