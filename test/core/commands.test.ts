import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandTable } from '../../runtime/core/commands.ts';
import { InputError, VigieError } from '../../runtime/core/errors.ts';

const table = () => {
  const commands = new CommandTable();
  commands.add({ name: 'echo', description: 'Gives back.', run: async (args) => ({ ...args }) });
  commands.add({
    name: 'refuse',
    description: 'Never.',
    run: async () => {
      throw new InputError('bad-arguments', 'no');
    },
  });
  return commands;
};

const refusal = async (name: string, args: unknown): Promise<VigieError> => {
  try {
    await table().run(name, args);
  } catch (error) {
    if (error instanceof VigieError) return error;
  }
  throw new RangeError(`'${name}' was not refused`);
};

test('a command runs by its name, and the list says what there is', async () => {
  assert.equal(await table().run('echo', { a: 1 }), { a: 1 });
  assert.equal(
    table()
      .list()
      .map(({ name }) => name),
    ['echo', 'refuse'],
  );
});

test('an unknown name is refused with the names there are, also where objects have one of their own', async () => {
  for (const name of ['ech', '', 'constructor', '__proto__']) {
    const { code, message } = await refusal(name, {});
    assert.is(code, 'unknown-command');
    assert.match(message, /known: echo, refuse$/);
  }
  const { message } = await new CommandTable().run('x', {}).catch((error) => error);
  assert.match(message, /known: none$/);
});

test('arguments are an object, nothing else', async () => {
  for (const args of [undefined, null, 3, 'text', [], [{}]])
    assert.is((await refusal('echo', args)).code, 'bad-arguments');
});

test('what a command throws reaches the caller', async () => {
  assert.is((await refusal('refuse', {})).message, 'no');
});

test.run();
