/** What the actions of `vigie system` share: the system they look at, the node that runs on it, and restarting it. */

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { SystemClock } from '../../core/clock.ts';
import type { HealthState } from '../../core/component.ts';
import { describeError, UpdateError } from '../../core/errors.ts';
import { tryLock } from '../../core/lock.ts';
import type { Baseline } from '../../system/record.ts';
import type { NodeLook } from '../../system/trial.ts';
import { askNode } from '../ask-node.ts';
import { DEFAULT_DATA } from '../defaults.ts';

/** Options that every action takes. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean' },
  root: { type: 'string' },
  'data-dir': { type: 'string' },
} as const;

export const COMMON_HELP = `  --json           print one JSON object
  --data-dir DIR   of the node (default ${DEFAULT_DATA})
  --root DIR       look at the system below DIR instead of /
`;

export const rootOf = (given: string | undefined): string => resolve(given ?? '/');
export const dataDirOf = (given: string | undefined): string => resolve(given ?? DEFAULT_DATA);

export const now = (): string => new Date(new SystemClock().wall()).toISOString();

export function print<T>(json: boolean | undefined, answer: T, text: (answer: T) => string): void {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : text(answer));
}

/** @throws UpdateError `system-busy`; VigieError of `work` */
export async function alone<T>(root: string, work: () => Promise<T>): Promise<T> {
  const unlock = await tryLock(`${root}#vigie-system`);
  if (!unlock) {
    throw new UpdateError(
      'system-busy',
      'another vigie system install or rollback runs on this machine: wait for it',
    );
  }
  try {
    return await work();
  } finally {
    await unlock();
  }
}

/** How the node on this machine does; what keeps it from saying so where it does not. */
export async function lookAtNode(dataDir: string): Promise<NodeLook | { readonly silent: string }> {
  try {
    return (await askNode(dataDir, 'node-status')) as unknown as NodeLook;
  } catch (error) {
    return { silent: describeError(error) };
  }
}

/** What an update will be held against. */
export async function takeBaseline(dataDir: string): Promise<Baseline> {
  const node = await lookAtNode(dataDir);
  if ('silent' in node) return { answered: false, components: {} };
  const states = Object.entries(node.components).map(([name, { state }]): [string, HealthState] => [
    name,
    state,
  ]);
  return { answered: true, components: Object.fromEntries(states) };
}

/** @throws UpdateError `system-restart` */
export function restart(): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn('systemctl', ['reboot'], { stdio: ['ignore', 'inherit', 'inherit'] });
    const fail = (why: string) =>
      failed(
        new UpdateError('system-restart', `the system was not restarted (${why}); run: systemctl reboot`),
      );
    child.once('error', (error) => fail(describeError(error)));
    child.once('close', (code) => (code === 0 ? done() : fail(`systemctl ended with ${code}`)));
  });
}
