import type { Socket } from 'node:net';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exception, mbap, plain, read, registerValue, TcpDevice, until } from '../sources/modbus/device.ts';
import { holdingTags, Rig } from '../sources/modbus/rig.ts';

interface Context {
  device: TcpDevice;
  tcp: { host: string; port: number };
}
const test = suite<Context>('modbus-tcp');

test.before.each(async (context) => {
  context.device = new TcpDevice();
  context.tcp = { host: '127.0.0.1', port: await context.device.listen() };
});
test.after.each(async ({ device }) => {
  await Rig.stopAll();
  await device.close();
});

const FAST = { backoff: '100ms', maxBackoff: '100ms' };

test('the units of an endpoint share one connection, and merged reads one request', async ({
  device,
  tcp,
}) => {
  const units = [1, 2, 3].map((id) => ({ id, tags: holdingTags(`u${id}`, 50) }));
  const rig = new Rig({ tcp, units });
  await rig.start();
  await until(() => [1, 2, 3].every((id) => rig.good(`u${id}-49`) > 2));
  assert.is(device.connections, 1);
  assert.ok(device.asked.every((asked) => asked.count === 50));
  assert.ok(rig.batches.every((batch) => batch.length === 50));
  assert.is(rig.last('u3-7')?.value, registerValue(3, 7));
});

test('one wrong tag does not take its neighbours with it, and is named', async ({ device, tcp }) => {
  const wrong = new Set([11, 30]);
  device.behaviour = (asked) => {
    for (let i = 0; i < asked.count; i++) if (wrong.has(asked.address + i)) return exception(asked, 2);
    return plain(asked);
  };
  const rig = new Rig({ tcp, units: [{ id: 1, tags: holdingTags('t', 40) }] });
  await rig.start();
  await until(() => rig.good('t-0') > 3 && rig.good('t-39') > 3 && rig.good('t-12') > 3);
  for (let i = 0; i < 40; i++) {
    if (wrong.has(i)) assert.is(rig.last(`t-${i}`)?.reason, 'exception-illegal-address');
    else {
      assert.is(rig.last(`t-${i}`)?.value, registerValue(1, i));
      assert.is(rig.of(`t-${i}`).filter((sample) => sample.quality !== 'good').length, 0, `t-${i}`);
    }
  }
  const refusals = rig.events('modbus.tag.refused');
  assert.equal(refusals.flatMap((line) => line.tags as string[]).sort(), ['t-11', 't-30']);
  assert.match(String(refusals[0]?.message), /t-\d+ \(holding \d+: illegal-address\)/);
  assert.match(rig.source.health().parts?.['unit-1']?.detail ?? '', /refuses t-/);
  const single = device.asked.filter((asked) => asked.address === 11 && asked.count === 1).length;
  assert.is(single, 1, 'a refused tag is left alone for a while');
});

test('exceptions are told apart, and a unit that answers with one stays on the bus', async ({
  device,
  tcp,
}) => {
  const codes: Record<number, number> = { 1: 4, 2: 5, 3: 6, 4: 10, 5: 11, 6: 1 };
  device.behaviour = (asked) => exception(asked, codes[asked.unit]!);
  const units = Object.keys(codes).map((id) => ({ id: Number(id), tags: holdingTags(`u${id}`, 2) }));
  const rig = new Rig({ tcp, units, breaker: FAST });
  await rig.start();
  await until(() => [1, 2, 3].every((id) => device.count(id) > 3) && rig.of('u5-0').length > 2);
  const reasons = Object.keys(codes).map((id) => rig.of(`u${id}-0`)[0]?.reason);
  assert.equal(reasons, [
    'exception-device-failure',
    'exception-acknowledge',
    'exception-busy',
    'exception-gateway-path',
    'exception-gateway-target',
    'exception-illegal-function',
  ]);
  assert.ok((await rig.metric('vigie_modbus_exceptions_total', { exception: 'busy' })) > 3);
  const parts = rig.source.health().parts ?? {};
  assert.is(parts['unit-3']?.state, 'degraded');
  assert.match(parts['unit-5']?.detail ?? '', /does not answer the gateway/);
  assert.is(parts['unit-5']?.state, 'failed', 'a gateway that waited for a dead unit counts as a time-out');
  assert.is(rig.of('u1-0').filter((sample) => sample.reason === 'unit-offline').length, 0);
});

test('a dead unit behind a gateway is probed aside: its neighbours do not wait', async ({ device, tcp }) => {
  device.behaviour = (asked) => (asked.unit === 2 ? undefined : plain(asked));
  const rig = new Rig({
    tcp,
    timeout: '2s',
    breaker: FAST,
    units: [1, 2, 3].map((id) => ({ id, tags: holdingTags(`u${id}`, 1) })),
  });
  await rig.start();
  await until(() => device.count(2) === 2);
  const [at1, at3] = [device.count(1), device.count(3)];
  await until(() => device.count(2) === 3);
  // While that one probe was waiting for its two seconds, the others went on.
  assert.ok(device.count(1) - at1 >= 5 && device.count(3) - at3 >= 5);
  assert.is((await rig.metric('vigie_modbus_breaker_state', { unit: 'unit-2' })) > 0, true);
  assert.is(device.connections, 1, 'one silent unit is no reason to drop the connection');
});

