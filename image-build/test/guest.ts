/**
 * A virtual machine that boots an image: QEMU without hardware help, a serial console in a file, and a root shell on a
 * second console that exists here alone (the kernel is told `systemd.debug_shell`). Power goes by `cutPower`.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../test/support/wait.ts';

export interface Machine {
  readonly program: string;
  readonly options: readonly string[];
  /** Firmware files by the packages that bring them; the first that exists. */
  readonly firmware: readonly string[];
  readonly package: string;
}

export const MACHINES: Readonly<Record<'arm64' | 'amd64', Machine>> = {
  arm64: {
    program: 'qemu-system-aarch64',
    options: ['-M', 'virt', '-cpu', 'cortex-a72', '-accel', 'tcg,thread=multi,tb-size=512'],
    firmware: ['/usr/share/qemu-efi-aarch64/QEMU_EFI.fd', '/usr/share/AAVMF/AAVMF_CODE.fd'],
    package: 'qemu-efi-aarch64',
  },
  amd64: {
    program: 'qemu-system-x86_64',
    options: ['-M', 'q35', '-cpu', 'max', '-accel', 'tcg,thread=multi,tb-size=512'],
    firmware: ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/ovmf/OVMF.fd', '/usr/share/OVMF/OVMF_CODE_4M.fd'],
    package: 'ovmf',
  },
};

export interface GuestOptions {
  readonly arch: 'arm64' | 'amd64';
  /** Folder for the disk, logs and sockets. */
  readonly folder: string;
  /** The image, not compressed; it is copied. */
  readonly image: string;
  /** Of the card the image is written to; MiB. */
  readonly diskMib?: number;
  /** Port of the guest to port of this machine's loopback. */
  readonly forward?: Readonly<Record<number, number>>;
  /** What the machine's clock says at every start, such as `1970-01-01T00:00:00`; default: the time. */
  readonly clock?: string;
  readonly mac?: string;
  /** UEFI and GRUB start the kernel, or QEMU itself does, which takes a Raspberry Pi's image, too. */
  readonly start: 'uefi' | 'kernel';
}

/** Where partitions begin, MiB; image-build/layout/layout.conf says the same. */
export const PARTITIONS = { bootconfig: 1, boot_a: 65, boot_b: 193, system_a: 321 } as const;
/** Machines that are emulated beside other work are slow to show their devices. */
const ARGUMENTS = 'systemd.debug_shell=hvc1 systemd.default_device_timeout_sec=600';
const SHELL_PATIENCE = 600_000;

export class Guest {
  readonly disk: string;
  readonly #options: GuestOptions;
  #process: ChildProcess | undefined;
  #shell: Socket | undefined;
  #heard = '';
  #boots = 0;

  constructor(options: GuestOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.disk = join(options.folder, 'disk.img');
    execFileSync('cp', ['--sparse=always', options.image, this.disk]);
    execFileSync('truncate', ['-s', `${options.diskMib ?? 3072}M`, this.disk]);
    if (options.start === 'uefi') this.#letShellIn();
  }

