/** Commands of the machine itself, over the socket in the state directory. */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askNode } from '../../../runtime/cli/ask-node.ts';
import { CommandTable } from '../../../runtime/core/commands.ts';
import { controlPath } from '../../../runtime/core/control-path.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { ControlSocket } from '../../../runtime/sinks/control/control-socket.ts';
import { rejects } from '../../support/rejects.ts';
import { testSpine } from '../../support/spine.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-control-'));
test.after(() => rmSync(folder, { recursive: true }));

const local = new CommandTable();
const shared = new CommandTable();
local.add({ name: 'secret', description: 'Only here.', run: async (args) => ({ args }) });
shared.add({
  name: 'fail',
  description: 'Always.',
  run: async () => {
    throw new InputError('bad-arguments', 'not like this', { facts: { key: 'x' } });
  },
});

const socket = () =>
  new ControlSocket({ path: controlPath(folder), tables: [local, shared], log: testSpine().log });

test('commands of all tables run; errors come with their code and facts', async () => {
  const control = socket();
  await control.start();
  assert.is(control.health().state, 'ok');
  assert.is(statSync(controlPath(folder)).mode & 0o007, 0, 'nobody else may ask');
  assert.equal(await askNode(folder, 'secret', { a: 1 }), { args: { a: 1 } });
  const error = await rejects(askNode(folder, 'fail'), 'bad-arguments');
  assert.equal(error.facts, { key: 'x' });
  await rejects(askNode(folder, 'nothing'), 'unknown-command');
  await control.stop();
  await rejects(askNode(folder, 'secret'), 'node-unreachable');
});

test('what is no request is answered, and what is too long', async () => {
  const control = socket();
  await control.start();
  const say = (text: string) =>
    new Promise<string>((resolve) => {
      const client = connect(controlPath(folder));
      let answer = '';
      client.on('data', (chunk) => {
        answer += chunk;
      });
      client.on('close', () => resolve(answer));
      client.on('error', () => {});
      client.write(text);
    });
  for (const text of ['x\n', 'null\n', '{}\n', `{"command":1}\n`, 'x'.repeat(70_000)])
    assert.match(await say(text), /bad-request/, text.slice(0, 20));
  await control.stop();
});

test('a socket that a killed node left is no hindrance; a folder that cannot be written is health', async () => {
  writeFileSync(controlPath(folder), '');
  const control = socket();
  await control.start();
  assert.equal(await askNode(folder, 'secret'), { args: {} });
  await control.stop();
  writeFileSync(join(folder, 'file'), '');
  const lost = new ControlSocket({
    path: join(folder, 'file', 'control.sock'),
    tables: [local],
    log: testSpine().log,
  });
  await lost.start();
  assert.is(lost.health().state, 'degraded');
  await lost.stop();
});

test.run();
