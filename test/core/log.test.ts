import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StorageError } from '../../runtime/core/errors.ts';
import { createLog } from '../../runtime/core/log.ts';

function capture(level: Parameters<typeof createLog>[0] = 'trace') {
  const lines: string[] = [];
  return { log: createLog(level, (line) => lines.push(line)), lines };
}

test('a line is JSON with level, ISO time, component, event and message, and nothing else', () => {
  const { log, lines } = capture();
  log.warn({ event: 'modbus.unit.offline', unit: 3 }, 'unit 3 does not answer');
  const line = JSON.parse(lines[0]!);
  assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(
    { ...line, time: '' },
    {
      level: 'warn',
      time: '',
      component: 'modbus',
      event: 'modbus.unit.offline',
      unit: 3,
      message: 'unit 3 does not answer',
    },
  );
  assert.ok(lines[0]!.endsWith('\n'));
});

test('secrets are redacted, at the top and two levels down', () => {
  const { log, lines } = capture();
  for (const name of ['password', 'passphrase', 'secret', 'token', 'authorization', 'key', 'pass']) {
    log.info({ event: 'a.b.c', [name]: 'hunter2' });
    log.info({ event: 'a.b.c', mqtt: { [name]: 'hunter2' } });
    log.info({ event: 'a.b.c', options: { mqtt: { [name]: 'hunter2' } } });
  }
  assert.is(lines.length, 21);
  for (const line of lines) {
    assert.not.match(line, 'hunter2');
    assert.match(line, '[redacted]');
  }
});

test('an error under err keeps its code, facts and causes', () => {
  const { log, lines } = capture();
  log.error({
    event: 'a.b.c',
    err: new StorageError('state-write', 'no', { cause: new RangeError('disk') }),
  });
  const { err } = JSON.parse(lines[0]!);
  assert.equal([err.type, err.code], ['StorageError', 'state-write']);
  assert.match(err.message, /no.*disk/);
});

test('the level can be changed while running, and below it nothing is written', () => {
  const { log, lines } = capture('warn');
  log.info({ event: 'a.b.c' });
  assert.is(lines.length, 0);
  log.level = 'debug';
  log.debug({ event: 'a.b.c' });
  assert.is(lines.length, 1);
  const { log: silent, lines: none } = capture('silent');
  silent.fatal({ event: 'a.b.c' });
  assert.is(none.length, 0);
});

test.run();
