/** What has to hold before a bundle may touch a slot. Each refusal says what was found, what was expected, what to do. */

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { describeError, InputError, UpdateError } from '../core/errors.ts';
import { type Standing, standing } from './boot-state.ts';
import { knowsTryboot, type Machine } from './machine.ts';
import type { BundleInfo } from './rauc.ts';
import { compareVersions } from './versions.ts';

/** @throws InputError `system-no-file` */
export function checkFile(file: string): void {
  let problem: string | undefined;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) problem = 'it is no file';
    else if (stat.size === 0) problem = 'it is empty';
  } catch (error) {
    problem = describeError(error);
  }
  if (problem) throw new InputError('system-no-file', `cannot read the bundle ${file}: ${problem}`);
}

/** @throws UpdateError `system-not-root` */
export function checkUser(user: number | undefined): void {
  if (user === 0) return;
  throw new UpdateError(
    'system-not-root',
    'slots are written by root alone: log in as root (ssh root@NODE), or use sudo where there is one',
  );
}

/** @throws UpdateError `system-on-trial`, `system-no-tryboot` */
export function checkMachine(machine: Machine): void {
  const { booted, chooser, paths } = machine;
  const state = chooser.read();
  const now: Standing = standing(state, booted);
  if (now === 'on-trial' || now === 'astray') {
    const why =
      now === 'on-trial'
        ? `system ${booted} is itself on trial: wait until it is confirmed ('vigie system status' says when), or run ` +
          "'vigie system confirm' to keep it, 'vigie system rollback' to give it up"
        : `system ${booted} runs, but ${state.primary} is the one that starts by itself: run 'vigie system confirm' to ` +
          `keep ${booted}, or restart into ${state.primary}`;
    throw new UpdateError('system-on-trial', `nothing is installed now: ${why}`);
  }
  if (chooser.name === 'tryboot' && !knowsTryboot(paths.root)) {
    throw new UpdateError(
      'system-no-tryboot',
      'this kernel does not hand the flag tryboot on to the firmware (module vigie_tryboot is not loaded): the update ' +
        'could not be tried. Run: modprobe vigie_tryboot',
    );
  }
}

/** @throws UpdateError `system-other-board` */
export function checkCompatible(file: string, { compatible }: BundleInfo, machine: Machine): void {
  if (machine.compatible === null) {
    throw new UpdateError(
      'system-no-rauc',
      `RAUC is not set up here: ${machine.paths.raucConfig} is missing or names no compatible=`,
    );
  }
  if (compatible === machine.compatible) return;
  throw new UpdateError(
    'system-other-board',
    `${basename(file)} is for ${compatible}; this system is ${machine.compatible}. Get the bundle made for this board`,
    { facts: { bundle: compatible, system: machine.compatible } },
  );
}

/** @throws UpdateError `system-older`, unless `force`. */
export function checkVersion(file: string, { version }: BundleInfo, machine: Machine, force: boolean): void {
  if (force || machine.version === null || version === '') return;
  if (compareVersions(version, machine.version) >= 0) return;
  throw new UpdateError(
    'system-older',
    `${basename(file)} is version ${version}, older than ${machine.version}, which runs. State that the newer one wrote ` +
      'may not be readable to it; if you know better, add --force',
    { facts: { bundle: version, system: machine.version } },
  );
}

/** @param slotBytes size of the partition that takes images of a class; undefined when it is not known. @throws UpdateError `system-too-big` */
export function checkSpace(
  file: string,
  { images }: BundleInfo,
  slotBytes: (slotClass: string) => number | undefined,
) {
  for (const { slotClass, bytes } of images) {
    const room = slotBytes(slotClass);
    if (room === undefined || bytes <= room) continue;
    const megabytes = (size: number) => `${Math.ceil(size / 1e6)} MB`;
    throw new UpdateError(
      'system-too-big',
      `${basename(file)} has ${megabytes(bytes)} for the slot ${slotClass}, which has room for ${megabytes(room)}: this ` +
        'card was flashed with smaller slots; write the new image with a flasher instead',
      { facts: { slotClass, bytes, room } },
    );
  }
}
