/** Boots an image in a virtual machine and watches it live through a day that is bad. `boot.sh --help` explains. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../runtime/core/paths.ts';
import { Guest, type GuestOptions } from './guest.ts';
import { camera } from './steps/camera.ts';
import type { Context, Step } from './steps/context.ts';
import { model, powerCut } from './steps/model.ts';
import { anomaly, readings, writes } from './steps/plant.ts';
import { start } from './steps/start.ts';
import { broken, diskFull, noData } from './steps/trouble.ts';
import { twin } from './steps/twin.ts';
import { NODE, World } from './world.ts';

/** In this order: each goes on where the one before ended. */
const STEPS: Readonly<Record<string, Step>> = {
  start,
  readings,
  anomaly,
  writes,
  model,
  'power-cut': powerCut,
  'disk-full': diskFull,
  camera,
  twin,
  broken,
  'no-data': noData,
};

const [target, ...asked] = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(STEPS, name));
if (!target || unknown.length > 0) {
  const why = target ? `there is no step ${unknown.join(', ')}; there are: ` : 'say which target; steps: ';
  process.stderr.write(`boot: ${why}${Object.keys(STEPS).join(', ')}\n`);
  process.exit(2);
}
// Guests and servers end with this process, however it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(target, [
  'start',
  ...Object.keys(STEPS).filter((name) => asked.includes(name) && name !== 'start'),
]);

async function main(name: string, steps: readonly string[]): Promise<number> {
  const folder = join(packageRoot, 'build/image-test', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const image = unpacked(name);
  const world = await World.begin(join(folder, 'world'));
  const flash: Context['flash'] = (card, more) =>
    new Guest({ ...machineOf(name), ...more, folder: join(folder, card), image });
  const guest = flash('first', {});
  let current = '';
  const note = (line: string) => process.stdout.write(`${line.replaceAll(/^/gm, `  ${current}: `)}\n`);
  const context: Context = { guest, world, node: NODE, flash, note };
  let passed = 0;
  try {
    for (current of steps) {
      const began = performance.now();
      await STEPS[current]!(context);
      passed++;
      process.stdout.write(`${current}: passed in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
    }
  } catch (error) {
    process.stdout.write(`${current}: FAILED: ${(error as Error).message}\n`);
    process.stdout.write(`consoles and logs: ${folder}\n`);
  } finally {
    await guest.stop();
    await world.end();
  }
  process.stdout.write(`${passed} of ${steps.length} steps passed\n`);
  return passed === steps.length ? 0 : 1;
}

function machineOf(name: string): Pick<GuestOptions, 'arch' | 'start'> {
  const text = readFileSync(join(packageRoot, 'image-build/targets', `${name}.conf`), 'utf8');
  const arch = /^arch=(arm64|amd64)$/m.exec(text)![1] as 'arm64' | 'amd64';
  // A Pi's firmware exists on a Pi alone; its kernel and all that follows start as on any other machine.
  return { arch, start: /^boot=uefi$/m.test(text) ? 'uefi' : 'kernel' };
}

/** The newest image of the target, unpacked once. */
function unpacked(name: string): string {
  const images = join(packageRoot, 'build/images');
  const files = execFileSync('sh', ['-c', `ls -t "${images}"/vigie-${name}-*.img.zst 2>/dev/null || true`], {
    encoding: 'utf8',
  });
  const packed = files.split('\n')[0];
  if (!packed) {
    process.stderr.write(`boot: there is no image in build/images. Make it: image-build/build.sh ${name}\n`);
    process.exit(1);
  }
  const image = join(packageRoot, 'build/image-test', `${name}.img`);
  if (!existsSync(image) || statSync(image).mtimeMs < statSync(packed).mtimeMs)
    execFileSync('zstd', ['-q', '-d', '-f', '--sparse', packed, '-o', image]);
  return image;
}
