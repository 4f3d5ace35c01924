import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readJsonFile, writeFileAtomic } from '../../runtime/core/atomic-file.ts';
import { describeError, StorageError } from '../../runtime/core/errors.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

const KILLS = 15;

const folder = mkdtempSync(join(tmpdir(), 'vigie-atomic-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

function refusal(work: () => unknown): StorageError {
  try {
    work();
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new RangeError('it was not refused');
}

test('text and bytes are written whole, with the mode asked for, and nothing is left beside', () => {
  const path = join(folder, 'state.json');
  writeFileAtomic(path, '{"ü":1}');
  assert.equal(readJsonFile(path), { ü: 1 });
  const bytes = Buffer.alloc(3_000_000, 7);
  writeFileAtomic(path, bytes, 0o600);
  assert.ok(readFileSync(path).equals(bytes));
  assert.is(statSync(path).mode & 0o777, 0o600);
  writeFileAtomic(path, '');
  assert.is(statSync(path).size, 0);
  assert.equal(readdirSync(folder), ['state.json']);
});

test('a file that is not there is undefined, one that is no JSON is an error with its path', () => {
  assert.is(readJsonFile(join(folder, 'none')), undefined);
  const path = join(folder, 'broken');
  writeFileSync(path, '{"half":');
  const error = refusal(() => readJsonFile(path));
  assert.equal([error.code, error.facts.path], ['state-read', path]);
  assert.is(refusal(() => readJsonFile(folder)).code, 'state-read');
});

test('what a crash left of an earlier write is written over', () => {
  const path = join(folder, 'kept');
  writeFileAtomic(path, 'old');
  writeFileSync(`${path}.new`, 'half of a longer new o');
  assert.is(readFileSync(path, 'utf8'), 'old');
  writeFileAtomic(path, 'new');
  assert.is(readFileSync(path, 'utf8'), 'new');
  assert.not.ok(existsSync(`${path}.new`));
});

test('where the directory is missing or the name is taken by one, the old state stays and the error says so', () => {
  const missing = refusal(() => writeFileAtomic(join(folder, 'no', 'state'), 'x'));
  assert.equal([missing.code, missing.retryable], ['state-write', true]);
  assert.match(describeError(missing), /cannot write .*no\/state: ENOENT/);
  const path = join(folder, 'directory');
  mkdirSync(join(path, 'inside'), { recursive: true });
  assert.is(refusal(() => writeFileAtomic(path, 'x')).code, 'state-write');
  assert.ok(existsSync(join(path, 'inside')));
  assert.not.ok(existsSync(`${path}.new`));
});

test('a full disk refuses the new state and keeps the old one', () => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) {
    console.log('skip: a small file system cannot be mounted here; the full disk is not tried');
    return;
  }
  try {
    const path = join(disk, 'state');
    writeFileAtomic(path, 'old');
    const error = refusal(() => writeFileAtomic(path, Buffer.alloc(200_000)));
    assert.match(describeError(error), /ENOSPC/);
    assert.is(error.retryable, true);
    assert.is(readFileSync(path, 'utf8'), 'old');
    assert.equal(readdirSync(disk), ['state'], 'the room that the attempt took is free again');
    writeFileAtomic(path, 'new');
    assert.is(readFileSync(path, 'utf8'), 'new');
  } finally {
    spawnSync('umount', [disk]);
  }
});

test(`kill -9 at ${KILLS} moments leaves a whole state, no older than the last that returned`, async () => {
  const path = join(folder, 'killed.json');
  const script = join(packageRoot, 'test/support/write-child.ts');
  for (let i = 0; i < KILLS; i++) {
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await once(child.stdout, 'data');
    await sleep((i * 7) % 40);
    child.kill('SIGKILL');
    await once(child, 'close');
    const returned = Number(output.split('\n').at(-2));
    const state = readJsonFile(path) as { n: number; pad: string; end: number };
    assert.equal([state.pad.length, state.end], [(state.n * 7919) % 100_000, state.n]);
    assert.ok(state.n === returned || state.n === returned + 1, `${state.n} after ${returned}`);
  }
});

test.run();
