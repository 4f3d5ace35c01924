import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadRunnable } from '../../runtime/config/last-known-good.ts';
import { readSecret } from '../../runtime/config/secret.ts';
import { InputError } from '../../runtime/core/errors.ts';

const test = suite('last known good', { directory: '' });
test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'vigie-'));
});
test.after.each((context) => rmSync(context.directory, { recursive: true }));

const GOOD = 'node: { site: north, name: pumps }\n';

test('a bad file runs the one before and says what is wrong', ({ directory }) => {
  const file = join(directory, 'vigie.yaml');
  writeFileSync(file, GOOD);
  assert.is(loadRunnable(file, directory).state, 'ok');
  writeFileSync(file, 'node: { site: north }\n');
  const fallback = loadRunnable(file, directory);
  assert.is(fallback.state, 'last-known-good');
  assert.is(fallback.config.node.name, 'pumps');
  assert.match(fallback.problems[0]!, /vigie\.yaml:1:7: node\.name: is missing/);
});

test('what is kept is what was checked, though the file is written again meanwhile', ({ directory }) => {
  const file = join(directory, 'vigie.yaml');
  const next = join(directory, 'next.yaml');
  writeFileSync(next, 'half: [');
  // The first reader of the pipe finds its end only when the path already leads to the next file.
  execFileSync('mkfifo', [file]);
  const script = 'exec 3> "$1"; printf "$0" >&3; mv "$2" "$1"';
  spawn('sh', ['-c', script, GOOD, file, next], { stdio: 'ignore' });
  assert.is(loadRunnable(file, directory).state, 'ok');
  assert.is(readFileSync(join(directory, 'vigie.last-known-good.yaml'), 'utf8'), GOOD);
});

test('a file that vanished runs the one before', ({ directory }) => {
  const file = join(directory, 'vigie.yaml');
  writeFileSync(file, GOOD);
  loadRunnable(file, directory);
  rmSync(file);
  const fallback = loadRunnable(file, directory);
  assert.is(fallback.state, 'last-known-good');
  assert.match(fallback.problems[0]!, /ENOENT/);
});

test('with nothing to fall back on, every problem is listed', ({ directory }) => {
  const file = join(directory, 'vigie.yaml');
  writeFileSync(file, 'node: 3\nlogs: {}\n');
  assert.throws(
    () => loadRunnable(file, directory),
    (error: unknown) =>
      error instanceof InputError &&
      error.code === 'config-invalid' &&
      error.message.includes("did you mean 'log'"),
  );
});

test('an unchanged file is not written again', ({ directory }) => {
  const file = join(directory, 'vigie.yaml');
  writeFileSync(file, GOOD);
  loadRunnable(file, directory);
  const kept = join(directory, 'vigie.last-known-good.yaml');
  const before = statSync(kept).ino;
  loadRunnable(file, directory);
  assert.is(statSync(kept).ino, before);
});

test('a secret loses its last line end and is never in an error', ({ directory }) => {
  const file = join(directory, 'password');
  writeFileSync(file, 'hunter2\n');
  assert.is(readSecret(file), 'hunter2');
  assert.throws(() => readSecret('credential:mqtt'), /LoadCredential/);
});

test.run();
