/**
 * Runs test files, each in a process of its own so that a crash or a leak is the fault of one file, and ends
 * with `N passed, N failed`. `bin/node test/run.ts [PART OF A PATH …]`; JOBS sets how many run at once (3:
 * on two cores, since many wait more than they compute).
 */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../runtime/core/paths.ts';
import { endLeftovers, MARK } from './support/leftovers.ts';

/** Several times what the slowest file takes on two busy cores. */
const FILE_LIMIT_MS = 360_000;
/** A child that was just told to end is not left over yet. */
const GRACE_MS = 5000;
/** The longest first, so that all jobs end at about the same time; the rest follow by name. */
const SLOWEST = [
  'scenario/delivery-kill',
  'scenario/outbox-kill',
  'scenario/plant-to-broker',
  'scenario/skab-to-broker',
  'evaluation/skab/published',
];

interface Outcome {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  output: string;
}

/** Thousands of processes of the same files start: each takes what the first of them compiled. */
const compileCache = mkdtempSync(join(tmpdir(), 'vigie-compiled-'));
process.once('exit', () => rmSync(compileCache, { recursive: true, force: true }));
const wanted = process.argv.slice(2);
const files = globSync('test/**/*.test.ts', { cwd: packageRoot })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();

const totals = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files.filter((file) => rank(file) >= 0).sort((a, b) => rank(a) - rank(b))];
queue.push(...files.filter((file) => rank(file) < 0));
const began = performance.now();
await Promise.all(Array.from({ length: Number(process.env.JOBS ?? 3) }, work));
console.log(`${files.length} files in ${secondsSince(began)} s`);
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped ? `, ${totals.skipped} skipped` : ''}`,
);
process.exitCode = totals.failed > 0 || totals.passed + totals.skipped === 0 ? 1 : 0;

function rank(file: string): number {
  return SLOWEST.findIndex((part) => file.includes(part));
}

function secondsSince(start: number): number {
  return Math.round((performance.now() - start) / 1000);
}

async function work(): Promise<void> {
  for (let file = queue.shift(); file; file = queue.shift()) report(await runFile(file));
}

async function runFile(file: string): Promise<Outcome> {
  const start = performance.now();
  const mark = randomUUID();
  const arguments_ = ['--disable-warning=ExperimentalWarning', join(packageRoot, file)];
  const child = spawn(process.execPath, arguments_, {
    cwd: packageRoot,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', NODE_COMPILE_CACHE: compileCache, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const timer = setTimeout(() => {
    output += `\nended after ${FILE_LIMIT_MS / 1000} s: the file did not finish\n`;
    child.kill('SIGKILL');
  }, FILE_LIMIT_MS);
  const closed = new Promise((resolve) => child.once('close', resolve));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  const leftovers = await endLeftovers(mark, GRACE_MS);
  for (const command of leftovers) output += `\nleft running when the file had ended: ${command}\n`;
  await closed;
  return judge(file, leftovers.length > 0 ? null : code, secondsSince(start), output);
}

/**
 * uvu prints Total, Passed and Skipped once per file. A file that dies, leaves a process or prints no tests counts
 * as one failure; one that says `skip:` and prints no tests, as one skipped.
 */
function judge(file: string, code: number | null, seconds: number, output: string): Outcome {
  const count = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(output)?.[1] ?? 0);
  const [total, passed] = [count('Total'), count('Passed')];
  const empty = total === 0;
  const excused = empty && code === 0 && /^skip: /m.test(output);
  const failed = Math.max(total - passed, code === 0 && (!empty || excused) ? 0 : 1);
  return { file, passed, failed, skipped: Math.max(count('Skipped'), excused ? 1 : 0), seconds, output };
}

function report(outcome: Outcome): void {
  totals.passed += outcome.passed;
  totals.failed += outcome.failed;
  totals.skipped += outcome.skipped;
  const skipped = outcome.skipped ? `, ${outcome.skipped} skipped` : '';
  const notices = new Set(outcome.output.split('\n').filter((line) => line.startsWith('skip: ')));
  console.log(
    `${outcome.failed ? 'FAIL' : 'ok  '} ${outcome.file} (${outcome.passed} passed${skipped}, ${outcome.seconds} s)`,
  );
  for (const line of notices) console.log(`     ${line}`);
  if (outcome.failed) console.log(outcome.output);
}
