/** Runs one NodeJob, or the peer, in a process of its own, held to limits where asked. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { InputError } from '../../runtime/core/errors.ts';
import { siblingModule } from '../../runtime/core/paths.ts';
import { ControlGroup, type Limits } from '../lib/control-group.ts';
import type { NodeJob, NodeMeasured } from './job.ts';

export interface LimitedRun {
  readonly measured: NodeMeasured;
  /** Of all its processes and their page cache; undefined without limits. */
  readonly peakMemoryBytes: number | undefined;
}

/**
 * @param scratch the node gets a folder of its own in it. @param limits undefined: whatever the machine gives.
 * @throws InputError `bench-cgroup`, `bench-camera` with what the node said.
 */
export async function measureNode(
  job: Omit<NodeJob, 'folder'>,
  scratch: string,
  limits?: Limits,
): Promise<LimitedRun> {
  const folder = mkdtempSync(join(scratch, 'node-'));
  const { answer, peakMemoryBytes } = await runLimited(
    './node-child',
    [JSON.stringify({ ...job, folder })],
    limits,
  );
  return { measured: answer as NodeMeasured, peakMemoryBytes };
}

/** @returns pictures a second of the detector in JavaScript. @throws as measureNode. */
export async function measurePeer(
  model: string,
  picture: string,
  seconds: number,
  limits: Limits,
): Promise<number> {
  const { answer } = await runLimited('./peer-child', [model, picture, String(seconds)], limits);
  return answer as number;
}

async function runLimited(module: string, args: readonly string[], limits?: Limits) {
  const group = limits && new ControlGroup(`vigie-bench-${process.pid}`, limits);
  try {
    const script = fileURLToPath(siblingModule(import.meta.url, module));
    const command = [process.execPath, ...process.execArgv, script, ...args];
    const answer = await answerOf(group ? group.within(command) : command);
    return { answer, peakMemoryBytes: group?.peakMemoryBytes() };
  } finally {
    await group?.remove();
  }
}

async function answerOf([program, ...args]: readonly string[]): Promise<unknown> {
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  // Its vision process ends with it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    if (child.exitCode === 0) return JSON.parse(out);
    const how = child.signalCode ?? `status ${child.exitCode}`;
    throw new InputError('bench-camera', `the measured process ended with ${how}:\n${error.slice(-2000)}`);
  } finally {
    process.off('exit', kill);
  }
}
