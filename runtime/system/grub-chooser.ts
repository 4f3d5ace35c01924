/** UEFI boards: GRUB starts what grub/grubenv on the boot partition says (image-build/update/grub.cfg). */

import { join } from 'node:path';
import type { FileSystem } from '../core/file-system.ts';
import type { BootChooser } from './boot-chooser.ts';
import { type BootState, consistent, isSlot } from './boot-state.ts';
import { readBlock, writeBlock } from './environment-block.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

/** Where GRUB keeps its state, below the boot partition. */
export const GRUB_STATE = 'grub/grubenv';

export class GrubChooser implements BootChooser {
  readonly name = 'grub';
  /** A power cut in the minutes of a trial is no word against the update. */
  readonly tries = 2;
  readonly #path: string;
  readonly #fs: FileSystem;

  constructor(bootPartition: string, fs: FileSystem) {
    this.#path = join(bootPartition, GRUB_STATE);
    this.#fs = fs;
  }

  /** Of a damaged file GRUB makes: A, no trial. So does this. */
  read(): BootState {
    return decodeState(readStateFile(this.#path, this.#fs) ?? new Uint8Array(0));
  }

  write(state: BootState): void {
    writeStateFile(this.#path, encodeState(state), this.#fs);
  }
}

export function decodeState(bytes: Uint8Array): BootState {
  const variables = readBlock(bytes);
  const [primary, trial, bad] = ['primary', 'trial', 'bad'].map((name) => variables.get(name));
  return consistent({
    primary: isSlot(primary) ? primary : 'A',
    trial: isSlot(trial) ? { slot: trial, tries: Number(variables.get('tries') ?? 0) } : null,
    bad: isSlot(bad) ? bad : null,
  });
}

export function encodeState({ primary, trial, bad }: BootState): Uint8Array {
  const variables = new Map([['primary', primary as string]]);
  if (trial) variables.set('trial', trial.slot).set('tries', String(trial.tries));
  if (bad) variables.set('bad', bad);
  return writeBlock(variables);
}
