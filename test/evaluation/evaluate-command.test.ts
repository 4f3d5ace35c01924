import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a process of its own, as a user runs it. */
function vigie(...args: string[]): Promise<Ended> {
  const script = `
    import { evaluate } from ${JSON.stringify(join(packageRoot, 'runtime/cli/evaluate.ts'))};
    process.exitCode = await evaluate.run(process.argv.slice(1)).catch((e) => {
      console.error(e.constructor.name + ': ' + e.message);
      return 99;
    });`;
  return new Promise((resolve) => {
    const options = { cwd: packageRoot };
    const argv = ['--input-type=module-typescript', '-e', script, '--', ...args];
    const child = execFile(process.execPath, argv, options, (_, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'vigie-evaluate-'));
mkdirSync(join(folder, 'pump'));
for (const name of ['a', 'b']) {
  const lines = Array.from({ length: 300 }, (_, i) => {
    const time = new Date(Date.UTC(2026, 0, 1) + 1000 * i).toISOString().slice(0, 19);
    const wave = Math.sin(i * 1.3) + Math.sin(i * 0.37);
    const fault = i >= 200 && i < 260 ? 1 : 0;
    return `${time},${wave + 40 * fault},${2 * wave + 0.1 * Math.sin(i * 7.1)},${fault},${i === 200 ? 1 : 0}`;
  });
  writeFileSync(
    join(folder, 'pump', `${name}.csv`),
    `time,flow,power,anomaly,changepoint\n${lines.join('\n')}\n`,
  );
}

test('--json holds the scores at the top and per file', async () => {
  const { status, stdout } = await vigie('anomaly', '--data', folder, '--train', '150', '--json');
  assert.is(status, 0);
  const report = JSON.parse(stdout);
  assert.is(report.detector, 'fused');
  assert.is(report.rows, 300);
  for (const score of [report, ...report.files]) {
    for (const key of ['f1', 'far', 'mar', 'nab']) assert.type(score[key], 'number');
  }
  assert.equal(
    report.files.map(({ file }: { file: string }) => file),
    ['pump/a.csv', 'pump/b.csv'],
  );
  assert.ok(report.f1 > 0.7, `F1 ${report.f1}`);
});

test('all prints every detector beside always-alarm', async () => {
  const { status, stdout } = await vigie('anomaly', '--data', folder, '--train', '150', '--detector', 'all');
  assert.is(status, 0);
  for (const name of ['always-alarm', 'skab-t2q', 'mewma', 'isolation-forest', 'fused']) {
    assert.match(stdout, new RegExp(`^${name} `, 'm'));
  }
});

test('what is missing or unknown is said', async () => {
  const nothing = await vigie();
  assert.match(nothing.stderr, /UsageError: say what to evaluate/);
  assert.match((await vigie('anomaly')).stderr, /UsageError: name the folder/);
  assert.match((await vigie('anomaly', '--data', folder, '--train', '3')).stderr, /UsageError: --train/);
  assert.match(
    (await vigie('anomaly', '--data', folder, '--detector', 'x')).stderr,
    /UsageError: no detector 'x'; known: /,
  );
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