test('a slow unit within its time-out is read, and its neighbours with it', async ({ device, tcp }) => {
  device.behaviour = async (asked) => {
    if (asked.unit === 2) await new Promise((resolve) => setTimeout(resolve, 200));
    return plain(asked);
  };
  const units = [
    { id: 1, tags: holdingTags('quick', 1) },
    { id: 2, timeout: '5s', tags: holdingTags('slow', 1) },
  ];
  const rig = new Rig({ tcp, units });
  await rig.start();
  await until(() => rig.good('slow-0') >= 4 && rig.good('quick-0') >= 4);
  assert.is(rig.samples.filter((sample) => sample.quality !== 'good').length, 0);
  assert.ok((await rig.metric('vigie_modbus_late_polls_total')) > 0, 'polls that found no room are counted');
});

test('late answers are recognised by their transaction and dropped', async ({ device, tcp }) => {
  let turn = 0;
  device.behaviour = async (asked) => {
    turn += 1;
    const late = turn % 3 === 0;
    if (late) await new Promise((resolve) => setTimeout(resolve, 160));
    return read(asked, () => (late ? 0xdead : 42));
  };
  const rig = new Rig({
    tcp,
    timeout: '100ms',
    breaker: { failures: 3, backoff: '100ms', maxBackoff: '100ms' },
    units: [1, 2].map((id) => ({ id, tags: holdingTags(`u${id}`, 3) })),
  });
  await rig.start();
  await until(() => rig.good('u1-0') + rig.good('u2-0') >= 20);
  await until(async () => (await rig.metric('vigie_modbus_discarded_frames_total')) > 0);
  assert.is(rig.samples.filter((sample) => sample.value === 0xdead).length, 0);
});

test('a connection whose peer vanished without a word is opened anew', async ({ device, tcp }) => {
  const rig = new Rig({
    tcp,
    timeout: '100ms',
    breaker: FAST,
    units: [1, 2].map((id) => ({ id, tags: holdingTags(`u${id}`, 1) })),
  });
  await rig.start();
  await until(() => rig.good('u2-0') > 1);
  // From the source's side this is what a half-open connection is: bytes go out, nothing ever comes back.
  const dead = [...device.sockets];
  device.transmit = (socket: Socket, packet: Buffer) => {
    if (!dead.includes(socket)) socket.write(packet);
  };
  const before = rig.good('u1-0');
  await until(() => rig.good('u1-0') > before + 1 && rig.good('u2-0') > 2);
  assert.ok(device.connections >= 2);
  assert.is(rig.source.health().state, 'ok');
  assert.ok(rig.events('modbus.bus.down').some((line) => line.code === 'bus-silent'));
});

test('a device that accepts connections and never answers costs one time-out per back-off, and few words', async ({
  device,
  tcp,
}) => {
  device.behaviour = () => undefined;
  const rig = new Rig({
    tcp,
    timeout: '100ms',
    breaker: FAST,
    units: [{ id: 1, tags: holdingTags('t', 2) }],
  });
  await rig.start();
  await until(() => device.asked.length >= 6);
  await rig.source.stop();
  const span = rig.samples.at(-1)!.mono - rig.samples[0]!.mono;
  // Each costs its time-out and the pause after it.
  assert.ok(device.asked.length <= span / 200 + 2, `${device.asked.length} requests in ${span} ms`);
  assert.ok(device.connections > 1, 'it is asked on a fresh connection');
  assert.is(rig.events('modbus.bus.down').length, 1);
  assert.is(rig.events('modbus.unit.offline').length, 1);
});

test('an endpoint that refuses, comes, goes and comes back', async ({ device, tcp }) => {
  await device.close();
  const rig = new Rig({ tcp, units: [{ id: 1, tags: holdingTags('t', 2) }] });
  await rig.start();
  await until(() => rig.of('t-0').length > 3);
  assert.ok(rig.of('t-0').every((sample) => sample.reason === 'bus-offline'));
  await device.listen(tcp.port);
  await until(() => rig.good('t-0') > 1);
  await device.close();
  await until(() => rig.last('t-0')?.reason === 'bus-offline');
  await device.listen(tcp.port);
  const before = rig.good('t-0');
  await until(() => rig.good('t-0') > before);
  assert.is(rig.source.health().state, 'ok');
  assert.ok((await rig.metric('vigie_modbus_connects_total')) >= 2);
  const refused = rig.events('modbus.bus.down').filter((line) => line.code === 'tcp-refused');
  assert.ok(refused.length >= 1 && refused.length <= 2, 'each outage is told once');
});

