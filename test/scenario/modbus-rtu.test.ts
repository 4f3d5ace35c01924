import { mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exception, plain, RtuBus, read, registerValue, rtu, until } from '../sources/modbus/device.ts';
import { holdingTags, Rig } from '../sources/modbus/rig.ts';

interface Context {
  folder: string;
  bus: RtuBus;
  path: string;
}
const test = suite<Context>('modbus-rtu');

test.before.each(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'vigie-rtu-'));
  context.path = join(context.folder, 'line');
  context.bus = new RtuBus();
  await context.bus.plug(context.path);
});
test.after.each(async (context) => {
  await Rig.stopAll();
  await context.bus.unplug();
  rmSync(context.folder, { recursive: true, force: true });
});

const line = (path: string) => ({ path, baudRate: 115_200 });
const whyNotGood = (rig: Rig, tag: string) =>
  rig
    .of(tag)
    .filter(({ quality }) => quality !== 'good')
    .map(({ reason }) => reason);
const values = (count: number, unit: number) =>
  Array.from({ length: count }, (_, i) => registerValue(unit, i));

test('a dead unit among 30 costs one time-out per back-off, and its neighbours keep their period', async ({
  bus,
  path,
}) => {
  const DEAD = 13;
  bus.behaviour = (asked) => (asked.unit === DEAD ? undefined : plain(asked));
  const units = Array.from({ length: 30 }, (_, i) => ({ id: i + 1, tags: holdingTags(`u${i + 1}`, 3) }));
  const rig = new Rig({
    serial: line(path),
    period: '1s',
    timeout: '500ms',
    breaker: { backoff: '2s', maxBackoff: '2s' },
    units,
  });
  await rig.start();
  await until(() => bus.count(1) >= 7 && bus.count(30) >= 7);
  const periods = Math.ceil((rig.samples.at(-1)!.mono - rig.samples[0]!.mono) / 2000);
  await rig.source.stop();
  assert.ok(bus.count(DEAD) >= 2, 'it is probed');
  assert.ok(bus.count(DEAD) <= periods + 1, `${bus.count(DEAD)} requests in ${periods} back-off periods`);
  const timeouts = await rig.metric('vigie_modbus_errors_total', { kind: 'timeout' });
  // The last probe may have been under way when the source stopped.
  assert.ok(bus.count(DEAD) - timeouts <= 1 && timeouts <= bus.count(DEAD), `${timeouts} time-outs`);
  const reasons = new Set(rig.of(`u${DEAD}-0`).map((sample) => sample.reason));
  assert.equal(reasons, new Set(['timeout', 'unit-offline']));
  for (const unit of [1, 12, 14, 30]) {
    assert.ok(bus.count(unit) >= 6, `unit ${unit} was polled ${bus.count(unit)} times`);
    assert.equal(whyNotGood(rig, `u${unit}-0`), []);
    assert.is(rig.last(`u${unit}-2`)?.value, registerValue(unit, 2));
  }
  assert.is(rig.events('modbus.unit.offline').length, 1, 'and it is said once');
});

test('health names the dead unit and what to do, and a unit that comes back is read at once', async ({
  bus,
  path,
}) => {
  let dead = true;
  bus.behaviour = (asked) => (asked.unit === 2 && dead ? undefined : plain(asked));
  const rig = new Rig({
    serial: line(path),
    timeout: '100ms',
    breaker: { backoff: '100ms', maxBackoff: '200ms' },
    units: [
      { id: 1, tags: holdingTags('a', 1) },
      { id: 2, name: 'blower', tags: holdingTags('b', 2, { period: '1h' }) },
    ],
  });
  await rig.start();
  await until(() => rig.last('b-0')?.reason === 'timeout');
  const health = rig.source.health();
  assert.is(health.state, 'degraded');
  assert.is(health.parts?.blower?.state, 'failed');
  assert.match(health.parts?.blower?.detail ?? '', /no answer within 100 ms: check power, wiring, unit id/);
  dead = false;
  // On a busy machine the other unit, too, may just have missed 100 ms.
  await until(() => rig.good('b-1') > 0 && rig.source.health().state === 'ok');
  assert.is(rig.events('modbus.unit.back').length, 1);
  await rig.source.stop();
});

test('a flapping unit never gets more than one time-out per back-off', async ({ bus, path }) => {
  let asked2 = 0;
  bus.behaviour = (asked) => {
    if (asked.unit === 2) asked2 += 1;
    return asked.unit === 2 && asked2 % 3 === 0 ? undefined : plain(asked);
  };
  const rig = new Rig({
    serial: line(path),
    timeout: '250ms',
    breaker: { backoff: '300ms', maxBackoff: '300ms' },
    units: [1, 2, 3].map((id) => ({ id, tags: holdingTags(`u${id}`, 1) })),
  });
  await rig.start();
  await until(() => rig.good('u1-0') >= 40);
  await rig.source.stop();
  const span = rig.samples.at(-1)!.mono - rig.samples[0]!.mono;
  const timeouts = await rig.metric('vigie_modbus_errors_total', { kind: 'timeout' });
  assert.ok(timeouts >= 2 && timeouts <= span / 300 + 2, `${timeouts} time-outs in ${span} ms`);
  assert.ok(rig.good('u2-0') > 0);
  assert.equal(whyNotGood(rig, 'u3-0'), []);
});

