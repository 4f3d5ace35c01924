import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { ControlGroup } from '../../../bench/lib/control-group.ts';

const test = suite('control groups');
const work = mkdtempSync(join(tmpdir(), 'vigie-cgroup-'));
test.after(() => rmSync(work, { recursive: true }));

const LIMITS = { cores: 0.5, memoryBytes: 512 * 1024 ** 2 };

/** Folders as the kernel shows them, without its doings. */
function standIn(name: string, ...entries: string[]): string {
  const root = join(work, name);
  for (const entry of entries) {
    if (entry.endsWith('/')) mkdirSync(join(root, entry), { recursive: true });
    else writeFileSync(join(root, entry), '');
  }
  return root;
}

test('version 2: one folder with both limits', () => {
  const root = standIn('two', './', 'cgroup.controllers');
  const group = new ControlGroup('g', LIMITS, root);
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  assert.equal(read('cgroup.subtree_control'), '+cpu +memory');
  assert.equal(read('g/cpu.max'), '50000 100000');
  assert.equal(read('g/memory.max'), '536870912');
  execFileSync('/bin/sh', group.within(['/bin/sh', '-c', 'test "$1" = "a b"', 'sh', 'a b']).slice(1));
  assert.match(read('g/cgroup.procs'), /^\d+\n$/);
  writeFileSync(join(root, 'g/memory.peak'), '1234\n');
  assert.equal(group.peakMemoryBytes(), 1234);
});

test('version 1: a folder for each kind', () => {
  const root = standIn('one', 'cpu/', 'memory/');
  const group = new ControlGroup('g', LIMITS, root);
  assert.equal(readFileSync(join(root, 'cpu/g/cpu.cfs_quota_us'), 'utf8'), '50000');
  assert.equal(readFileSync(join(root, 'memory/g/memory.limit_in_bytes'), 'utf8'), '536870912');
  assert.match(group.within(['true'])[2]!, /cpu\/g\/cgroup\.procs.*memory\/g\/cgroup\.procs/);
});

test('where there is none, the error says so and nothing is left', () => {
  const root = standIn('none', 'cpu/');
  assert.throws(() => new ControlGroup('g', LIMITS, root), { code: 'bench-cgroup' });
  assert.ok(!existsSync(join(root, 'memory')));
});

test('a group with something left in it is named', async () => {
  const root = standIn('left', './', 'cgroup.controllers');
  const group = new ControlGroup('g', { cores: 1 }, root);
  await assert.rejects(group.remove(), { code: 'bench-cgroup' });
});

test.run();
