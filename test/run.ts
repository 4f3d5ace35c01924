/**
 * Runs test files, each in a process of its own so that a crash or a leak is the fault of one file, and ends
 * with `N passed, N failed`. `bin/node test/run.ts [PART OF A PATH …]`; JOBS sets how many run at once (2).
 */

import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../runtime/core/paths.ts';

const FILE_LIMIT_MS = 240_000;

interface Outcome {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  output: string;
}

const wanted = process.argv.slice(2);
const files = globSync('test/**/*.test.ts', { cwd: packageRoot })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();

const totals = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files];
await Promise.all(Array.from({ length: Number(process.env.JOBS ?? 2) }, work));
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped ? `, ${totals.skipped} skipped` : ''}`,
);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

async function work(): Promise<void> {
  for (let file = queue.shift(); file; file = queue.shift()) report(await runFile(file));
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(packageRoot, file)],
      {
        cwd: packageRoot,
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const timer = setTimeout(() => {
      output += `\nended after ${FILE_LIMIT_MS / 1000} s: the file did not finish\n`;
      child.kill('SIGKILL');
    }, FILE_LIMIT_MS);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(judge(file, code, output));
    });
  });
}

/** uvu prints Total, Passed and Skipped once per file; a file that prints none or dies counts as one failure. */
function judge(file: string, code: number | null, output: string): Outcome {
  const count = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(output)?.[1] ?? 0);
  const passed = count('Passed');
  const failed = Math.max(count('Total') - passed, code === 0 && count('Total') > 0 ? 0 : 1);
  return { file, passed, failed, skipped: count('Skipped'), output };
}

function report(outcome: Outcome): void {
  totals.passed += outcome.passed;
  totals.failed += outcome.failed;
  totals.skipped += outcome.skipped;
  const skipped = outcome.skipped ? `, ${outcome.skipped} skipped` : '';
  const notices = outcome.output.split('\n').filter((line) => line.startsWith('skip: '));
  console.log(
    `${outcome.failed ? 'FAIL' : 'ok  '} ${relative('.', outcome.file)} (${outcome.passed} passed${skipped})`,
  );
  for (const line of notices) console.log(`     ${line}`);
  if (outcome.failed) console.log(outcome.output);
}