test('a late answer is never taken for the answer to a later request', async ({ bus, path }) => {
  // Every third answer comes after its time-out, while other requests are under way. Each device is one thread:
  // it answers in order.
  let turn = 0;
  const busy = new Map<number, Promise<unknown>>();
  bus.behaviour = (asked) => {
    turn += 1;
    const late = turn % 3 === 0;
    const answer = (busy.get(asked.unit) ?? Promise.resolve()).then(async () => {
      if (late) await new Promise((resolve) => setTimeout(resolve, 150));
      // What comes late carries a mark that no good sample may show.
      return read(asked, () => (late ? 0xdead : 42));
    });
    busy.set(asked.unit, answer);
    return answer;
  };
  const rig = new Rig({
    serial: line(path),
    period: '20ms',
    timeout: '100ms',
    breaker: { backoff: '100ms', maxBackoff: '100ms', failures: 2 },
    units: [1, 2].map((id) => ({ id, tags: holdingTags(`u${id}`, 4) })),
  });
  await rig.start();
  await until(() => rig.good('u1-0') + rig.good('u2-0') >= 20);
  await rig.source.stop();
  assert.is(rig.samples.filter((sample) => sample.value === 0xdead).length, 0);
});

test('garbage, short and corrupted frames are told apart, and no value comes of them', async ({
  bus,
  path,
}) => {
  let mode = 'garbage';
  bus.transmit = ((send) => (frame: Buffer) => {
    if (frame[0] !== 2 || mode === 'fine') send(frame);
    else if (mode === 'garbage') send(Buffer.from([0xff, 0x00, 0x81, 0x13, 0x37, 0x55, 0xaa]));
    else if (mode === 'short') send(frame.subarray(0, -3));
    else if (mode === 'noise') send(Buffer.concat([Buffer.from([0x00, 0xff, 2, 3]), frame]));
    else send(Buffer.concat([frame.subarray(0, -2), Buffer.from([0, 0])]));
  })(bus.transmit);
  const rig = new Rig({
    serial: line(path),
    timeout: '300ms',
    breaker: { backoff: '100ms', maxBackoff: '100ms' },
    units: [1, 2].map((id) => ({ id, tags: holdingTags(`u${id}`, 5) })),
  });
  await rig.start();
  await until(() => rig.last('u2-0')?.reason === 'bad-frame');
  const broken = (kind: string) => rig.metric('vigie_modbus_errors_total', { kind });
  mode = 'short';
  const before = await broken('bad-frame');
  await until(async () => (await broken('bad-frame')) > before + 2);
  mode = 'corrupted';
  await until(async () => (await broken('checksum')) > 1);
  assert.match(rig.source.health().parts?.['unit-2']?.detail ?? '', /wrong checksums: check termination/);
  assert.is(rig.good('u2-0'), 0);
  mode = 'noise';
  await until(() => rig.good('u2-4') > 2);
  mode = 'fine';
  await rig.source.stop();
  assert.equal(whyNotGood(rig, 'u1-0'), []);
  assert.ok((await rig.metric('vigie_modbus_errors_total', { kind: 'checksum' })) > 0);
  const good = rig.samples.filter(({ tag, quality }) => tag.name.startsWith('u2') && quality === 'good');
  for (const { tag, value } of good) assert.is(value, values(5, 2)[Number(tag.name.slice(3))]);
});

test('a serial adapter that is pulled and comes back under another number is found by its stable name', async ({
  bus,
  folder,
}) => {
  const stable = join(folder, 'usb-adapter');
  symlinkSync('line', stable);
  const rig = new Rig({ serial: line(stable), units: [{ id: 1, tags: holdingTags('t', 2) }] });
  await rig.start();
  await until(() => rig.good('t-0') > 2);
  await bus.unplug();
  unlinkSync(stable);
  await until(() => rig.last('t-0')?.reason === 'bus-offline');
  await until(() => /no serial port at/.test(rig.source.health().detail));
  assert.is(rig.source.health().state, 'failed');
  const before = rig.good('t-0');
  await bus.plug(join(folder, 'line-2'));
  symlinkSync('line-2', stable);
  await until(() => rig.good('t-0') > before + 2);
  assert.is(rig.source.health().state, 'ok');
  await rig.source.stop();
});

test('bit fields on a line are written by mask where the unit can, and are not where it refuses', async ({
  bus,
  path,
}) => {
  const rig = new Rig({
    serial: line(path),
    units: [{ id: 1, tags: [{ name: 'mode', address: 3, bits: [8, 2], writable: true }] }],
  });
  await rig.start();
  await until(() => rig.good('mode') > 0);
  await rig.source.write('mode', 2);
  const mask = bus.asked.find((asked) => asked.fn === 22);
  assert.equal([...(mask?.adu ?? [])], [1, 22, 0, 3, 0xfc, 0xff, 0x02, 0x00]);
  bus.behaviour = (asked) => (asked.fn > 4 ? exception(asked, 4) : plain(asked));
  const error = await rig.source.write('mode', 1).catch((thrown) => thrown);
  assert.is(error.code, 'write-exception-device-failure');
  await rig.source.stop();
});

test('frames that nobody asked for are counted and forgotten', async ({ bus, path }) => {
  const rig = new Rig({ serial: line(path), units: [{ id: 1, tags: holdingTags('t', 2) }] });
  bus.transmit = ((send) => (frame: Buffer) => {
    send(Buffer.concat([rtu(Uint8Array.from([9, 3, 4, 1, 2, 3, 4])), frame]));
  })(bus.transmit);
  await rig.start();
  await until(() => rig.good('t-1') > 3);
  assert.is(rig.last('t-1')?.value, registerValue(1, 1));
  assert.ok((await rig.metric('vigie_modbus_discarded_frames_total')) >= 3);
  await rig.source.stop();
});

test.run();
