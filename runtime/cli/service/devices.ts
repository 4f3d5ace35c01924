/**
 * What of the sandbox must be opened for a configuration: devices, and what cameras and the GPU need beside them. Pure.
 * Whoever may write the configuration decides what is opened here, so nothing but serial ports, cameras and the GPU ever is.
 */

import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import type { Config } from '../../config/schema/root.ts';

/** One thing that is opened, and who needs it. */
export interface Opening {
  /** For a person: `source pump-bus: /dev/ttyAMA0`. */
  readonly why: string;
  /** Lines of the unit. */
  readonly lines: readonly string[];
}

export interface Machine {
  readonly profile: Pick<DeviceProfile, 'camera' | 'models'>;
  /** What a symbolic link below /dev leads to; the path itself where it is none. */
  readonly resolve: (path: string) => string;
}

export interface Wanted {
  readonly openings: readonly Opening[];
  /** Why something that is configured is not opened. */
  readonly refused: readonly string[];
}

/** USB adapters get another number when they are plugged in anew: all of a kind are opened. */
const PLUGGED = /^\/dev\/tty(USB|ACM)\d+$/;
/** On the board. The consoles (tty1) are none of these. */
const BUILT_IN = /^\/dev\/tty[A-Z]{1,8}\d{1,3}$/;
const LINKS_OF_ADAPTERS = /^\/dev\/serial\/by-(id|path)\//;
const VIDEO = /^\/dev\/(video\d{1,3}|v4l\/by-(id|path)\/[\w:.,@+-]+)$/;
/** By what NVIDIA's drivers call their kinds of devices, and the two that are of no kind. Disks (nvme) are none of them. */
const NVIDIA = ['char-nvhost*', 'char-nvgpu*', 'char-nvidia*', '/dev/nvmap', '/dev/nvsciipc'];

const PHYSICAL = ['PrivateDevices=no'];
const allow = (device: string) => `DeviceAllow=${device} rw`;

export function wantedBy(config: Config, machine: Machine): Wanted {
  const openings: Opening[] = [];
  const refused: string[] = [];
  for (const source of config.sources) {
    if (source.type === 'replay' || !source.serial) continue;
    const { path } = source.serial;
    const devices = serialDevices(path, machine.resolve);
    const why = `source ${source.name}: ${path}`;
    if (devices.length > 0) openings.push({ why, lines: [...PHYSICAL, ...devices.map(allow)] });
    else
      refused.push(`${why} is no serial port that the service may open: name one below /dev/serial/by-id/`);
  }
  for (const camera of config.cameras) {
    const why = `camera ${camera.name}`;
    const { source } = camera;
    if (source.type === 'usb' && !VIDEO.test(source.device) && !VIDEO.test(machine.resolve(source.device)))
      refused.push(`${why}: ${source.device} is no video device: name one below /dev/v4l/by-id/`);
    else if (source.type === 'usb') openings.push({ why, lines: [...PHYSICAL, allow('char-video4linux')] });
    else if (source.type === 'csi') openings.push(ribbonCamera(why, machine));
  }
  return { openings: [...openings, ...inference(config, machine)], refused };
}

function serialDevices(path: string, resolve: Machine['resolve']): string[] {
  if (LINKS_OF_ADAPTERS.test(path)) return ['char-ttyUSB', 'char-ttyACM'];
  const target = resolve(path);
  const [, kind] = PLUGGED.exec(target) ?? [];
  if (kind !== undefined) return [`char-tty${kind}`];
  return BUILT_IN.test(target) ? [target] : [];
}

function ribbonCamera(why: string, machine: Machine): Opening {
  const argus = machine.profile.camera.csi?.includes('nvargus') ?? false;
  const lines = argus
    ? // NVIDIA's daemon listens in the machine's own temporary directory.
      ['PrivateTmp=no', ...PHYSICAL, ...NVIDIA.map(allow)]
    : // libcamera finds its parts by the kernel's device messages.
      [
        ...PHYSICAL,
        ...['char-video4linux', 'char-media', 'char-dma_heap'].map(allow),
        'RestrictAddressFamilies=AF_NETLINK',
      ];
  return { why, lines };
}

/** Models that come by update are not in the configuration: where updates are taken, some may. */
function inference({ cameras, anomaly, ota }: Config, machine: Machine): Opening[] {
  const { backends, affinity } = machine.profile.models;
  if (cameras.length === 0 && anomaly.models.length === 0 && ota?.enabled !== true) return [];
  const cores = {
    why: "models: the cores that the board's profile keeps them to",
    lines: ['SystemCallFilter=sched_setaffinity'],
  };
  const gpu = {
    why: 'models: TensorRT, and its builder that steps back behind everything else on the disk',
    lines: [...PHYSICAL, ...NVIDIA.map(allow), 'SystemCallFilter=ioprio_set'],
  };
  return [...(affinity.length > 0 ? [cores] : []), ...(backends.includes('tensorrt') ? [gpu] : [])];
}
