/** How much a slot takes: the size of its partition, as the kernel has it. */

import { readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Slot } from './boot-state.ts';

const SECTOR = 512;
/** Partition labels by class of slot. */
const LABELS: Readonly<Record<string, string>> = { rootfs: 'system', boot: 'boot' };

/** @returns bytes; undefined for a class that has no partition, or a partition that is not there. */
export function slotBytes(root: string, slot: Slot, slotClass: string): number | undefined {
  const label = `${LABELS[slotClass]}_${slot.toLowerCase()}`;
  try {
    const device = basename(realpathSync(join(root, 'dev/disk/by-partlabel', label)));
    return Number(readFileSync(join(root, 'sys/class/block', device, 'size'), 'utf8')) * SECTOR;
  } catch {
    return undefined;
  }
}
