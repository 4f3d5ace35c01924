/** A virtual machine between two power cuts, and what it says over its serial line. */

import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type Architecture = 'amd64' | 'arm64';

/** Firmware for UEFI, and an empty store for its variables. */
export const FIRMWARE: Readonly<Record<Architecture, { readonly code: string; readonly variables: string }>> =
  {
    amd64: { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
    arm64: { code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' },
  };

export interface PowerOptions {
  readonly architecture: Architecture;
  /** Image of the disk; it is written to. */
  readonly disk: string;
  /** Copy of the firmware's variables. */
  readonly variables: string;
  /** Image of a second disk, which is only read. */
  readonly bundles: string;
  readonly megabytes: number;
  /** Where all that comes over the serial line is kept, for who has to find out why a test failed. */
  readonly log: string;
  /** Is given each line that begins with VIGIE, without that word. */
  readonly heard: (said: string) => void;
}

export class Power {
  readonly #qemu: ChildProcess;
  readonly #heard: (said: string) => void;
  readonly #log: string;
  readonly lines: string[] = [];
  #waiting: { matches: (line: string) => boolean; found: (line: string) => void }[] = [];
  #text = '';

  constructor(options: PowerOptions) {
    this.#heard = options.heard;
    this.#log = options.log;
    // Nobody else on this machine should notice.
    this.#qemu = spawn('nice', ['-n', '5', ...commandLine(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#qemu.stdout!.setEncoding('latin1').on('data', (text: string) => this.#read(text));
  }

  /** @returns the line; undefined when it did not come in time. */
  async line(matches: (line: string) => boolean, limit: number): Promise<string | undefined> {
    const found = new Promise<string>((resolve) => this.#waiting.push({ matches, found: resolve }));
    const abort = new AbortController();
    const late = delay(limit, undefined, { signal: abort.signal }).catch(() => undefined);
    const line = await Promise.race([found, late]);
    abort.abort();
    return line as string | undefined;
  }

  async cut(): Promise<void> {
    const ended = new Promise((resolve) => this.#qemu.once('close', resolve));
    this.#qemu.kill('SIGKILL');
    await ended;
  }

  #read(text: string): void {
    appendFileSync(this.#log, text, 'latin1');
    this.#text += text;
    const lines = this.#text.split(/\r?\n/);
    this.#text = lines.pop()!;
    for (const line of lines) {
      const at = line.indexOf('VIGIE ');
      if (at < 0) continue;
      const said = line.slice(at + 6);
      this.lines.push(said);
      this.#heard(said);
      for (const one of this.#waiting.filter(({ matches }) => matches(said))) one.found(said);
      this.#waiting = this.#waiting.filter(({ matches }) => !matches(said));
    }
  }
}

function commandLine({ architecture, disk, variables, bundles, megabytes }: PowerOptions): string[] {
  const machine =
    architecture === 'amd64'
      ? 'qemu-system-x86_64 -M q35 -cpu max'
      : 'qemu-system-aarch64 -M virt -cpu cortex-a72 -device virtio-gpu-pci';
  const drive = (what: string) => ['-drive', `format=raw,${what}`];
  return [
    ...`${machine} -accel tcg,thread=multi,tb-size=512 -smp 2 -m ${megabytes} -nodefaults -display none`.split(
      ' ',
    ),
    ...drive(`if=pflash,readonly=on,file=${FIRMWARE[architecture].code}`),
    ...drive(`if=pflash,file=${variables}`),
    ...drive(`if=virtio,file=${disk}`),
    ...drive(`if=virtio,readonly=on,file=${bundles}`),
    ...'-device virtio-rng-pci -serial stdio'.split(' '),
  ];
}
