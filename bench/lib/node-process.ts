/** The node as a user starts it: `bin/vigie run` in a process of its own, in a folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../runtime/core/errors.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

export interface NodeProcessOptions {
  /** Holds the configuration and the node's state. */
  readonly folder: string;
  readonly config: Record<string, unknown>;
  readonly env?: Readonly<Record<string, string>>;
}

export class NodeProcess {
  readonly #child: ChildProcess;
  #log = '';

  /** @throws InputError `bench-build` when the node was not built. */
  constructor({ folder, config, env = {} }: NodeProcessOptions) {
    if (!existsSync(join(packageRoot, 'dist', 'runtime', 'main.js')))
      throw new InputError(
        'bench-build',
        'this benchmark measures the built node: run npm run build:ts first',
      );
    const file = join(folder, 'vigie.json.yaml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config));
    const args = ['run', '--config', file, '--data-dir', join(folder, 'data')];
    this.#child = spawn(join(packageRoot, 'bin', 'vigie'), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    // Not into a file of the node's own: as under a service manager, the log is not what the node writes to flash.
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
    process.once('exit', this.#kill);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Everything it has logged so far. */
  log(): string {
    return this.#log;
  }

  /** How many log lines hold this event id. */
  count(event: string): number {
    return this.#log.split(`"event":"${event}"`).length - 1;
  }

  /** Waits until a log line holds this event id. @throws InputError `bench-node` when the node ends or time is up. */
  async logged(event: string, times: number, seconds: number): Promise<void> {
    for (let waited = 0; waited < seconds; waited += 0.2) {
      if (this.count(event) >= times) return;
      if (this.#child.exitCode !== null) break;
      await sleep(200);
    }
    throw new InputError(
      'bench-node',
      `the node did not log ${event} in ${seconds} s:\n${this.log().slice(-2000)}`,
    );
  }

  async stop(): Promise<void> {
    process.off('exit', this.#kill);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }

  readonly #kill = () => this.#child.kill('SIGKILL');
}
