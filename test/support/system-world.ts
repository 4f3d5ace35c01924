/**
 * A node with two systems as its boot loader sees it: partitions that hold a system or half of one, a boot partition
 * that loses power, and the boot loader's own rules, written down a second time. GRUB's are those of
 * image-build/update/grub.cfg, the Raspberry Pi's those of its documentation.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BootChooser } from '../../runtime/system/boot-chooser.ts';
import { activate, markBad, other, type Slot, standing } from '../../runtime/system/boot-state.ts';
import { encodeState, GrubChooser } from '../../runtime/system/grub-chooser.ts';
import { type Machine, machinePaths } from '../../runtime/system/machine.ts';
import { encodeAutoboot, TrybootChooser } from '../../runtime/system/tryboot-chooser.ts';
import {
  confirm,
  giveUp,
  noteBoot,
  noteInstalled,
  noteInstalling,
  rollBack,
} from '../../runtime/system/updates.ts';
import { CrashFs, PowerCut } from './crash-fs.ts';

/** `hangs`: its kernel never gets as far as to run anything. `ill`: it runs, and its node does badly. */
export type Quality = 'good' | 'ill' | 'hangs';

export interface Content {
  readonly version: string;
  readonly quality: Quality;
  readonly isWhole: boolean;
}

const BASELINE = { answered: true, components: {} };
const REBOOT = '/run/systemd/reboot-param';
/** More starts in a row than any trial may take. */
const MOST_STARTS = 4;

export class World {
  readonly loader: 'grub' | 'tryboot';
  readonly slots: Record<Slot, Content>;
  fs: CrashFs;
  running: Slot = 'A';
  /** Systems that were started since somebody last said what to start. */
  starts = 0;
  #keeps: () => boolean;
  #versions = 1;
  readonly #folder: string;

  /** @param keeps decides what of unflushed writes a power cut leaves. */
  constructor(loader: 'grub' | 'tryboot', keeps: () => boolean) {
    this.loader = loader;
    this.#keeps = keeps;
    this.slots = {
      A: { version: '1', quality: 'good', isWhole: true },
      B: { version: '', quality: 'hangs', isWhole: false },
    };
    // In memory where there is such a folder: what is tested here is the boot partition.
    this.#folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vigie-world-'));
    this.fs = new CrashFs();
    for (const folder of ['/boot/grub', '/run/systemd']) this.fs.makeDirectory(folder);
    const flashed = encodeState({ primary: 'A', trial: null, bad: null });
    if (loader === 'grub') this.fs.poke('/boot/grub/grubenv', flashed);
    else {
      this.fs.poke('/boot/autoboot.txt', encodeAutoboot('A'));
      this.fs.poke('/boot/vigie-slots.txt', flashed);
    }
    for (const folder of ['/', '/boot', '/boot/grub', '/run', '/run/systemd'])
      this.fs.sync(this.fs.open(folder, 'r'));
    this.#noteBoot();
  }

  end(): void {
    rmSync(this.#folder, { recursive: true });
  }

  get chooser(): BootChooser {
    return this.loader === 'grub'
      ? new GrubChooser('/boot', this.fs)
      : new TrybootChooser({ bootPartition: '/boot', rebootParameter: REBOOT }, this.fs);
  }

  get machine(): Machine {
    const { version } = this.slots[this.running];
    return {
      booted: this.running,
      chooser: this.chooser,
      version,
      compatible: 'vigie-x',
      paths: machinePaths(this.#folder),
    };
  }

  get standing() {
    return standing(this.chooser.read(), this.running);
  }

  /** What RAUC and `vigie system install` do, in their order; power may go at any change of the boot partition or slot. */
  install(quality: Quality, cutInSlot: boolean): void {
    const { machine } = this;
    const target = other(this.running);
    // `vigie system install` refuses by itself; RAUC, called by hand, is refused by the chooser before it writes.
    if (this.standing === 'on-trial' || this.standing === 'astray') {
      assert.throws(() => markBad(machine.chooser.read(), target), /fall back/);
      return;
    }
    noteInstalling(machine);
    machine.chooser.write(markBad(machine.chooser.read(), target));
    const version = String(++this.#versions);
    this.slots[target] = { version, quality, isWhole: false };
    if (cutInSlot) throw new PowerCut('the power went while the slot was written');
    this.slots[target] = { version, quality, isWhole: true };
    machine.chooser.write(activate(machine.chooser.read(), target, machine.chooser.tries));
    noteInstalled(machine, version, BASELINE);
  }

  rollBack(): void {
    const { machine } = this;
    try {
      const { kind } = rollBack(machine, { baseline: BASELINE, force: false });
      if (kind === 'given-up') this.reboot();
    } catch (error) {
      if ((error as { code?: string }).code !== 'system-nothing-there') throw error;
    }
  }

  /** What the confirming unit comes to, or a power cut in between. */
  judge(): void {
    if (this.standing !== 'on-trial') return;
    if (this.slots[this.running].quality === 'good') confirm(this.machine, 'well', 'now');
    else {
      giveUp(this.machine, 'ill');
      this.reboot();
    }
  }

  /** An orderly restart: what was written is flushed. */
  reboot(): void {
    const parameter = this.fs.peek(REBOOT);
    this.#start(
      parameter !== undefined && Buffer.from(parameter).toString().trim() === '0 tryboot',
      () => true,
    );
  }

  /** Also the end of a system that hangs, by its watchdog. */
  powerCut(): void {
    this.#start(false, this.#keeps);
  }

  #start(flag: boolean, keeps: () => boolean): void {
    this.fs = this.fs.afterCut(keeps);
    this.fs.makeDirectory('/run/systemd');
    this.fs.remove(REBOOT);
    for (let start = 1; ; start++) {
      assert.ok(start <= MOST_STARTS, 'the node never got out of its starts');
      const slot = this.loader === 'grub' ? this.#grub() : this.#firmware(flag && start === 1);
      assert.ok(this.slots[slot].isWhole, `half of a system was started: ${slot}`);
      if (this.slots[slot].quality === 'hangs') continue;
      this.running = slot;
      try {
        this.#noteBoot();
      } catch (error) {
        if (!this.fs.isCut) throw error;
        this.fs = this.fs.afterCut(this.#keeps);
        continue;
      }
      return;
    }
  }

  #noteBoot(): void {
    noteBoot(this.machine, 'now');
  }

  #grub(): Slot {
    const text = Buffer.from(this.fs.peek('/boot/grub/grubenv') ?? []).toString();
    const variable = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];
    const primary = variable('primary') === 'B' ? 'B' : 'A';
    const [trial, tries] = [variable('trial'), variable('tries')];
    if ((trial !== 'A' && trial !== 'B') || !['1', '2', '3'].includes(tries ?? '')) return primary;
    this.fs.poke(
      '/boot/grub/grubenv',
      Buffer.from(text.replace(`tries=${tries}`, `tries=${Number(tries) - 1}`)),
    );
    return trial;
  }

  #firmware(flag: boolean): Slot {
    const text = Buffer.from(this.fs.peek('/boot/autoboot.txt') ?? []).toString();
    const section = flag ? 'tryboot' : 'all';
    const partition = new RegExp(`\\[${section}\\]\n(?:tryboot_a_b=1\n)?boot_partition=(\\d)\n`).exec(
      text,
    )?.[1];
    assert.match(partition ?? 'none', /^[23]$/);
    return partition === '2' ? 'A' : 'B';
  }
}
