/** A serial line without hardware: a pseudo-terminal at a path, its far side in this process. Needs socat. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export class PseudoTerminal {
  received = '';
  #socat: ChildProcess | undefined;

  async open(path: string): Promise<void> {
    const socat = spawn('socat', [`pty,rawer,link=${path}`, '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#socat = socat;
    socat.stdin.on('error', () => {});
    socat.stdout.setEncoding('latin1').on('data', (text) => {
      this.received += text;
    });
    for (let waited = 0; !existsSync(path) && waited < 20_000; waited += 10) await sleep(10);
  }

  write(data: string | Buffer): void {
    this.#socat?.stdin?.write(data);
  }

  /** The device is pulled. Idempotent. */
  async close(): Promise<void> {
    const socat = this.#socat;
    this.#socat = undefined;
    if (!socat) return;
    const gone = new Promise((resolve) => socat.once('exit', resolve));
    socat.kill('SIGKILL');
    await gone;
  }
}
