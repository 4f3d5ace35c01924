/** Passphrases that are asked for at a terminal: a real one, driven by python3. */

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { vigieHere } from '../../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-passphrase-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'correct horse, battery ü';
const ENTER = '\r';
const BACKSPACE = '\x7f';
const CTRL_C = '\x03';

interface Seen {
  readonly screen: string;
  readonly status: number;
  readonly echoes: boolean;
  /** Steps that did not come about. */
  readonly left: number;
}

/** @param steps what to wait for on the screen, and what to type then. */
async function atTerminal(steps: readonly (readonly [string, string])[], ...args: string[]): Promise<Seen> {
  const main = join(packageRoot, 'runtime/main.ts');
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', main, 'ota', ...args];
  const driver = join(packageRoot, 'test/support/terminal.py');
  const { stdout } = await promisify(execFile)('python3', [driver, JSON.stringify(steps), ...command]);
  return JSON.parse(stdout) as Seen;
}

/** Whether the passphrase opens the key that was made. */
async function opens(key: string): Promise<Seen> {
  return atTerminal([['Passphrase for', `${SECRET}${ENTER}`]], 'repo', 'sign', at('fleet'), '--key', key);
}

test('a new key is asked for twice, and nothing that is typed is on the screen', async () => {
  const steps = [
    ['Passphrase for', `${SECRET}x${BACKSPACE}${ENTER}`],
    ['The same again', `${SECRET}${ENTER}`],
  ] as const;
  const seen = await atTerminal(steps, 'key', 'gen', at('root-1'));
  assert.equal([seen.status, seen.left, seen.echoes], [0, 0, true], seen.screen);
  assert.not.match(seen.screen, /horse|battery/);
  assert.ok(existsSync(at('root-1.key')));
});

test('it opens the key again, by the hand that made it', async () => {
  const pass = at('pass');
  writeFileSync(pass, `${SECRET}\n`, { mode: 0o600 });
  const all = await vigieHere(['ota', 'key', 'gen', '--all', at('keys'), '--passphrase-file', pass]);
  assert.is(all.code, 0, all.stderr);
  assert.is((await vigieHere(['ota', 'repo', 'init', at('fleet'), '--keys', at('keys')])).code, 0);
  const seen = await opens(at('keys/release.key'));
  assert.is(seen.status, 0, seen.screen);
  assert.match(seen.screen, /release/);
});

test('a wrong one is refused, and said so', async () => {
  const steps = [['Passphrase for', `something else${ENTER}`]] as const;
  const seen = await atTerminal(steps, 'repo', 'sign', at('fleet'), '--key', at('keys/targets-1.key'));
  assert.equal([seen.status, seen.echoes], [20, true], seen.screen);
  assert.match(seen.screen, /passphrase/i);
});

test('two that differ make no key', async () => {
  const steps = [
    ['Passphrase for', `${SECRET}${ENTER}`],
    ['The same again', `${SECRET}!${ENTER}`],
  ] as const;
  const seen = await atTerminal(steps, 'key', 'gen', at('other'));
  assert.equal([seen.status, seen.echoes], [1, true]);
  assert.match(seen.screen, /not the same: nothing was made/);
  assert.not.ok(existsSync(at('other.key')));
});

test('Ctrl-C at the question ends it, and leaves the terminal as it was', async () => {
  const seen = await atTerminal([['Passphrase for', `half${CTRL_C}`]], 'key', 'gen', at('other'));
  assert.equal([seen.status, seen.echoes], [1, true]);
  assert.match(seen.screen, /no passphrase was given/);
  assert.not.ok(existsSync(at('other.key')));
});

if (spawnSync('python3', ['--version']).status === 0) test.run();
else console.log('skip: passphrases at a terminal need python3');
