/** `vigie system` without bundles: what it says of a node, and what it does for RAUC and at a start. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { vigieHere } from '../../support/cli.ts';
import { SystemNode } from '../../support/system-node.ts';

interface Context {
  node: SystemNode;
}

for (const loader of ['grub', 'tryboot'] as const) {
  const cli = suite<Context>(loader);
  cli.before.each((context) => {
    context.node = new SystemNode({ loader });
  });
  cli.after.each(({ node }) => node.end());

  cli('a flashed node says what runs and what starts', async ({ node }) => {
    const { code, answer } = await node.json('status');
    assert.is(code, 0);
    assert.is(answer.standing, 'stable');
    assert.is(answer.booted, 'A');
    assert.is(answer.bootLoader, loader);
    const [a, b] = answer.slots as Record<string, unknown>[];
    assert.equal(a, { slot: 'A', version: '1.2.0', state: 'good', booted: true, primary: true });
    assert.equal(b, { slot: 'B', version: null, state: 'good', booted: false, primary: false });
    const { stdout } = await node.run('status');
    assert.match(stdout, /^A {2}1\.2\.0 .*runs, primary\nB {2}unknown/);
    assert.match(stdout, /stable: system A runs, and starts by itself/);
  });

  cli('RAUC is told and obeyed, but never gets the system to fall back on', async ({ node }) => {
    const ask = async (...words: string[]) => {
      const { code, stdout, stderr } = await vigieHere([
        'system',
        'boot-chooser',
        ...words,
        '--root',
        node.root,
      ]);
      return code === 0 ? stdout.trim() : stderr;
    };
    assert.is(await ask('get-current'), 'A');
    assert.is(await ask('get-primary'), 'A');
    assert.is(await ask('get-state', 'B'), 'good');
    assert.is(await ask('set-state', 'B', 'bad'), '');
    assert.is(await ask('get-state', 'B'), 'bad');
    assert.is(await ask('set-primary', 'B'), '');
    assert.is(await ask('get-primary'), 'B');
    assert.is(await ask('get-state', 'B'), 'good');
    assert.match(await ask('set-state', 'A', 'bad'), /the one to fall back on/);
    assert.match(await ask('set-state', 'B', 'good'), /does not run/);
    assert.match(await ask('get-state', 'C'), /a slot is A or B; found 'C'/);
    assert.match(await ask('turn'), /unknown word 'turn'/);
  });

  cli('a trial that nobody confirms is told after it, with its reason', async ({ node }) => {
    await vigieHere(['system', 'boot-chooser', 'set-primary', 'B', '--root', node.root]);
    assert.is((await node.json('status')).answer.standing, 'pending');
    await node.start('B', '1.3.0');
    if (loader === 'grub') {
      const path = join(node.root, 'boot/vigie/grub/grubenv');
      writeFileSync(path, readFileSync(path, 'latin1').replace('tries=2', 'tries=0'));
    }
    assert.is((await node.json('status')).answer.standing, 'on-trial');
    const { stdout } = await node.start('A', '1.2.0');
    assert.match(stdout, /system B \(1\.3\.0\) was rolled-back: it started, and restarted or lost power/);
    const { answer } = await node.json('status');
    assert.is(answer.standing, 'stable');
    assert.is((answer.slots as { state: string }[])[1]!.state, 'bad');
    const { code, stderr } = await node.run('rollback');
    assert.is(code, 52);
    assert.match(stderr, /system B \(1\.3\.0\) was found bad: it started, and restarted.* add --force/s);
    assert.is((await node.run('rollback', '--force')).code, 0);
    assert.is((await node.json('status')).answer.standing, 'pending');
    assert.match((await node.run('rollback')).stdout, /not tried at the next restart any more/);
    assert.is((await node.json('status')).answer.standing, 'stable');
  });

  cli(
    'a person keeps a system on trial, and goes back to the one before, on trial again',
    async ({ node }) => {
      node.standIns();
      await vigieHere(['system', 'boot-chooser', 'booted', '--root', node.root]);
      await vigieHere(['system', 'boot-chooser', 'set-primary', 'B', '--root', node.root]);
      await node.start('B', '1.3.0');
      const kept = await node.json('confirm');
      assert.equal(kept.answer, { slot: 'B', version: '1.3.0', news: true });
      assert.is((await node.json('confirm')).answer.news, false);
      const { answer } = await node.json('status');
      assert.is(answer.primary, 'B');
      assert.is((answer.last as { outcome: string }).outcome, 'confirmed');
      assert.match((await node.run('rollback', '--restart')).stdout, /the next restart tries system A/);
      assert.is(node.restarts(), 'reboot\n');
      await node.start('A', '1.2.0');
      assert.is((await node.json('status')).answer.standing, 'on-trial');
      assert.match((await node.run('rollback')).stdout, /system A is given up; the next restart brings B/);
      assert.match((await node.start('B', '1.3.0')).stdout, /rolled-back: rolled back by hand/);
    },
  );

  cli('there is nothing to go back to on a node that was just flashed', async ({ node }) => {
    const { code, stderr } = await node.run('rollback');
    assert.is(code, 52);
    assert.match(stderr, /system B holds no system that was installed whole/);
  });

  cli('damaged files of the boot partition are mended at the next start', async ({ node }) => {
    const name = loader === 'grub' ? 'boot/vigie/grub/grubenv' : 'boot/vigie/autoboot.txt';
    const before = readFileSync(join(node.root, name));
    node.write(name, Buffer.alloc(before.length, 0xff));
    assert.is((await node.json('status')).answer.primary, 'A');
    await node.start('A', '1.2.0');
    assert.equal(readFileSync(join(node.root, name)), before);
  });

  cli('an empty or unmounted boot partition is said to be so', async ({ node }) => {
    rmSync(join(node.root, 'boot/vigie'), { recursive: true });
    const { code, stderr } = await node.run('status');
    assert.is(code, 1);
    assert.match(stderr, /has neither autoboot\.txt nor grub\/grubenv: is the partition bootconfig mounted/);
  });

  cli.run();
}

const others = suite('others');
others('a system that was not flashed is told what to do instead', async () => {
  const node = new SystemNode({ loader: 'grub' });
  node.write('proc/cmdline', 'root=/dev/sda1 ro quiet\n');
  const { code, answer } = await node.json('status');
  assert.is(code, 51);
  assert.match((answer.error as { message: string }).message, /no flashed Vigie image.*updated by apt/);
  node.end();
});

others('a wrong word is met with the right ones', async () => {
  const { code, stderr } = await vigieHere(['system', 'instal']);
  assert.is(code, 2);
  assert.match(stderr, /did you mean 'install'\?/);
  assert.match((await vigieHere(['system', 'install', '--help'])).stdout, /Exit status: .*20 the signature/s);
});
others.run();
