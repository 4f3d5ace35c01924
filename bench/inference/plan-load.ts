/** From a plan's file to its first result, and what that takes in memory; in a process that holds nothing else. */

import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { siblingModule } from '../../runtime/core/paths.ts';
import { atMost, type BenchResult, info, percentile } from '../bench.ts';

const ROUNDS = 7;

interface Loaded {
  readonly milliseconds: number;
  /** All that the session holds, and what of it are packed weights. */
  readonly memoryBytes: number;
  readonly weightsBytes: number;
}

export async function measureLoad(plan: string): Promise<BenchResult[]> {
  const script = fileURLToPath(siblingModule(import.meta.url, './plan-load-child'));
  const loads: Loaded[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, plan]);
    loads.push(JSON.parse(stdout) as Loaded);
  }
  const median = (of: (loaded: Loaded) => number) => percentile(loads.map(of), 0.5);
  const weights = median(({ weightsBytes }) => weightsBytes) / statSync(plan).size;
  return [
    atMost(
      'plan_load_ms',
      median(({ milliseconds }) => milliseconds),
      'ms',
      60,
    ),
    atMost('plan_weights_memory_ratio', weights, 'x', 1.3),
    info('plan_memory_mb', median(({ memoryBytes }) => memoryBytes) / 1e6, 'MB'),
  ];
}
