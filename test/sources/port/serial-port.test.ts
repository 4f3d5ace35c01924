import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { serialLine } from '../../../runtime/config/schema/port.ts';
import type { DeviceError } from '../../../runtime/core/errors.ts';
import { diagnosePort, explainOpenFailure, listStablePorts } from '../../../runtime/sources/port/diagnose.ts';
import { openSerialPort, type SerialHandle } from '../../../runtime/sources/port/serial-port.ts';
import { until } from '../modbus/device.ts';
import { PseudoTerminal } from './pseudo-terminal.ts';

const test = suite<{ folder: string; terminal: PseudoTerminal; open: SerialHandle[] }>('serial-port');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'vigie-port-'));
  context.terminal = new PseudoTerminal();
  context.open = [];
});
test.after.each(async ({ folder, terminal, open }) => {
  for (const handle of open) await handle.close();
  await terminal.close();
  rmSync(folder, { recursive: true, force: true });
});

const failure = (path: string) =>
  openSerialPort(serialLine.parse({ path }), { data: () => {}, lost: () => {} }).then(
    () => undefined,
    (error: DeviceError) => error,
  );

test('bytes go both ways, and a port that is closed on purpose is not lost', async ({
  folder,
  terminal,
  open,
}) => {
  const path = join(folder, 'tty');
  await terminal.open(path);
  let received = '';
  let lost = 0;
  const handle = await openSerialPort(serialLine.parse({ path, baudRate: 19_200, parity: 'even' }), {
    data: (chunk) => {
      received += chunk;
    },
    lost: () => {
      lost += 1;
    },
  });
  open.push(handle);
  terminal.write('from the device');
  handle.write(Buffer.from('to the device'));
  await until(() => received === 'from the device' && terminal.received === 'to the device');
  await handle.close();
  await handle.close();
  handle.write(Buffer.from('ignored'));
  assert.is(lost, 0);
});

test('a port that vanishes is reported once, with its path', async ({ folder, terminal, open }) => {
  const path = join(folder, 'tty');
  await terminal.open(path);
  const lost: DeviceError[] = [];
  open.push(
    await openSerialPort(serialLine.parse({ path }), { data: () => {}, lost: (cause) => lost.push(cause) }),
  );
  await terminal.close();
  await until(() => lost.length > 0);
  assert.is(lost.length, 1);
  assert.is(lost[0]?.code, 'serial-lost');
  assert.ok(lost[0]?.retryable);
  assert.match(lost[0]?.message ?? '', path);
});

test('a stable name that leads to another device by now counts as an unplugged port', async ({
  folder,
  terminal,
  open,
}) => {
  const [path, other] = [join(folder, 'by-id'), new PseudoTerminal()];
  await terminal.open(join(folder, 'tty-1'));
  symlinkSync('tty-1', path);
  const lost: DeviceError[] = [];
  const events = { data: () => {}, lost: (cause: DeviceError) => lost.push(cause) };
  open.push(await openSerialPort(serialLine.parse({ path }), events));
  await other.open(join(folder, 'tty-2'));
  unlinkSync(path);
  symlinkSync('tty-2', path);
  await until(() => lost.length > 0);
  assert.is(lost[0]?.code, 'serial-lost');
  open.push(await openSerialPort(serialLine.parse({ path }), events));
  await other.close();
});

test('a port in use elsewhere says so', async ({ folder, terminal, open }) => {
  const path = join(folder, 'tty');
  await terminal.open(path);
  open.push(await openSerialPort(serialLine.parse({ path }), { data: () => {}, lost: () => {} }));
  const error = await failure(path);
  assert.is(error?.code, 'serial-busy');
  assert.match(error?.message ?? '', /fuser/);
});

test('a missing port lists the ones there are, and where a dangling name leads', async ({ folder }) => {
  const byId = join(folder, 'by-id');
  mkdirSync(byId);
  writeFileSync(join(byId, 'usb-FTDI_A1'), '');
  const path = join(folder, 'gone');
  assert.match(diagnosePort(path, [byId])?.message ?? '', /present now: .*usb-FTDI_A1/);
  assert.match(diagnosePort(path, [join(folder, 'none')])?.message ?? '', /no serial adapter is plugged in/);
  symlinkSync('ttyUSB7', path);
  assert.match(diagnosePort(path, [byId])?.message ?? '', /points to ttyUSB7, which is not there/);
  assert.is((await failure(path))?.code, 'serial-missing');
  assert.equal(listStablePorts([byId]), [join(byId, 'usb-FTDI_A1')]);
});

test('what is no device, and what may not be read, are told apart', async ({ folder }) => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  assert.is((await failure(path))?.code, 'serial-open');
  assert.match((await failure(path))?.message ?? '', /not a serial device/);
  assert.is(diagnosePort('/dev/null'), undefined);
  assert.is(explainOpenFailure('/dev/null', 'strange').code, 'serial-open');
});

test('without permission the error names the group', async ({ folder, terminal }) => {
  if (process.getuid?.() === 0) return; // root may open everything
  const path = join(folder, 'tty');
  await terminal.open(path);
  chmodSync(path, 0o000);
  const error = await failure(path);
  assert.is(error?.code, 'serial-permission');
  assert.match(error?.message ?? '', /dialout/);
});

test.run();
