/** The linter holds the house together: an import against the grain is an error that says why. */

import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

/** What biome says, by the project's own rules, of a file at `path` that imports `from`. */
function lint(path: string, from: string): { status: number | null; text: string } {
  const house = mkdtempSync(join(tmpdir(), 'vigie-lint-'));
  try {
    const rules = JSON.parse(readFileSync(join(packageRoot, 'biome.json'), 'utf8'));
    writeFileSync(
      join(house, 'biome.json'),
      JSON.stringify({ ...rules, $schema: undefined, vcs: { enabled: false } }),
    );
    mkdirSync(join(house, dirname(path)), { recursive: true });
    writeFileSync(join(house, path), `import { thing } from '${from}';\n\nexport const taken = thing;\n`);
    const biome = join(packageRoot, 'node_modules/.bin/biome');
    const { status, stdout, stderr } = spawnSync(biome, ['lint', path], { cwd: house, encoding: 'utf8' });
    return { status, text: stdout + stderr };
  } finally {
    rmSync(house, { recursive: true });
  }
}

const AGAINST: readonly [path: string, from: string, why: RegExp][] = [
  ['runtime/core/x.ts', '../sinks/outbox/store.ts', /core is the spine/],
  ['runtime/config/x.ts', '../sources/port/diagnose.ts', /config knows core alone/],
  ['runtime/sources/modbus/x.ts', '../../pipeline/anomaly/pca.ts', /Sources know core/],
  ['runtime/sources/modbus/x.ts', '../../wire.ts', /Sources know core/],
  ['runtime/pipeline/analysis/x.ts', '../../sinks/outbox/store.ts', /The pipeline knows core/],
  ['runtime/sinks/mqtt/x.ts', '../../addon/binding.ts', /Sinks know core/],
  ['runtime/supervisor/x.ts', '../sources/modbus/source.ts', /by their interface alone/],
  ['runtime/addon/x.ts', '../config/load.ts', /wrapper knows core alone/],
  ['runtime/sinks/mqtt/x.ts', '../../../simulator/broker.ts', /never imports workstation code/],
  ['runtime/pipeline/analysis/x.ts', '../../../ota/publish/sign.ts', /never imports workstation code/],
];

for (const [path, from, why] of AGAINST) {
  test(`${path} may not import ${from}`, () => {
    const { status, text } = lint(path, from);
    assert.is(status, 1, text);
    assert.match(text, why);
  });
}

test('imports with the grain are fine', () => {
  for (const [path, from] of [
    ['runtime/sources/modbus/x.ts', '../../core/messages.ts'],
    ['runtime/sinks/mqtt/x.ts', '../../config/schema/mqtt.ts'],
    ['runtime/pipeline/anomaly/x.ts', '../../addon/isolation-forest.ts'],
    ['runtime/cli/x.ts', '../../simulator/demo/demo.ts'],
  ] as const) {
    const { status, text } = lint(path, from);
    assert.is(status, 0, text);
  }
});

test('metric classes come from core/prometheus.ts: the library as a whole costs the node megabytes', () => {
  const offenders = globSync('runtime/**/*.ts', { cwd: packageRoot })
    .filter((file) => file !== 'runtime/core/prometheus.ts')
    .filter((file) =>
      /^import (?!type)[^;]*from 'prom-client/m.test(readFileSync(join(packageRoot, file), 'utf8')),
    );
  assert.equal(offenders, []);
});

test.run();
