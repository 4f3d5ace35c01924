/** `vigie system confirm --wait`, as the unit runs it: against nodes that answer, fall silent, or get worse. */

import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { controlPath } from '../../../runtime/core/control-path.ts';
import { readMachine } from '../../../runtime/system/machine.ts';
import { giveUp } from '../../../runtime/system/updates.ts';
import { vigieHere } from '../../support/cli.ts';
import { SystemNode } from '../../support/system-node.ts';

type Components = Readonly<Record<string, string>>;

/** A node's control socket, and nothing behind it. */
class Answers {
  components: Components = { outbox: 'ok', mqtt: 'ok' };
  readonly #server: Server;

  constructor(dataDir: string) {
    mkdirSync(dirname(controlPath(dataDir)), { recursive: true });
    this.#server = createServer((socket) => {
      const states = Object.entries(this.components).map(([name, state]) => [name, { state, detail: '' }]);
      const result = { bootId: 'one', components: Object.fromEntries(states) };
      socket.once('data', () => socket.end(`${JSON.stringify({ ok: true, result })}\n`));
      socket.on('error', () => {});
    }).listen(controlPath(dataDir));
  }

  end(): void {
    this.#server.close();
  }
}

const confirm = suite<{ node: SystemNode; answers: Answers }>('confirm');

/** System A was asked how it does, then went over to B, on trial. */
confirm.before.each(async (context) => {
  const node = new SystemNode({ loader: 'grub' });
  context.node = node;
  node.standIns();
  context.answers = new Answers(join(node.folder, 'data'));
  await node.start('A', '1.2.0');
  await vigieHere(['system', 'boot-chooser', 'set-primary', 'B', '--root', node.root]);
  await node.start('B', '1.3.0');
  await node.run('confirm');
  // Back to A as it was before: its record has a baseline now.
  await node.run('rollback');
  await node.start('A', '1.2.0');
});
confirm.after.each(({ node, answers }) => {
  answers.end();
  node.end();
});

const WAIT = ['confirm', '--wait', '--for', '400ms', '--within', '2s'];

confirm('a node that does as well as before keeps its system', async ({ node }) => {
  const { code, answer } = await node.json(...WAIT);
  assert.equal([code, answer], [0, { slot: 'A', version: '1.2.0', news: true }]);
  assert.match(
    (await node.run('status')).stdout,
    /last update: 1\.2\.0 on A confirmed .*the node did well for 0 s/,
  );
  assert.is(node.restarts(), '');
});

confirm('one that got worse goes back, and the reason is there afterwards', async ({ node, answers }) => {
  answers.components = { outbox: 'ok', mqtt: 'degraded' };
  const { code, stderr } = await node.run(...WAIT);
  assert.is(code, 40);
  assert.match(stderr, /system A is given up: not well for .* mqtt is degraded, was ok/);
  assert.is(node.restarts(), 'reboot\n');
  await node.start('B', '1.3.0');
  const { answer } = await node.json('status');
  assert.is(answer.standing, 'stable');
  assert.match((answer.last as { reason: string }).reason, /mqtt is degraded, was ok/);
});

confirm('one that falls silent goes back', async ({ node, answers }) => {
  answers.end();
  const { code, stderr } = await node.run(...WAIT);
  assert.is(code, 40);
  assert.match(stderr, /the node does not answer/);
});

confirm('what a person decides meanwhile stands', async ({ node }) => {
  const waiting = vigieHere([
    'system',
    'confirm',
    '--wait',
    '--for',
    '2s',
    '--root',
    node.root,
    '--data-dir',
    join(node.folder, 'data'),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  giveUp(readMachine(node.root), 'by hand');
  assert.is((await waiting).code, 0);
  const { answer } = await node.json('status');
  assert.is(answer.primary, 'B');
  assert.is(node.restarts(), '');
});

confirm('on a confirmed system there is nothing to wait for', async ({ node }) => {
  await node.run('confirm');
  assert.is((await node.json(...WAIT)).answer.news, false);
  const { code, stderr } = await node.run('confirm', '--for', '5min');
  assert.is(code, 2);
  assert.match(stderr, /add --wait/);
});

confirm.run();
