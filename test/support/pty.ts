/** A pair of connected serial ports: socat joins two pseudo-terminals, reachable by stable links. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait.ts';

export interface PtyPair {
  /** The node's end. */
  readonly near: string;
  /** The device's end. */
  readonly far: string;
  /** The adapter is pulled out: both ends are gone. */
  unplug(): Promise<void>;
  /** Plugged in again, as a rule under other numbers; the links lead there. */
  plug(): Promise<void>;
  close(): Promise<void>;
}

export async function openPtyPair(): Promise<PtyPair> {
  const directory = mkdtempSync(join(tmpdir(), 'vigie-pty-'));
  const [near, far] = [join(directory, 'near'), join(directory, 'far')];
  let socat: ChildProcess | undefined;
  const unplug = async () => {
    const child = socat;
    socat = undefined;
    if (!child || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await exited;
  };
  const plug = async () => {
    socat = spawn('socat', [`pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`], {
      stdio: 'ignore',
    });
    await waitFor('socat', () => existsSync(near) && existsSync(far));
  };
  await plug();
  const close = async () => {
    await unplug();
    rmSync(directory, { recursive: true, force: true });
  };
  return { near, far, unplug, plug, close };
}