test('answers that arrive byte by byte, or all in one piece, are read all the same', async ({
  device,
  tcp,
}) => {
  device.transmit = (socket, packet) => {
    for (const byte of packet) socket.write(Uint8Array.of(byte));
  };
  const rig = new Rig({ tcp, units: [1, 2].map((id) => ({ id, tags: holdingTags(`u${id}`, 9) })) });
  await rig.start();
  await until(() => rig.good('u1-8') > 1 && rig.good('u2-8') > 1);
  device.transmit = (socket, packet) => {
    // A second answer nobody asked for, glued to the first.
    socket.write(Buffer.concat([packet, mbap(0x7777, packet.subarray(6))]));
  };
  const before = rig.good('u2-8');
  await until(() => rig.good('u2-8') > before + 2);
  assert.is(rig.last('u2-8')?.value, registerValue(2, 8));
  assert.is(rig.samples.filter((sample) => sample.quality !== 'good').length, 0);
  assert.is(device.connections, 1);
});

test('a device that talks something else is cut off and tried again, without a single value', async ({
  device,
  tcp,
}) => {
  device.transmit = (socket) => {
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  };
  const rig = new Rig({ tcp, units: [{ id: 1, tags: holdingTags('t', 2) }] });
  await rig.start();
  await until(() => device.connections >= 2);
  assert.is(rig.good('t-0'), 0);
  assert.ok(rig.events('modbus.bus.down').some((line) => /not Modbus TCP/.test(String(line.message))));
});

test('wrong units, functions, lengths and transactions give no value, and the right answer still does', async ({
  device,
  tcp,
}) => {
  const bend: ((packet: Buffer) => Uint8Array)[] = [
    (packet) => packet.with(6, 9),
    (packet) => packet.with(7, 4),
    (packet) => packet.with(8, 7),
    (packet) => mbap(packet.readUInt16BE(0), packet.subarray(6, -1)),
    (packet) => packet.with(0, packet[0]! ^ 0x55),
  ];
  let turn = 0;
  device.behaviour = (asked) => read(asked, () => 0xdead);
  const good = device.transmit;
  device.transmit = (socket, packet) => {
    const change = bend[turn++];
    if (change) good(socket, Buffer.from(change(packet)));
    else good(socket, Buffer.from(packet.with(9, 0).with(10, 42)));
  };
  const rig = new Rig({
    tcp,
    timeout: '100ms',
    breaker: FAST,
    units: [{ id: 1, tags: holdingTags('t', 1) }],
  });
  await rig.start();
  await until(() => rig.good('t-0') > 2);
  assert.equal([...new Set(rig.samples.map((sample) => sample.value))].sort(), [42, null]);
});

test('whatever bytes a device sends, the source lives on and no value comes of them', async ({
  device,
  tcp,
}) => {
  const noise = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), { numRuns: 60, seed: 7 });
  const rig = new Rig({
    tcp,
    period: '10ms',
    timeout: '50ms',
    breaker: FAST,
    units: [{ id: 1, tags: holdingTags('t', 3) }],
  });
  let sent = 0;
  const good = device.transmit;
  device.transmit = (socket, packet) => {
    const bytes = noise[sent++];
    if (!bytes) good(socket, packet);
    // Half of them behind a proper header, so that they get past the framing.
    else socket.write(sent % 2 ? bytes : mbap(packet.readUInt16BE(0), bytes.slice(0, 250)));
  };
  await rig.start();
  await until(() => sent >= 20, 'twenty answers of noise');
  assert.is(rig.good('t-0'), 0);
  sent = noise.length;
  await until(() => rig.good('t-0') > 0);
  assert.is(rig.last('t-2')?.value, registerValue(1, 2));
  assert.is(rig.events('modbus.bus.fault').length, 0);
});

test('a write waits for its turn, is answered or fails with what the unit said', async ({ device, tcp }) => {
  const tag = { name: 'valve', address: 3, type: 'int32', writable: true };
  const rig = new Rig({
    tcp,
    timeout: '100ms',
    breaker: FAST,
    units: [
      { id: 1, tags: [tag] },
      { id: 2, tags: holdingTags('other', 1) },
    ],
  });
  const code = (value: number) =>
    rig.source.write('valve', value).then(
      () => 'done',
      (error) => error.code,
    );
  assert.is(await code(1), 'bus-offline');
  await rig.start();
  await until(() => rig.good('valve') > 0);
  assert.is(await code(-2), 'done');
  assert.equal(
    [...device.asked.findLast((asked) => asked.fn === 16)!.adu],
    [1, 16, 0, 3, 0, 2, 4, 255, 255, 255, 254],
  );
  device.behaviour = (asked) => (asked.fn === 16 ? exception(asked, 3) : plain(asked));
  assert.is(await code(3), 'write-exception-illegal-value');
  device.behaviour = (asked) => (asked.fn === 16 ? undefined : plain(asked));
  assert.is(await code(4), 'write-timeout');
  assert.is(await code(5), 'unit-offline');
  assert.is(await rig.metric('vigie_modbus_writes_total', { outcome: 'failed' }), 4);
});

test.run();
