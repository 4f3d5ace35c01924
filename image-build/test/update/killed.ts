/** Kills real installations: killed.sh, which starts it, explains. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { activate, other, type Slot } from '../../../runtime/system/boot-state.ts';
import { encodeState } from '../../../runtime/system/grub-chooser.ts';
import { readMachine } from '../../../runtime/system/machine.ts';
import { confirm, noteBoot } from '../../../runtime/system/updates.ts';
import { moments } from './moments.ts';

const { values } = parseArgs({ options: { cuts: { type: 'string' }, seed: { type: 'string' } } });
const cuts = Number(values.cuts ?? 20);
const random = moments(Number(values.seed ?? 1));
const folder = mkdtempSync(join(tmpdir(), 'vigie-killed-'));
const root = join(folder, 'root');
const bus = `unix:path=${join(folder, 'bus')}`;
const environment = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus };
/** Digest of an image by version, for each class of slot. */
const digests: Record<string, string>[] = [];
const MEGABYTE = 1 << 20;

function prepare(): void {
  write('root/proc/cmdline', 'rauc.slot=A\n');
  write('root/usr/lib/os-release', 'IMAGE_VERSION=0\n');
  write('root/boot/vigie/grub/grubenv', encodeState({ primary: 'A', trial: null, bad: null }));
  const node = `${process.execPath} --disable-warning=ExperimentalWarning`;
  const main = `${node} ${join(packageRoot, 'runtime/main.ts')}`;
  write('chooser', `#!/bin/sh\nexec ${main} system boot-chooser --root ${root} "$@"\n`);
  chmodSync(join(folder, 'chooser'), 0o755);
  const slots = ['a', 'b'].map(
    (letter, index) => `
[slot.rootfs.${index}]
device=${join(folder, `system_${letter}`)}
type=raw
bootname=${letter.toUpperCase()}
[slot.boot.${index}]
device=${join(folder, `boot_${letter}`)}
type=raw
parent=rootfs.${index}
`,
  );
  const keys = join(folder, 'keys');
  execFileSync('sh', [join(packageRoot, 'image-build/update/keys.sh'), keys], { stdio: 'pipe' });
  write(
    'root/etc/rauc/system.conf',
    `[system]
compatible=vigie-test
bootloader=custom
mountprefix=${join(folder, 'mounts')}
statusfile=${join(folder, 'rauc.status')}
[keyring]
path=${join(keys, 'ca.cert.pem')}
[handlers]
bootloader-custom-backend=${join(folder, 'chooser')}
${slots.join('')}`,
  );
  for (const version of [0, 1, 2]) bundle(version, keys);
  for (const slot of ['a', 'b']) {
    for (const name of ['rootfs', 'boot']) {
      execFileSync('cp', [
        join(folder, `0/${name}.img`),
        join(folder, `${name === 'boot' ? 'boot' : 'system'}_${slot}`),
      ]);
    }
  }
  write(
    'bus.conf',
    `<busconfig><type>system</type><listen>${bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`,
  );
}

/** Large enough that many kills fall into the writing of a slot. */
function bundle(version: number, keys: string): void {
  const images = { rootfs: randomBytes(48 * MEGABYTE), boot: randomBytes(8 * MEGABYTE) };
  digests[version] = Object.fromEntries(Object.entries(images).map(([name, bytes]) => [name, digest(bytes)]));
  for (const [name, bytes] of Object.entries(images)) write(`${version}/${name}.img`, bytes);
  const sections = ['rootfs', 'boot'].map((name) => `[image.${name}]\nfilename=${name}.img\n`).join('');
  write(`${version}/manifest.raucm`, `[update]\ncompatible=vigie-test\nversion=${version}\n${sections}`);
  const key = (name: string) => join(keys, `signing.${name}.pem`);
  const signing = [`--cert=${key('cert')}`, `--key=${key('key')}`, `--keyring=${join(keys, 'ca.cert.pem')}`];
  const paths = [join(folder, `${version}`), join(folder, `${version}.raucb`)];
  execFileSync('rauc', [...signing, 'bundle', ...paths], { stdio: 'pipe' });
}

interface Install {
  readonly ended: Promise<number | null>;
  kill(): Promise<void>;
  output(): string;
}

