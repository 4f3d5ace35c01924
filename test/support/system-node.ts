/** A folder that stands for a flashed node's root, and bundles for it, made and checked by RAUC itself. */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../runtime/core/paths.ts';
import type { Slot } from '../../runtime/system/boot-state.ts';
import { encodeState } from '../../runtime/system/grub-chooser.ts';
import { encodeAutoboot } from '../../runtime/system/tryboot-chooser.ts';
import { type CliResult, vigieHere } from './cli.ts';

export const updateFolder = join(packageRoot, 'image-build/update');

export const hasPrograms = (...names: readonly string[]): boolean =>
  names.every((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);

export interface SystemNodeOptions {
  readonly loader: 'grub' | 'tryboot';
  readonly version?: string;
  readonly target?: string;
}

export class SystemNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'vigie-system-'));
  readonly root = join(this.folder, 'root');
  readonly keys = join(this.folder, 'keys');
  readonly #target: string;
  readonly #path = process.env.PATH;
  readonly #rauc = spawnSync('sh', ['-c', 'command -v rauc'], { encoding: 'utf8' }).stdout.trim();

  constructor({ loader, version = '1.2.0', target = 'generic-amd64' }: SystemNodeOptions) {
    this.#target = target;
    this.write('proc/cmdline', 'root=PARTLABEL=system_a rauc.slot=A panic=10\n');
    this.write('usr/lib/os-release', `ID=debian\nIMAGE_VERSION=${version}\n`);
    const flashed = encodeState({ primary: 'A', trial: null, bad: null });
    if (loader === 'grub') this.write('boot/vigie/grub/grubenv', flashed);
    else {
      this.write('boot/vigie/autoboot.txt', encodeAutoboot('A'));
      this.write('boot/vigie/vigie-slots.txt', flashed);
      this.write('sys/module/vigie_tryboot/refcnt', '0\n');
    }
  }

  /** RAUC's configuration as an image has it, but for the place of the keyring. */
  configureRauc(): void {
    execFileSync('sh', [join(updateFolder, 'keys.sh'), this.keys], { stdio: 'pipe' });
    const template = readFileSync(join(updateFolder, 'system.conf.in'), 'utf8');
    const keyring = join(this.keys, 'ca.cert.pem');
    const config = template.replace('@TARGET@', this.#target).replace('/etc/rauc/keyring.pem', keyring);
    this.write('etc/rauc/system.conf', config);
  }

  /** A bundle by image-build/update/bundle.sh. @param keys a folder of keys.sh; this node's own when none is named. */
  bundle(version: string, target = this.#target, keys = this.keys): string {
    const folder = mkdtempSync(join(this.folder, 'image-'));
    // Of what compresses to less than 4 KiB, RAUC makes no bundle.
    writeFileSync(join(folder, 'rootfs.img'), randomBytes(64 * 1024));
    writeFileSync(join(folder, 'boot.vfat'), randomBytes(16 * 1024));
    writeFileSync(join(folder, 'version'), `${version}\n`);
    const key = (name: string) => join(keys, `${name}.pem`);
    const out = execFileSync('sh', [join(updateFolder, 'bundle.sh'), target, folder], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: {
        ...process.env,
        VIGIE_SYSTEM_KEY: key('signing.key'),
        VIGIE_SYSTEM_CERT: key('signing.cert'),
        VIGIE_SYSTEM_KEYRING: key('ca.cert'),
      },
    });
    return out.trim();
  }

  /**
   * In place of programs that would change this machine: `systemctl` writes down how it was called, `rauc install` gives
   * the orders of a real one to the boot chooser, in their order. What bundles say is asked of the real rauc.
   */
  standIns({ rauc = true, installs = 'good' }: { rauc?: boolean; installs?: 'good' | 'half' } = {}): void {
    const folder = join(this.folder, 'bin');
    const chooser = `${process.execPath} --disable-warning=ExperimentalWarning ${join(packageRoot, 'runtime/main.ts')} system boot-chooser --root ${this.root}`;
    const script = (name: string, lines: readonly string[]) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), `#!/bin/sh\n${lines.join('\n')}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    script('systemctl', [`echo "$@" >>${join(this.folder, 'systemctl.log')}`]);
    rmSync(join(folder, 'rauc'), { force: true });
    if (rauc) {
      const end =
        installs === 'good'
          ? `${chooser} set-primary "$other"`
          : 'echo "LastError: no space left" >&2; exit 1';
      script('rauc', [
        `[ "$1" = install ] || exec ${this.#rauc} "$@"`,
        'set -e',
        `other=$([ "$(${chooser} get-current)" = A ] && echo B || echo A)`,
        `${chooser} set-state "$other" bad`,
        'echo "  50% Copying image to rootfs"',
        end,
      ]);
    }
    process.env.PATH = rauc ? `${folder}:${this.#path}` : folder;
  }

  run(...args: readonly string[]): Promise<CliResult> {
    return vigieHere(['system', ...args, '--root', this.root, '--data-dir', join(this.folder, 'data')]);
  }

  async json(...args: readonly string[]): Promise<{ code: number | null; answer: Record<string, unknown> }> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    try {
      return { code, answer: JSON.parse(stdout) as Record<string, unknown> };
    } catch {
      return { code, answer: { stdout, stderr } };
    }
  }

  /** What the boot loader and the kernel would do: the next start is of this slot, with this version. */
  async start(slot: Slot, version: string): Promise<CliResult> {
    this.write('proc/cmdline', `root=PARTLABEL=system_${slot.toLowerCase()} rauc.slot=${slot}\n`);
    this.write('usr/lib/os-release', `IMAGE_VERSION=${version}\n`);
    rmSync(join(this.root, 'run'), { recursive: true, force: true });
    return vigieHere(['system', 'boot-chooser', 'booted', '--root', this.root]);
  }

  write(path: string, content: string | Uint8Array): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }

  restarts(): string {
    try {
      return readFileSync(join(this.folder, 'systemctl.log'), 'utf8');
    } catch {
      return '';
    }
  }

  end(): void {
    process.env.PATH = this.#path;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
