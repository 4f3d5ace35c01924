/** Every command: its help, and what it says to a command line it cannot understand. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vigie, vigieHere } from '../support/cli.ts';

const COMMANDS = [
  'run',
  'check',
  'doctor',
  'demo',
  'simulate',
  'evaluate',
  'bench',
  'outbox',
  'model',
  'service',
];
const folder = mkdtempSync(join(tmpdir(), 'vigie-cli-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('alone it prints the overview and ends with 2; asked for help, with 0', async () => {
  const alone = await vigie([]);
  assert.is(alone.code, 2);
  for (const name of COMMANDS) assert.match(alone.stdout, new RegExp(`^  ${name} +\\S`, 'm'));
  for (const ask of ['--help', '-h', 'help']) {
    const { code, stdout } = await vigie([ask]);
    assert.equal([code, stdout], [0, alone.stdout], ask);
  }
  for (const ask of ['--version', '-v']) {
    const { code, stdout } = await vigie([ask]);
    assert.is(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  }
});

for (const name of COMMANDS) {
  test(`${name} --help: usage, an example, exit status`, async () => {
    const { code, stdout, stderr } = await vigieHere([name, '--help']);
    assert.equal([code, stderr], [0, '']);
    assert.ok(stdout.startsWith(`Usage: vigie ${name}`), stdout.slice(0, 60));
    assert.match(stdout, /Examples?:\n +(vigie|systemctl|mosquitto_sub|npx)/);
    assert.match(stdout, /Exit status: 0 .*1 .*2 the command line was not understood/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 110, line);
    assert.is((await vigieHere([name, '-h'])).stdout, stdout);
  });

  test(`${name}: an unknown option is named, with 2`, async () => {
    const args = name === 'simulate' ? [name, 'plant', '--colour'] : [name, '--colour'];
    const { code, stdout, stderr } = await vigieHere(args);
    assert.equal([code, stdout], [2, ''], stderr);
    assert.match(stderr, /^vigie: .*--colour/);
    assert.match(stderr, `Try: vigie ${name} --help\n`);
  });
}

const wrong: [args: string[], says: RegExp][] = [
  [['fly'], /unknown command 'fly'; there are: run, check, doctor, demo/],
  [['__proto__'], /unknown command '__proto__'/],
  [['run', 'vigie.yaml'], /vigie\.yaml/],
  [['run', '--config'], /--config/],
  [['check'], /name one configuration file/],
  [['check', 'a.yaml', 'b.yaml'], /name one configuration file/],
  [['doctor', '--config'], /--config/],
  [['doctor', 'vigie.yaml'], /vigie\.yaml/],
  [['demo', '--port', '99999'], /--port takes a whole number from 1 to 65535, found '99999'/],
  [['demo', '--seed', 'x'], /--seed .*'x'/],
  [['evaluate'], /say what to evaluate: 'anomaly'/],
  [['evaluate', 'cats'], /say what to evaluate: 'anomaly'/],
  [['evaluate', 'anomaly'], /--data DIR/],
  [['evaluate', 'anomaly', '--data', folder, '--train', '3'], /--train takes a whole number from 10/],
  [['evaluate', 'anomaly', '--data', folder, '--detector', 'psychic'], /psychic/],
  [['bench', 'moon'], /moon.*: .*delivery.*trees/],
  [['bench', 'trees', '--minutes', '-1'], /--minutes/],
  [['outbox'], /name show, export or clear/],
  [['outbox', 'burn', folder], /unknown action 'burn'; there are: show, export, clear/],
  [
    ['outbox', 'show', folder, '--class', 'gossip'],
    /unknown class 'gossip'; there are: event, health, reading/,
  ],
  [['outbox', 'show', 'a', 'b'], /one place/],
  [['outbox', 'clear', folder], /--yes/],
];

for (const [args, says] of wrong) {
  test(`vigie ${args.join(' ').replaceAll(folder, 'DIR')}: ends with 2 and says what was wrong`, async () => {
    const { code, stdout, stderr } = await vigieHere(args);
    assert.equal([code, stdout], [2, ''], stderr);
    assert.match(stderr, says);
    assert.not.match(stderr, /\n {4}at /);
  });
}

const failing: [what: string, args: string[], says: RegExp][] = [
  [
    'run without a configuration',
    ['run', '--config', join(folder, 'none.yaml'), '--data-dir', folder],
    /none\.yaml.*ENOENT/,
  ],
  [
    'check of a file that is not there',
    ['check', join(folder, 'none.yaml')],
    /cannot read .*none\.yaml.*ENOENT/,
  ],
  ['check of a folder', ['check', folder], /EISDIR/],
  ['evaluate without recordings', ['evaluate', 'anomaly', '--data', folder], /./],
  ['outbox where there is none', ['outbox', 'show', folder], /there is no outbox in/],
];

for (const [what, args, says] of failing) {
  const status = args[0] === 'run' ? 78 : 1;
  test(`${what}: ends with ${status}, in one sentence`, async () => {
    const { code, stdout, stderr } = await vigieHere(args);
    assert.equal([code, stdout], [status, ''], stderr);
    assert.match(stderr, says);
    assert.not.match(stderr, /\n {4}at /);
  });
}

test('a command line that is wrong ends the process itself with 2, a failure with 1', async () => {
  assert.is((await vigie(['fly'])).code, 2);
  const { code, stderr } = await vigie(['check', join(folder, 'none.yaml')]);
  assert.equal([code, stderr.split('\n').length], [1, 2]);
});

test('bench alone lists what there is to measure', async () => {
  const { code, stdout } = await vigieHere(['bench']);
  assert.is(code, 0);
  for (const name of ['trees', 'node', 'modbus', 'delivery', 'start'])
    assert.match(stdout, new RegExp(`^${name} `, 'm'));
});

test('check: every error with its place, as text and as JSON', async () => {
  const file = join(folder, 'bad.yaml');
  writeFileSync(file, 'node: { site: a, name: b }\nlgo: {}\nmqtt:\n  url: broker\n');
  const text = await vigieHere(['check', file]);
  assert.is(text.code, 1);
  assert.match(text.stdout, `${file}:2:1: lgo: unknown key; did you mean 'log'?\n`);
  assert.match(text.stdout, `${file}:4:8: mqtt.url: expected mqtt://`);
  assert.match(text.stdout, '2 errors: the node would stay on its last good configuration');
  const json = await vigieHere(['check', '--json', file]);
  const report = JSON.parse(json.stdout);
  assert.equal([json.code, report.ok, report.tags, report.file], [1, false, 0, file]);
  assert.equal(
    report.problems.map(({ line, column }: { line: number; column: number }) => [line, column]),
    [
      [2, 1],
      [4, 8],
    ],
  );
});

test('check: a good file, and one whose bad device would be left out', async () => {
  const file = join(folder, 'good.yaml');
  const unit = (id: number, address: number) =>
    `{ id: ${id}, tags: [{ name: t${id}, address: ${address} }] }`;
  const write = (second: number) =>
    writeFileSync(
      file,
      `node: { site: a, name: b }\nsources:\n  - type: modbus\n    name: plc\n    tcp: { host: h }\n    units:\n      - ${unit(1, 0)}\n      - ${unit(2, second)}\n`,
    );
  write(4);
  assert.equal(await vigieHere(['check', file]), { code: 0, stdout: 'ok: 2 tags\n', stderr: '' });
  write(-4);
  const { code, stdout } = await vigieHere(['check', file]);
  assert.is(code, 1);
  assert.match(stdout, `${file}:8:`);
  assert.match(stdout, '1 error: the node would run 1 tag without sources[0].units[1] (plc)');
});

test.run();