async function install(version: number): Promise<Install> {
  const service = start('rauc', [
    '--conf',
    join(root, 'etc/rauc/system.conf'),
    'service',
    `--override-boot-slot=${booted()}`,
  ]);
  await delay(300);
  const main = join(packageRoot, 'runtime/main.ts');
  const file = join(folder, `${version}.raucb`);
  const cli = start(process.execPath, [
    main,
    'system',
    'install',
    file,
    '--force',
    '--root',
    root,
    '--data-dir',
    folder,
  ]);
  let text = '';
  for (const child of [service, cli]) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (part) => {
        text += part;
      });
  }
  const ended = new Promise<number | null>((resolve) => cli.once('close', resolve));
  const kill = async () => {
    for (const child of [service, cli]) {
      const gone = child.exitCode !== null || new Promise((resolve) => child.once('close', resolve));
      // With what it started: RAUC runs the boot chooser.
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {}
      await gone;
    }
    execFileSync('sh', [
      '-c',
      `for m in $(awk '$2 ~ "^${folder}" { print $2 }' /proc/mounts); do umount -l $m; done`,
    ]);
  };
  return { ended, kill, output: () => text };
}

const start = (program: string, args: readonly string[]): ChildProcess =>
  spawn(program, args, { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });

/** What GRUB and the system it starts would do. @returns what is wrong. */
function boot(): string | undefined {
  const { chooser } = readMachine(root);
  const state = chooser.read();
  const { trial } = state;
  const slot = trial && trial.tries > 0 ? trial.slot : state.primary;
  if (trial && slot === trial.slot) chooser.write(activate(state, slot, trial.tries - 1));
  const version = digests.findIndex(({ rootfs }) => rootfs === slotDigest('system', slot, 48));
  const isWhole = version >= 0 && digests[version]!.boot === slotDigest('boot', slot, 8);
  if (!isWhole) return `GRUB starts ${slot}, which is half-written (${JSON.stringify(state)})`;
  write('root/proc/cmdline', `rauc.slot=${slot}\n`);
  write('root/usr/lib/os-release', `IMAGE_VERSION=${version}\n`);
  const machine = readMachine(root);
  noteBoot(machine, 'now');
  if (machine.chooser.read().primary !== slot) confirm(machine, 'well', 'now');
  return undefined;
}

/** Resolves when RAUC begins to write this slot. */
async function isWritten(slot: Slot): Promise<void> {
  while (readMachine(root).chooser.read().bad !== slot) await delay(5);
}

const booted = (): Slot => readMachine(root).booted;
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const slotDigest = (name: string, slot: Slot, megabytes: number): string =>
  digest(readFileSync(join(folder, `${name}_${slot.toLowerCase()}`)).subarray(0, megabytes * MEGABYTE));

function write(path: string, content: string | Uint8Array): void {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<string | undefined> {
  prepare();
  const daemon = start('dbus-daemon', ['--nofork', `--config-file=${join(folder, 'bus.conf')}`]);
  try {
    await delay(500);
    const began = performance.now();
    const first = await install(1);
    await isWritten('B');
    const writing = performance.now();
    const code = await first.ended;
    const lengths = { all: performance.now() - began, writing: performance.now() - writing };
    await first.kill();
    if (code !== 0) return `an undisturbed installation failed: ${first.output()}`;
    const wrong = boot();
    if (wrong || booted() !== 'B') return wrong ?? 'the installed system was not started';
    say(
      `undisturbed: ${Math.round(lengths.all)} ms, of which ${Math.round(lengths.writing)} ms from the first byte on`,
    );
    const reached: Record<string, number> = {};
    for (let cut = 1; cut <= cuts; cut++) {
      const target = other(booted());
      const running = await install(1 + (cut % 2));
      // Every other one while the slot is written: that is short.
      if (cut % 2 === 0) await Promise.race([running.ended, isWritten(target)]);
      const length = cut % 2 === 0 ? lengths.writing : lengths.all;
      await Promise.race([running.ended, delay(random.next().value! * length)]);
      await running.kill();
      const state = readMachine(root).chooser.read();
      const phase = state.trial
        ? 'after the slot was written'
        : state.bad === target
          ? 'while it was written'
          : 'before';
      reached[phase] = (reached[phase] ?? 0) + 1;
      const problem = boot();
      if (problem) return `cut ${cut}: ${problem}`;
    }
    say(`killed ${cuts} times: ${JSON.stringify(reached)}; always one whole system`);
    const last = await install(2);
    const lastCode = await last.ended;
    await last.kill();
    return lastCode === 0 ? boot() : `the last installation failed: ${last.output()}`;
  } finally {
    process.kill(-daemon.pid!, 'SIGKILL');
  }
}

process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const problem = await main();
if (problem) say(`FAILED: ${problem}`);
say(problem ? '0 passed, 1 failed' : '1 passed, 0 failed');
process.exit(problem ? 1 : 0);
