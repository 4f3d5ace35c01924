/** `vigie logs` over what journalctl gives: ours, systemd's, bytes that are no text, lines that are no JSON. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLine, matches, parseEntry } from '../../runtime/cli/logs/line.ts';
import { vigie } from '../support/cli.ts';
import { fakePrograms } from '../support/fake-programs.ts';

const programs = fakePrograms();
test.after(() => programs.remove());
const folder = programs.path.split(':')[0]!;
const asked = join(folder, 'asked');

const entry = (message: unknown, more: object = {}) =>
  JSON.stringify({ __REALTIME_TIMESTAMP: '1763740391123456', PRIORITY: '6', MESSAGE: message, ...more });
const ours = (line: object) => entry(JSON.stringify({ time: '2025-11-21T15:53:11.000Z', ...line }));
const JOURNAL = [
  ours({ level: 'info', component: 'node', event: 'node.started', message: 'the node runs' }),
  ours({
    level: 'warn',
    component: 'modbus',
    event: 'modbus.unit.offline',
    unit: 3,
    source: 'plc',
    message: 'unit 3 is silent',
  }),
  entry('vigie.service: Main process exited, code=killed', { PRIORITY: '3', SYSLOG_IDENTIFIER: 'systemd' }),
  entry([...Buffer.from('Grüße\x1b[31m')], { _COMM: 'sh' }),
  'no JSON',
  '[]',
  ours({ level: 'error', component: 'mqtt', event: 'mqtt.connection.lost', message: 'broker away' }),
];
writeFileSync(join(folder, 'journal'), `${JOURNAL.join('\n')}\n`);
programs.add('journalctl', `echo "$@" >${asked}\ncat ${join(folder, 'journal')}`);

const logs = (...args: string[]) => vigie(['logs', ...args], { PATH: programs.path, TZ: 'UTC' });

test('lines for people: time, level, component, message, facts; no control character reaches the terminal', async () => {
  const { code, stdout, stderr } = await logs();
  assert.equal([code, stderr], [0, '']);
  assert.equal(stdout.split('\n'), [
    '2025-11-21 15:53:11.123 info  node       the node runs',
    '2025-11-21 15:53:11.123 warn  modbus     unit 3 is silent  unit=3  source=plc',
    '2025-11-21 15:53:11.123 error systemd    vigie.service: Main process exited, code=killed',
    '2025-11-21 15:53:11.123 info  sh         Grüße?[31m',
    '2025-11-21 15:53:11.123 error mqtt       broker away',
    '',
  ]);
  assert.match(
    readFileSync(asked, 'utf8'),
    /--output=json .*--unit vigie\.service --unit vigie-safe\.service .*--lines=200/,
  );
});

test('filters: by level, component or source, event and its family; the last N of what is wanted', async () => {
  const found = async (...args: string[]) =>
    (await logs(...args, '--json')).stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).message);
  assert.equal(await found('--level', 'warn'), [
    'unit 3 is silent',
    JSON.parse(JOURNAL[2]!).MESSAGE,
    'broker away',
  ]);
  assert.equal(await found('--component', 'plc'), ['unit 3 is silent']);
  assert.equal(await found('--event', 'modbus'), ['unit 3 is silent']);
  assert.equal(await found('--event', 'mod'), []);
  assert.equal(await found('--level', 'warn', '--lines', '1'), ['broker away']);
  assert.not.match(readFileSync(asked, 'utf8'), /--lines/, 'all are read where only some are wanted');
});

test('time, boot, following and foreign journals are handed on', async () => {
  await logs('--since', '1 hour ago', '--until', 'now', '--boot=-1', '-f', '--directory', '/mnt/journal');
  const text = readFileSync(asked, 'utf8');
  assert.match(
    text,
    /--lines=all --since=1 hour ago --until=now --boot=-1 --directory=\/mnt\/journal --follow/,
  );
});

test('no journalctl, no right, nothing in it: said in one sentence', async () => {
  const without = await vigie(['logs'], { PATH: '/nowhere' });
  assert.is(without.code, 1);
  assert.match(
    without.stderr,
    /^vigie: there is no journalctl on this machine: the service writes its log to standard output/,
  );
  programs.add(
    'journalctl',
    'echo "No journal files were opened due to insufficient permissions." >&2; exit 1',
  );
  const refused = await logs();
  assert.is(refused.code, 1);
  assert.match(
    refused.stderr,
    /^vigie: the journal cannot be read: No journal files were opened due to insufficient/,
  );
  programs.add('journalctl', 'exit 0');
  const empty = await logs();
  assert.equal([empty.code, empty.stdout], [0, '']);
  assert.match(empty.stderr, /no such lines.*systemctl status vigie/);
});

test('wrong numbers and levels are named', async () => {
  for (const [args, says] of [
    [['--lines', '0'], /--lines takes a whole number/],
    [['--level', 'loud'], /unknown level 'loud'; there are: trace/],
  ] as const) {
    const { code, stderr } = await logs(...args);
    assert.is(code, 2);
    assert.match(stderr, says);
  }
});

test('whatever the journal holds, a line comes out or none', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.array(fc.integer({ min: 0, max: 255 })),
  );
  fc.assert(
    fc.property(value, fc.oneof(fc.string(), fc.constant('1763740391123456')), (message, at) => {
      const made = parseEntry(JSON.stringify({ __REALTIME_TIMESTAMP: at, MESSAGE: message }));
      if (!made) return;
      matches(made, { level: 1, event: 'x' });
      assert.not.match(formatLine(made).replaceAll('\n', ''), /\p{Cc}/u);
    }),
    { numRuns: 300 },
  );
});

test.run();
