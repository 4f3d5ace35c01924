/** What this machine is to system updates: which slot booted, which boot loader chooses, what it is and runs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError, UpdateError } from '../core/errors.ts';
import { type FileSystem, nodeFileSystem } from '../core/file-system.ts';
import type { BootChooser } from './boot-chooser.ts';
import { isSlot, type Slot } from './boot-state.ts';
import { GRUB_STATE, GrubChooser } from './grub-chooser.ts';
import { RECORD_NAME, SYSTEM_FOLDER } from './place.ts';
import { AUTOBOOT, OURS, TrybootChooser } from './tryboot-chooser.ts';

export interface Machine {
  readonly booted: Slot;
  readonly chooser: BootChooser;
  /** Version of the running system, from its os-release; null when it names none. */
  readonly version: string | null;
  /** What bundles have to be made for; null when RAUC has no configuration here. */
  readonly compatible: string | null;
  readonly paths: MachinePaths;
}

export interface MachinePaths {
  /** Below it all other paths lie; `/`. */
  readonly root: string;
  readonly bootPartition: string;
  /** What is known of systems beyond the boot state, on the data partition. */
  readonly record: string;
  /** In memory: this boot is no trial any more. */
  readonly confirmed: string;
  readonly raucConfig: string;
}

/** @param root of the system to look at: `/`, or a folder that stands for it. */
export function machinePaths(root: string): MachinePaths {
  return {
    root,
    bootPartition: join(root, 'boot/vigie'),
    record: join(root, SYSTEM_FOLDER, RECORD_NAME),
    confirmed: join(root, 'run/vigie-system/confirmed'),
    raucConfig: join(root, 'etc/rauc/system.conf'),
  };
}

/**
 * @throws UpdateError `system-not-ab`: this system was not started from one of two slots; `system-not-root`
 * @throws StorageError `system-boot-state`
 */
export function readMachine(root: string, fs: FileSystem = nodeFileSystem): Machine {
  const paths = machinePaths(root);
  const booted = bootedSlot(readText(join(root, 'proc/cmdline')) ?? '');
  if (!booted) {
    throw new UpdateError(
      'system-not-ab',
      'this system was not started from one of two slots (the kernel command line has no rauc.slot=A or B): it is no ' +
        'flashed Vigie image. A system that has Vigie as a package is updated by apt: apt update && apt upgrade',
    );
  }
  return {
    booted,
    chooser: findChooser(paths, fs),
    version: versionOf(
      readText(join(root, 'etc/os-release')) ?? readText(join(root, 'usr/lib/os-release')) ?? '',
    ),
    compatible: /^compatible=(.+)$/m.exec(readText(paths.raucConfig) ?? '')?.[1]?.trim() ?? null,
    paths,
  };
}

/** Whether the kernel hands the flag `tryboot` on to the Raspberry Pi's firmware: mainline does so with a module alone. */
export function knowsTryboot(root: string, fs: FileSystem = nodeFileSystem): boolean {
  return (
    fs.list(join(root, 'sys/module')).includes('vigie_tryboot') || fs.list(join(root, 'dev')).includes('vcio')
  );
}

function findChooser({ root, bootPartition }: MachinePaths, fs: FileSystem): BootChooser {
  const has = (name: string) => isThere(join(bootPartition, name), fs);
  if (has(AUTOBOOT) || has(OURS)) {
    const rebootParameter = join(root, 'run/systemd/reboot-param');
    return new TrybootChooser({ bootPartition, rebootParameter }, fs);
  }
  if (has(GRUB_STATE) || has('grub/grub.cfg')) return new GrubChooser(bootPartition, fs);
  throw new StorageError(
    'system-boot-state',
    `${bootPartition} has neither ${AUTOBOOT} nor ${GRUB_STATE}: is the partition bootconfig mounted there and whole?`,
    { facts: { path: bootPartition } },
  );
}

/** @throws UpdateError `system-not-root` */
function isThere(path: string, fs: FileSystem): boolean {
  try {
    return fs.size(path) !== undefined;
  } catch (cause) {
    const text = `${path} cannot be looked at: log in as root, or use sudo where there is one`;
    throw new UpdateError('system-not-root', text, { cause });
  }
}

function bootedSlot(commandLine: string): Slot | undefined {
  const name = /(?:^|\s)rauc\.slot=(\S+)/.exec(commandLine)?.[1];
  return isSlot(name) ? name : undefined;
}

function versionOf(osRelease: string): string | null {
  return /^IMAGE_VERSION=["']?([^"'\n]+)/m.exec(osRelease)?.[1] ?? null;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
