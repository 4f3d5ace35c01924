/** Watches an image update itself: image.sh, which prepares it, explains. */

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { type Architecture, FIRMWARE, Power } from './power.ts';

/** A start, and an installation, on a machine that is busy with other things. */
const LIMIT_MS = 1_800_000;

const architecture = process.argv[2] as Architecture;
const folder = join(packageRoot, 'build/image/update-image-test');
const variables = join(folder, 'vars.fd');
const began = performance.now();
let problem: string | undefined;

copyFileSync(FIRMWARE[architecture].variables, variables);
const power = new Power({
  architecture,
  disk: join(folder, 'disk.img'),
  variables,
  bundles: join(folder, 'bundles.ext4'),
  megabytes: 1536,
  log: join(folder, 'serial.log'),
  heard: (said) => {
    process.stdout.write(
      `${String(Math.round((performance.now() - began) / 1000)).padStart(5)} s  ${said}\n`,
    );
    if (said.startsWith('cannot go on')) problem ??= said;
  },
});

/** In this order, with whatever in between. */
const EXPECTED: readonly [string, RegExp][] = [
  ['system A starts as flashed, no unit failed', /^up slot=A standing=stable failed=0$/],
  ['the update starts on trial', /^up slot=B standing=on-trial/],
  ['it is kept because its node does well', /^kept B$/],
  ['the second one starts on trial', /^up slot=A standing=on-trial/],
  ['its node is stopped', /^stops the node$/],
  ['the system goes back by itself', /^up slot=B standing=stable/],
  ['and says why', /^last rolled-back not well for .*does not answer/],
];
for (const [what, pattern] of EXPECTED) {
  const line =
    problem === undefined &&
    (await power.line((said) => pattern.test(said) || problem !== undefined, LIMIT_MS));
  if (problem === undefined && !line) problem = `within ${LIMIT_MS / 60_000} min it did not come: ${what}`;
  if (problem !== undefined) break;
}
await power.cut();
if (problem !== undefined)
  process.stdout.write(`FAILED: ${problem}; ${join(folder, 'serial.log')} has all it said\n`);
process.stdout.write(`${problem === undefined ? '1 passed, 0 failed' : '0 passed, 1 failed'}\n`);
process.exit(problem === undefined ? 0 : 1);
