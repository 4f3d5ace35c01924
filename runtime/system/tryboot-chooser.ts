/**
 * Raspberry Pi: the firmware starts the partition that autoboot.txt names, or once, when the restart carried the flag
 * `tryboot`, the one below [tryboot]. The flag is gone with that start, whatever comes of it. What autoboot.txt has no
 * words for (which system is on trial, which is bad) is in a file of ours beside it.
 */

import { dirname, join } from 'node:path';
import type { FileSystem } from '../core/file-system.ts';
import type { BootChooser } from './boot-chooser.ts';
import { type BootState, consistent, other, type Slot } from './boot-state.ts';
import { decodeState, encodeState } from './grub-chooser.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

export const AUTOBOOT = 'autoboot.txt';
export const OURS = 'vigie-slots.txt';
/** What systemd hands to the kernel with the next restart, and the kernel to the firmware. */
const REBOOT_PARAMETER = '0 tryboot';

export interface TrybootPaths {
  /** Of the partition that holds autoboot.txt. */
  readonly bootPartition: string;
  /** systemd's file, in memory: /run/systemd/reboot-param. */
  readonly rebootParameter: string;
}

export class TrybootChooser implements BootChooser {
  readonly name = 'tryboot';
  /** The firmware's flag is good for one start. */
  readonly tries = 1;
  readonly #paths: TrybootPaths;
  readonly #fs: FileSystem;

  constructor(paths: TrybootPaths, fs: FileSystem) {
    this.#paths = paths;
    this.#fs = fs;
  }

  /** Of a damaged autoboot.txt, with which the firmware starts nothing, the other file still knows the primary. */
  read(): BootState {
    const ours = decodeState(readStateFile(this.#path(OURS), this.#fs) ?? new Uint8Array(0));
    const primary = decodeAutoboot(readStateFile(this.#path(AUTOBOOT), this.#fs) ?? new Uint8Array(0));
    // Whether a trial is still to come is known to memory alone, as the flag is.
    const trial = ours.trial && { slot: ours.trial.slot, tries: this.#isArmed() ? 1 : 0 };
    return consistent({ primary: primary ?? ours.primary, trial, bad: ours.bad });
  }

  /**
   * A trial is called off before anything else and called for after everything else; of the two files, autoboot.txt
   * goes first: a trial of what is the primary by now is none.
   */
  write(state: BootState): void {
    const { primary, trial } = state;
    const isComing = trial !== null && trial.tries > 0;
    if (!isComing) this.#fs.remove(this.#paths.rebootParameter);
    const autoboot = readStateFile(this.#path(AUTOBOOT), this.#fs) ?? new Uint8Array(0);
    if (decodeAutoboot(autoboot) !== primary) {
      writeStateFile(this.#path(AUTOBOOT), encodeAutoboot(primary), this.#fs);
    }
    const kept = { ...state, trial: trial && { slot: trial.slot, tries: 0 } };
    writeStateFile(this.#path(OURS), encodeState(kept), this.#fs);
    if (isComing) this.#arm();
  }

  #arm(): void {
    const { rebootParameter } = this.#paths;
    this.#fs.makeDirectory(dirname(rebootParameter));
    writeStateFile(rebootParameter, Buffer.from(`${REBOOT_PARAMETER}\n`), this.#fs);
  }

  #isArmed(): boolean {
    const bytes = readStateFile(this.#paths.rebootParameter, this.#fs);
    return bytes !== undefined && Buffer.from(bytes).toString('latin1').trim() === REBOOT_PARAMETER;
  }

  #path(name: string): string {
    return join(this.#paths.bootPartition, name);
  }
}

/** Partitions by number: 2 is boot_a, 3 is boot_b. */
const PARTITION: Readonly<Record<Slot, number>> = { A: 2, B: 3 };

/** Always as long, and one sector. */
export function encodeAutoboot(primary: Slot): Uint8Array {
  const [first, second] = [PARTITION[primary], PARTITION[other(primary)]];
  const lines = [
    '[all]',
    'tryboot_a_b=1',
    `boot_partition=${first}`,
    '[tryboot]',
    `boot_partition=${second}`,
  ];
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}

/** @returns undefined when it names neither system. */
export function decodeAutoboot(bytes: Uint8Array): Slot | undefined {
  let section = 'all';
  for (const line of Buffer.from(bytes).toString('latin1').split(/\r?\n/)) {
    section = /^\[(.+)\]$/.exec(line.trim())?.[1] ?? section;
    const partition = /^boot_partition=(\d+)$/.exec(line.trim())?.[1];
    if (section !== 'all' || partition === undefined) continue;
    if (partition === '2') return 'A';
    if (partition === '3') return 'B';
  }
  return undefined;
}
