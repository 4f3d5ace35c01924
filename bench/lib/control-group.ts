/**
 * A control group that holds a process and all that it starts to a part of a core and to some memory: the kernel's own
 * limits, as a smaller board or a service manager has them. Linux, version 2 or 1 of the interface; needs root.
 */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, InputError } from '../../runtime/core/errors.ts';

export interface Limits {
  readonly cores: number;
  /** Page cache included. Undefined: no limit. */
  readonly memoryBytes?: number;
}

const PERIOD_US = 100_000;
/** After its last process ended, the kernel may need a moment to let go of a group. */
const REMOVE_TRIES = 50;

export class ControlGroup {
  readonly #folders: readonly string[];

  /** @param root for tests. @throws InputError `bench-cgroup` where this user may not, or the kernel offers none. */
  constructor(name: string, limits: Limits, root = '/sys/fs/cgroup') {
    const files = existsSync(join(root, 'cgroup.controllers')) ? version2(limits) : version1(limits);
    this.#folders = Object.keys(files).map((controller) => join(root, controller, name));
    try {
      if (existsSync(join(root, 'cgroup.controllers')))
        writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu +memory');
      for (const [controller, values] of Object.entries(files)) {
        const folder = join(root, controller, name);
        mkdirSync(folder);
        for (const [file, value] of Object.entries(values)) writeFileSync(join(folder, file), value);
      }
    } catch (cause) {
      for (const folder of this.#folders) tryRemove(folder);
      throw new InputError('bench-cgroup', `no control group of its own: ${describeError(cause)}`, { cause });
    }
  }

  /** A command line that joins the group and then becomes `command`. */
  within(command: readonly string[]): string[] {
    const joins = this.#folders.map((folder) => `echo $$ > '${folder}/cgroup.procs'`);
    return ['/bin/sh', '-c', `${joins.join(' && ')} && exec "$@"`, 'sh', ...command];
  }

  /** The most memory that was in use, page cache included; undefined where the kernel does not say. */
  peakMemoryBytes(): number | undefined {
    for (const folder of this.#folders) {
      for (const file of ['memory.peak', 'memory.max_usage_in_bytes']) {
        if (existsSync(join(folder, file))) return Number(readFileSync(join(folder, file), 'utf8'));
      }
    }
    return undefined;
  }

  /** To be called when all its processes have ended. @throws InputError `bench-cgroup` when one has not. */
  async remove(): Promise<void> {
    for (let tries = 0; tries < REMOVE_TRIES; tries++) {
      if (this.#folders.map(tryRemove).every(Boolean)) return;
      await sleep(20);
    }
    throw new InputError('bench-cgroup', `${this.#folders.join(', ')}: processes are left in it`);
  }
}

type Files = Readonly<Record<string, Readonly<Record<string, string>>>>;

const version2 = ({ cores, memoryBytes }: Limits): Files => ({
  '.': {
    'cpu.max': `${Math.round(cores * PERIOD_US)} ${PERIOD_US}`,
    ...(memoryBytes === undefined ? {} : { 'memory.max': String(memoryBytes) }),
  },
});

const version1 = ({ cores, memoryBytes }: Limits): Files => ({
  cpu: {
    'cpu.cfs_period_us': String(PERIOD_US),
    'cpu.cfs_quota_us': String(Math.round(cores * PERIOD_US)),
  },
  ...(memoryBytes === undefined ? {} : { memory: { 'memory.limit_in_bytes': String(memoryBytes) } }),
});

function tryRemove(folder: string): boolean {
  try {
    if (existsSync(folder)) rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
