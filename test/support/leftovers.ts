/** Finds the processes that a test file started and did not end: they inherit its environment. Linux only. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The environment variable that names one run of one test file. */
export const MARK = 'VIGIE_TEST_RUN';

/** Gives the processes of a run so many ms to end, then ends those left. @returns their command lines. */
export async function endLeftovers(mark: string, graceMs: number): Promise<string[]> {
  const deadline = performance.now() + graceMs;
  let left = processesOf(mark);
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(100);
    left = processesOf(mark);
  }
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
  return left.map(({ command }) => command);
}

function processesOf(mark: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && read(pid, 'environ').split('\0').includes(`${MARK}=${mark}`))
    .map((pid) => ({ pid, command: read(pid, 'cmdline').replaceAll('\0', ' ').trim() || `process ${pid}` }));
}

/** Empty for a process that has ended or belongs to somebody else. */
function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
