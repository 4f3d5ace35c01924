import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { sourceConfig } from '../../runtime/config/schema/root.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { waitFor } from '../support/wait.ts';
import { close, connect } from './modbus-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-simulate-'));
const children = new Set<ChildProcess>();
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function simulate(...args: string[]) {
  const child = spawn(process.execPath, [join(packageRoot, 'runtime/main.ts'), 'simulate', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  const run = { child, out: '', err: '', code: undefined as number | null | undefined };
  child.stdout.on('data', (data) => {
    run.out += data;
  });
  child.stderr.on('data', (data) => {
    run.err += data;
  });
  child.on('close', (code) => {
    run.code = code;
    children.delete(child);
  });
  return run;
}

type Run = ReturnType<typeof simulate>;
const ended = (run: Run) => waitFor('the end', () => run.code !== undefined);

async function endsWith(args: string[], code: number): Promise<Run> {
  const run = simulate(...args);
  await ended(run);
  assert.is(run.code, code, run.err);
  return run;
}

test('--help teaches, with examples', async () => {
  const { out } = await endsWith(['--help'], 0);
  for (const part of ['simulate plant', 'simulate replay', '--print-config', 'cyber-attack', 'Examples:'])
    assert.ok(out.includes(part), part);
});

test('wrong command lines end with 2 and say what was expected', async () => {
  const cases: [string[], string][] = [
    [[], 'plant, replay or load'],
    [['factory'], "'factory'"],
    [['plant', '--port', 'x'], '--port'],
    [['plant', '--speed', '0'], '0.001 to 10000'],
    [['load', '--port', '65000', '--devices', '1000'], '--port'],
    [['plant', '--fault', 'quake'], "no fault 'quake'; there are:"],
    [['plant', '--port', '0', '--fault', 'drift:pre-x'], "no sensor 'pre-x'; there are: pre-flow"],
    [['plant', '--colour', 'red'], '--colour'],
    [['replay'], 'name one recording'],
  ];
  const runs = await Promise.all(cases.map(([args]) => endsWith(args, 2)));
  for (const [i, { err }] of runs.entries()) assert.ok(err.includes(cases[i]![1]), err);
});

test('a bad recording ends with 1 and file:line:column', async () => {
  const file = join(folder, 'bad.csv');
  writeFileSync(file, 'time,a\n0,1\n1\n');
  const { err } = await endsWith(['replay', file, '--port', '0', '--speed', '1000'], 1);
  assert.ok(err.includes(`${file}:3:1: `), err);
});

test('printed configurations are valid', async () => {
  const file = join(folder, 'r.csv');
  writeFileSync(file, 'time;flow;label\n0;1;0\n1;2;0\n');
  const plant = simulate('plant', '--print-config', '--port', '1600', '--period', '2s');
  const replay = simulate('replay', file, '--skip', 'label', '--print-config');
  await ended(plant);
  await ended(replay);
  const [source] = parse(plant.out).sources.map((raw: unknown) => sourceConfig.parse(raw));
  assert.equal(source.tcp, { host: '127.0.0.1', port: 1600 });
  assert.is(source.period, 2000);
  const [recorded] = parse(replay.out).sources.map((raw: unknown) => sourceConfig.parse(raw));
  assert.equal(
    recorded.units[0].tags.map(({ name }: { name: string }) => name),
    ['flow'],
  );
});

test('a plant takes faults by option, line and signal, and ends at SIGTERM', async () => {
  const truth = join(folder, 'truth.jsonl');
  const run = simulate(
    ...['plant', '--port', '0', '--speed', '10', '--fault-probability', '0', '--truth', truth],
    ...['--fault', 'stuck:pre-ph@5+5'],
  );
  const port = Number((await waitFor('the port', () => /:(\d+),/.exec(run.err) ?? undefined))[1]);
  const client = await connect(port);
  client.setID(1);
  const { data } = await client.readDiscreteInputs(0, 2);
  assert.equal(data.slice(0, 2), [true, true]);
  await close(client);
  await waitFor('the fault of the option', () =>
    run.err.includes('fault end: sensor-failure (stuck) on pre-ph'),
  );
  run.child.stdin.write('dance\nfault quake\nfault drift bio-do-1 60s\n');
  await waitFor('the fault of the line', () => run.err.includes('fault start: drift on bio-do-1'));
  assert.match(run.err, "'dance' is not understood");
  assert.match(run.err, "no fault 'quake'");
  run.child.stdin.write('clear\n');
  await waitFor('its end', () => run.err.includes('fault end: drift'));
  const starts = () => run.err.split('fault start').length;
  const before = starts();
  run.child.kill('SIGUSR1');
  await waitFor('the fault of the signal', () => starts() > before);
  run.child.kill('SIGTERM');
  await ended(run);
  assert.is(run.code, 0, run.err);
  const entries = readFileSync(truth, 'utf8').trimEnd().split('\n');
  assert.is(JSON.parse(entries[0]!).mode, 'stuck');
});

test('a replay ends with the recording', async () => {
  const file = join(folder, 'short.csv');
  writeFileSync(file, 'time,a\n0,1\n1,2\n2,3\n');
  const { err } = await endsWith(['replay', file, '--port', '0', '--speed', '20'], 0);
  assert.match(err, 'ended after 3 rows');
});

test('load prints where its devices listen', async () => {
  const run = simulate('load', '--devices', '3', '--registers', '10');
  await waitFor('the endpoints', () => run.out.endsWith('\n'));
  assert.is(JSON.parse(run.out).endpoints.length, 3);
  run.child.kill('SIGTERM');
  await ended(run);
  assert.is(run.code, 0);
});

test.run();
