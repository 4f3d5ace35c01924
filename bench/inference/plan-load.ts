/** From a plan's file to its first result, and what that takes in memory; in a process that holds nothing else. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { siblingModule } from '../../runtime/core/paths.ts';
import { atMost, type BenchResult, percentile } from '../bench.ts';

const ROUNDS = 7;

interface Loaded {
  readonly milliseconds: number;
  readonly memoryRatio: number;
}

export async function measureLoad(plan: string): Promise<BenchResult[]> {
  const loads: Loaded[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const script = siblingModule(import.meta.url, './plan-load-child');
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...process.execArgv,
      fileURLToPath(script),
      plan,
    ]);
    loads.push(JSON.parse(stdout) as Loaded);
  }
  const median = (of: (loaded: Loaded) => number) => percentile(loads.map(of), 0.5);
  return [
    atMost(
      'plan_load_ms',
      median(({ milliseconds }) => milliseconds),
      'ms',
      60,
    ),
    atMost(
      'plan_memory_vs_weights',
      median(({ memoryRatio }) => memoryRatio),
      'x',
      1.3,
    ),
  ];
}
