/** device-profiles/*.yaml: what a kind of board can carry, how it is recognised, and how its cameras are read. */

import { z } from 'zod';
import { byteSize, described, name } from '../schema/common.ts';

export const BACKENDS = ['xnnpack', 'tensorrt', 'onnxruntime'] as const;
/** What a camera pipeline's text may leave open. */
export const PLACEHOLDERS = ['sensor', 'device', 'width', 'height', 'fps'];

const patterns = z.array(z.string().min(1).max(120)).max(50).default([]);

const recognise = z.strictObject({
  compatible: described(
    patterns,
    "Entries of /proc/device-tree/compatible that only this board has; '*' stands for any text.",
  ),
  models: described(
    patterns,
    "What /proc/device-tree/model, or else DMI's product name, starts with on this board.",
  ),
  tegraBoards: described(
    patterns,
    'BOARD in /etc/nv_tegra_release: for containers, which see no device tree.',
  ),
});

const cpu = z.strictObject({
  core: described(z.string().max(80), 'Kind of core, for people.'),
  cores: described(z.number().int().min(1).max(1024).optional(), 'How many; left out where they differ.'),
  dotProduct: described(
    z.boolean().optional(),
    'Whether the cores multiply and add int8 in one instruction (Arm SDOT, x86 VNNI); left out where they differ.',
  ),
});

const tensorrt = z.strictObject({
  computeCapability: described(
    z.string().regex(/^\d{1,2}\.\d$/, "expected the GPU's compute capability, in quotes: '7.2'"),
    "The GPU's compute capability.",
  ),
  workspace: described(
    byteSize('16MiB', '64GiB'),
    'Scratch memory that TensorRT may use while it builds an engine.',
  ),
});

const backends = z
  .array(z.enum(BACKENDS))
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'names a backend twice');

const models = z
  .strictObject({
    backends: described(backends, 'In the order they are tried; the first that can run a model runs it.'),
    precision: described(z.enum(['float32', 'float16', 'int8']), 'Preferred where a model comes in several.'),
    maxBatch: described(z.number().int().min(1).max(1024), 'Most inputs that are run at once.'),
    threads: described(
      z.number().int().min(1).max(256),
      'Processor threads of one model; never as many as there are cores, unless affinity says so.',
    ),
    affinity: described(
      z.array(z.number().int().min(0).max(1023)).max(256).default([]),
      'Cores that those threads keep to; empty: any.',
    ),
    memory: described(
      z.strictObject({
        share: described(z.number().min(0.01).max(0.9), "Of the machine's memory."),
        most: described(byteSize('16MiB', '1TiB'), 'However much memory there is.'),
      }),
      'What one loaded model may hold beyond its mapped file: the lesser of the two.',
    ),
    tensorrt: described(tensorrt.optional(), 'Boards with an NVIDIA GPU.'),
  })
  .refine((value) => value.tensorrt !== undefined || !value.backends.includes('tensorrt'), {
    path: ['backends'],
    message:
      "names tensorrt, whose settings are missing: add 'tensorrt: { computeCapability: …, workspace: … }'",
  });

const pipeline = z
  .string()
  .max(2000)
  .refine((text) => unknownPlaceholders(text).length === 0, {
    message: `has an unknown placeholder; there are ${PLACEHOLDERS.map((word) => `{${word}}`).join(' ')}`,
  });

const camera = z.strictObject({
  csi: described(
    pipeline.optional(),
    'GStreamer description for a ribbon camera, up to NV12 or I420 in ordinary memory; {sensor} is its number or name.',
  ),
  usb: described(pipeline, 'GStreamer description for a USB camera; {device} is its device file.'),
});

const zone = z
  .strictObject({
    types: described(
      z.array(z.string().min(1).max(60)).min(1).max(20),
      'Names this zone has in /sys/class/thermal/thermal_zone*/type, by kernel version.',
    ),
    easeOff: described(
      z.number().min(30).max(110),
      'Degrees Celsius from which the node does less by itself.',
    ),
    throttle: described(
      z.number().min(30).max(120),
      'Degrees Celsius at which the board slows its clocks down.',
    ),
  })
  .refine((value) => value.easeOff < value.throttle, {
    path: ['easeOff'],
    message: 'is not below throttle: the node eases off before the board does',
  });

const board = z.strictObject({
  name: described(name, "What 'device.profile' calls it; the file's name without .yaml."),
  title: described(z.string().min(1).max(120), 'The board, for people.'),
  architecture: described(z.enum(['arm64', 'x64']), 'As Node.js names it.'),
  recognise: described(
    recognise.prefault({}),
    'What tells this board from others; empty: chosen by name alone.',
  ),
  cpu: described(cpu, 'The processor.'),
  models: described(models, 'How models are run.'),
  camera: described(camera, 'How cameras are read.'),
  thermal: described(
    z.strictObject({
      zones: described(z.array(zone).max(20), 'Zones to watch; absent ones are passed over.'),
      tegrastats: described(
        z.string().startsWith('/').max(4096).optional(),
        'File that `tegrastats --logfile` writes, where a container does not see /sys/class/thermal.',
      ),
    }),
    'How warm is too warm.',
  ),
});

export const deviceProfile = described(board, 'One file for one kind of board.');

export type DeviceProfile = z.output<typeof deviceProfile>;

function unknownPlaceholders(text: string): string[] {
  return [...text.matchAll(/\{([^}]*)\}/g)]
    .map(([, word]) => word!)
    .filter((word) => !PLACEHOLDERS.includes(word));
}
