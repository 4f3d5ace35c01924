/** Drives the guest of guest.sh: starts it, reads its serial line, takes its power. `interruptions.sh --help` explains. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { VigieError } from '../../../runtime/core/errors.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { moments } from './moments.ts';
import { FIRMWARE, Power } from './power.ts';

/** Far more than a start takes on a busy machine without KVM. */
const START_LIMIT_MS = 1_200_000;
const UPDATE_LIMIT_MS = 2_400_000;

const { values } = parseArgs({
  options: { cuts: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'boolean' } },
});
const cuts = Number(values.cuts ?? 20);
const seed = Number(values.seed ?? 1);
if (!Number.isSafeInteger(cuts) || !Number.isSafeInteger(seed)) {
  process.stderr.write('interruptions: --cuts and --seed take whole numbers\n');
  process.exit(2);
}

const folder = join(packageRoot, 'build/image/update-test');
const scratch = mkdtempSync(join(tmpdir(), 'vigie-update-test-'));
const problems: string[] = [];

const start = (): Power =>
  new Power({
    architecture: 'amd64',
    disk: join(scratch, 'disk.img'),
    variables: join(scratch, 'vars.fd'),
    bundles: join(folder, 'bundles.ext4'),
    megabytes: 1024,
    log: join(folder, 'serial.log'),
    heard: (said) => {
      if (said.startsWith('up ')) checkWhole(said);
      if (/^cannot go on|lost$/.test(said)) problems.push(said);
    },
  });

/** Root, kernel (its command line comes with it) and content belong to one version, and to the slot that was started. */
function checkWhole(said: string): void {
  const facts = Object.fromEntries(said.split(' ').map((pair) => pair.split('=')));
  const isWhole = facts.root === facts.boot && facts.payload === 'whole' && /^[AB]$/.test(facts.slot ?? '');
  if (!isWhole) problems.push(`half a system was started: ${said}`);
  if (facts.standing !== 'stable' && facts.standing !== 'on-trial') problems.push(`strange: ${said}`);
}

async function main(): Promise<void> {
  copyFileSync(FIRMWARE.amd64.variables, join(scratch, 'vars.fd'));
  // Holes stay holes: it is mostly empty.
  execFileSync('cp', ['--sparse=always', join(folder, 'disk.img'), scratch]);
  const isUp = (line: string) => line.startsWith('up ');
  let power = start();
  const began = performance.now();
  if (!(await power.line(isUp, START_LIMIT_MS)))
    throw new VigieError('guest-start', 'the guest never started');
  const up = performance.now();
  if (!(await power.line((line) => line.startsWith('kept '), UPDATE_LIMIT_MS)))
    throw new VigieError('guest-update', 'it was never updated');
  const cycle = performance.now() - up;
  say(`undisturbed: started in ${seconds(up - began)} s; updated, restarted and kept in ${seconds(cycle)} s`);
  const random = moments(seed);
  for (let number = 1; number <= cuts && problems.length === 0; number++) {
    const after = Math.round(random.next().value! * cycle);
    await delay(after);
    await power.cut();
    const phase = power.lines.at(-1) ?? 'before anything was said';
    const from = performance.now();
    power = start();
    const said = await power.line(isUp, START_LIMIT_MS);
    if (!said) problems.push(`cut ${number}: it did not start again within ${START_LIMIT_MS / 1000} s`);
    say(
      `cut ${number}: ${seconds(after)} s on, after "${phase}": ${said}, in ${seconds(performance.now() - from)} s`,
    );
  }
  if (problems.length === 0 && !(await power.line((line) => line.startsWith('kept '), UPDATE_LIMIT_MS)))
    problems.push('after all that, no update was kept any more');
  await power.cut();
}

/** For a person; the last line for CI. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const seconds = (ms: number): number => Math.round(ms / 1000);

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
await main().catch((error: unknown) => problems.push(String(error)));
for (const problem of problems) say(`FAILED: ${problem}`);
say(`${problems.length === 0 ? 1 : 0} passed, ${problems.length === 0 ? 0 : 1} failed`);
// Also ends a guest that still runs after a failure.
process.exit(problems.length === 0 ? 0 : 1);