  /** Puts a file on a FAT partition, as a person with a card reader would. The guest has to be off. */
  drop(path: string, content: string | Uint8Array, partition: keyof typeof PARTITIONS = 'bootconfig'): void {
    const file = join(this.#options.folder, 'dropped');
    writeFileSync(file, content);
    execFileSync('mcopy', ['-o', '-i', this.#at(partition), file, `::/${path}`]);
  }

  dropFolder(name: string): void {
    execFileSync('mmd', ['-i', this.#at('bootconfig'), `::/${name}`]);
  }

  /** @returns undefined where there is no such file. */
  look(path: string, partition: keyof typeof PARTITIONS = 'bootconfig'): string | undefined {
    const file = join(this.#options.folder, 'looked');
    rmSync(file, { force: true });
    try {
      execFileSync('mcopy', ['-o', '-i', this.#at(partition), `::/${path}`, file], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    return readFileSync(file, 'utf8');
  }

  boot(): void {
    const { arch, folder, forward = {}, clock = 'utc', mac = '52:54:00:12:34:56' } = this.#options;
    const { program, options } = MACHINES[arch];
    this.#boots++;
    rmSync(this.#shellSocket, { force: true });
    const forwards = Object.entries(forward).map(
      ([inside, out]) => `,hostfwd=tcp:127.0.0.1:${out}-:${inside}`,
    );
    const log = openSync(join(folder, 'qemu.log'), 'a');
    const child = spawn(
      program,
      [
        ...options,
        ...['-smp', '2', '-m', '1024', '-display', 'none', '-nodefaults', '-no-user-config'],
        ...['-drive', `file=${this.disk},format=raw,if=none,id=card,cache=unsafe`],
        ...['-device', 'virtio-blk-pci,drive=card'],
        ...['-netdev', `user,id=net${forwards.join('')}`, '-device', `virtio-net-pci,netdev=net,mac=${mac}`],
        ...['-rtc', `base=${clock}`, '-device', 'virtio-rng-pci', '-serial', `file:${this.consoleFile}`],
        // systemd starts a login prompt on the first of these.
        ...[
          '-device',
          'virtio-serial-pci',
          '-chardev',
          'null,id=nobody',
          '-device',
          'virtconsole,chardev=nobody',
        ],
        ...['-device', 'virtconsole,chardev=shell'],
        ...['-chardev', `socket,id=shell,path=${this.#shellSocket},server=on,wait=off`],
        ...this.#startOptions(),
      ],
      { stdio: ['ignore', log, log] },
    );
    this.#process = child;
    process.once('exit', () => child.kill('SIGKILL'));
  }

  /** @throws when the machine ended by itself: no reason to wait any longer. */
  check(): void {
    if (this.#process && this.#process.exitCode === null && this.#process.signalCode === null) return;
    const said = readFileSync(join(this.#options.folder, 'qemu.log'), 'utf8');
    throw new Error(`the virtual machine is not running:\n${said.slice(-2000)}`);
  }

  /** What the serial console of the present start showed. */
  get console(): string {
    return existsSync(this.consoleFile) ? readFileSync(this.consoleFile, 'utf8') : '';
  }

  get consoleFile(): string {
    return join(this.#options.folder, `console-${this.#boots}.log`);
  }

  /** Runs a command as root in the guest. @returns its output. @throws when its status is not 0. */
  async run(command: string, limitMs = 60_000): Promise<string> {
    const shell = await this.#openShell();
    const mark = `end-${Math.trunc(performance.now() * 1000)}`;
    this.#heard = '';
    // The mark is written in two parts so that an echo of the command is not taken for its end.
    shell.write(`{ ${command}\n} </dev/null 2>&1; echo "${mark.slice(0, 4)}""${mark.slice(4)} $?"\n`);
    const end = new RegExp(`^${mark} (\\d+)\\r?$`, 'm');
    const found = await waitFor(`the end of: ${command}`, () => end.exec(this.#heard) ?? undefined, limitMs);
    const output = this.#heard.slice(0, found.index).replaceAll('\r', '');
    if (found[1] !== '0') throw new Error(`in the guest, status ${found[1]}: ${command}\n${output}`);
    return output.trim();
  }

  /** What was written reaches the card first. A guest that is off stays so. */
  async powerOff(): Promise<void> {
    if (this.#process) await this.run('sync');
    await this.cutPower();
  }

  /** As when somebody pulls the plug: nothing is told to anybody. */
  async cutPower(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    this.#shell?.destroy();
    this.#shell = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await this.cutPower();
    rmSync(this.disk, { force: true });
  }

  async #openShell(): Promise<Socket> {
    if (this.#shell && !this.#shell.destroyed) return this.#shell;
    const end = performance.now() + SHELL_PATIENCE;
    const shell = await waitFor('a shell', () => dial(this.#shellSocket), 10_000);
    shell.on('data', (chunk) => {
      this.#heard += chunk;
    });
    shell.on('error', () => {});
    this.#shell = shell;
    // The shell starts some time after the kernel, and drops what came before.
    for (let n = 0; ; n++) {
      // Not bash, which edits lines and shows them.
      shell.write(
        `exec sh\nstty -echo; PS1= PS2=; export SYSTEMD_PAGER=cat SYSTEMD_COLORS=0; echo "rea""dy ${n}"\n`,
      );
      await sleep(500);
      if (this.#heard.includes(`ready ${n}`)) break;
      this.check();
      if (performance.now() > end)
        throw new Error(`the guest gives no shell; its console ends:\n${this.console.slice(-2000)}`);
    }
    await sleep(300);
    return shell;
  }

  /** The line that GRUB adds to the kernel's, in the slot that boots first. */
  #letShellIn(): void {
    const file = 'slot.cfg';
    const text = this.look(file, 'boot_a');
    if (!text?.includes("'")) throw new Error(`boot_a has no ${file} with slot_args='…'; found: ${text}`);
    this.drop(file, text.replace(/'\s*$/, ` ${ARGUMENTS}'\n`), 'boot_a');
  }

  #startOptions(): string[] {
    const { arch, folder, start } = this.#options;
    if (start === 'uefi') return ['-bios', firmwareOf(arch)];
    for (const file of ['vmlinuz', 'initrd.img'])
      execFileSync('mcopy', ['-o', '-i', this.#at('boot_a'), `::/${file}`, join(folder, file)]);
    const serial = arch === 'arm64' ? 'ttyAMA0' : 'ttyS0';
    const line = `root=PARTLABEL=system_a rauc.slot=A rootfstype=squashfs ro panic=10 systemd.gpt_auto=0 console=${serial} ${ARGUMENTS}`;
    return ['-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initrd.img'), '-append', line];
  }

  #at(partition: keyof typeof PARTITIONS): string {
    return `${this.disk}@@${PARTITIONS[partition]}M`;
  }

  get #shellSocket(): string {
    return join(this.#options.folder, 'shell.sock');
  }
}

function firmwareOf(arch: GuestOptions['arch']): string {
  const found = MACHINES[arch].firmware.find(existsSync);
  if (!found) throw new Error(`no UEFI firmware for ${arch}: apt-get install ${MACHINES[arch].package}`);
  return found;
}

function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
