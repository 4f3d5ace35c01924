import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { LIVE } from '../../runtime/config/changes.ts';
import { loadChecked } from '../../runtime/config/checked-config.ts';
import { loadRunnable } from '../../runtime/config/last-known-good.ts';
import type { KeyMeta } from '../../runtime/config/schema/common.ts';
import { rootConfig } from '../../runtime/config/schema/root.ts';
import { plantSourcesConfig } from '../../simulator/modbus/sources-config.ts';

const test = suite<{ folder: string; file: string; kept: string }>('checked configuration');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'vigie-checked-'));
  context.file = join(context.folder, 'vigie.yaml');
  context.kept = join(context.folder, 'vigie.checked.json');
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const site = (name: string) => JSON.stringify({ node: { site: 'a', name }, sources: plantSourcesConfig() });

test('is what the check in this process finds, also when it was kept', async ({ folder, file, kept }) => {
  writeFileSync(file, site('one'));
  const expected = loadRunnable(file, folder);
  assert.deepStrictEqual(await loadChecked(file, folder, '1'), expected);
  assert.ok(existsSync(kept));
  assert.deepStrictEqual(await loadChecked(file, folder, '1'), expected);
});

test('what was kept is used for the same file and version alone', async ({ folder, file, kept }) => {
  writeFileSync(file, site('one'));
  await loadChecked(file, folder, '1');
  // Nothing but the kept file can make this name up.
  writeFileSync(kept, readFileSync(kept, 'utf8').replace('"name":"one"', '"name":"marked"'));
  assert.equal((await loadChecked(file, folder, '1')).config.node.name, 'marked');
  assert.equal((await loadChecked(file, folder, '2')).config.node.name, 'one');
  writeFileSync(file, site('two'));
  assert.equal((await loadChecked(file, folder, '2')).config.node.name, 'two');
});

test('a damaged kept file is checked anew and replaced', async ({ folder, file, kept }) => {
  writeFileSync(file, site('one'));
  for (const damage of ['', '{', 'null', '[]', '{"running":{}}']) {
    writeFileSync(kept, damage);
    assert.equal((await loadChecked(file, folder, '1')).config.node.name, 'one');
    assert.ok(JSON.parse(readFileSync(kept, 'utf8')).running);
  }
});

test('a file with problems is reported at every start and not kept', async ({ folder, file, kept }) => {
  writeFileSync(file, 'node: { site: a, name: one }\nsources: [{ type: modbus, nam: x }]\n');
  for (let i = 0; i < 2; i++) {
    const running = await loadChecked(file, folder, '1');
    assert.equal(running.state, 'quarantine');
    assert.ok(running.problems.length > 0);
  }
  assert.ok(!existsSync(kept));
});

test('a file that cannot run is refused with every problem', async ({ folder, file }) => {
  writeFileSync(file, 'nodes: 1\n');
  await assert.rejects(loadChecked(file, folder, '1'), {
    code: 'config-invalid',
    message: /vigie\.yaml:1:1/,
  });
  await assert.rejects(loadChecked(join(folder, 'none.yaml'), folder, '1'), { code: 'config-invalid' });
});

test('the keys that need no restart are those the schema names', () => {
  const live = Object.entries(rootConfig.shape).filter(
    ([, schema]) => (schema.meta() as KeyMeta | undefined)?.restart !== true,
  );
  assert.deepEqual(live.map(([key]) => key).sort(), [...LIVE].sort());
});

test.run();
