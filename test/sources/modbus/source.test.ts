import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { modbusSource } from '../../../runtime/config/schema/modbus.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { planUnit } from '../../../runtime/sources/modbus/plan.ts';
import { TcpDevice, until } from './device.ts';
import { configure, holdingTags, Rig, tagsOf } from './rig.ts';

interface ServerTcp {
  once(event: 'initialized', listener: () => void): void;
  close(callback: () => void): void;
  readonly _server: { address(): { port: number } };
}
// modbus-serial's server is the second opinion: another author's idea of the protocol.
const { ServerTCP } = createRequire(import.meta.url)('modbus-serial') as {
  ServerTCP: new (vector: object, options: object) => ServerTcp;
};

async function serve(vector: object): Promise<{ port: number; close: () => Promise<void> }> {
  const holder = new TcpDevice();
  const port = await holder.listen();
  await holder.close();
  const server = new ServerTCP(vector, { host: '127.0.0.1', port, unitID: 255 });
  await new Promise<void>((resolve) => server.once('initialized', resolve));
  return { port, close: () => new Promise((resolve) => server.close(resolve)) };
}

test("all four tables are read from modbus-serial's own server", async () => {
  const server = await serve({
    getCoil: (address: number) => address % 3 === 0,
    getDiscreteInput: (address: number) => address % 2 === 0,
    getInputRegister: (address: number, unit: number) => unit * 100 + address,
    getHoldingRegister: (address: number, unit: number) => unit * 200 + address,
  });
  const rig = new Rig({
    tcp: { host: '127.0.0.1', port: server.port },
    units: [
      {
        id: 7,
        tags: [
          { name: 'coil', register: 'coil', type: 'bool', address: 9 },
          { name: 'coil-off', register: 'coil', type: 'bool', address: 10 },
          { name: 'discrete', register: 'discrete', type: 'bool', address: 3 },
          { name: 'input', register: 'input', address: 5, scale: 0.5, offset: -1 },
          { name: 'holding', address: 11, range: [0, 100] },
          { name: 'wide', address: 12, type: 'uint32' },
        ],
      },
    ],
  });
  await rig.start();
  await until(
    () => rig.last('coil') !== undefined && rig.last('wide') !== undefined && rig.good('input') > 1,
  );
  assert.is(rig.last('coil')?.value, true);
  assert.is(rig.last('coil-off')?.value, false);
  assert.is(rig.last('discrete')?.value, false);
  assert.is(rig.last('input')?.value, 705 / 2 - 1);
  assert.equal([rig.last('holding')?.quality, rig.last('holding')?.reason], ['uncertain', 'out-of-range']);
  assert.is(rig.last('holding')?.value, 1411);
  assert.is(rig.last('wide')?.value, 1412 * 65_536 + 1413);
  assert.is(rig.source.health().state, 'ok');
  await rig.source.stop();
  await rig.source.stop();
  assert.is(rig.source.health().state, 'stopped');
  await server.close();
});

test('start does not wait for a device that is not there, and says what is wrong', async () => {
  const free = new TcpDevice();
  const port = await free.listen();
  await free.close();
  const rig = new Rig({ tcp: { host: '127.0.0.1', port }, units: [{ id: 1, tags: holdingTags('t', 2) }] });
  await rig.start();
  await until(() => rig.last('t-1')?.reason === 'bus-offline');
  const health = rig.source.health();
  assert.is(health.state, 'failed');
  assert.match(health.detail, /nothing listens/);
  await rig.source.stop();
});

test('values are written only where the configuration allows it, and as the registers need them', async () => {
  const registers = new Uint16Array(100);
  const coils: boolean[] = [];
  const server = await serve({
    getCoil: (address: number) => coils[address] ?? false,
    getHoldingRegister: (address: number) => registers[address],
    setCoil: (address: number, on: boolean) => {
      coils[address] = on;
    },
    setRegister: (address: number, word: number) => {
      registers[address] = word;
    },
  });
  const writable = true;
  const rig = new Rig({
    tcp: { host: '127.0.0.1', port: server.port },
    units: [
      {
        id: 1,
        tags: [
          { name: 'fixed', address: 0 },
          { name: 'pump', address: 4, register: 'coil', type: 'bool', writable },
          { name: 'setpoint', address: 1, scale: 0.1, range: [0, 14], writable },
          { name: 'level', address: 2, type: 'float32', order: 'CDAB', writable },
          { name: 'mode', address: 6, bits: [4, 3], writable },
        ],
      },
    ],
  });
  await rig.start();
  await until(() => rig.good('level') > 0);
  registers[6] = 0xff0f;
  await rig.source.write('pump', true);
  await rig.source.write('setpoint', 7.2);
  await rig.source.write('level', 1.5);
  await rig.source.write('mode', 5);
  assert.is(coils[4], true);
  assert.is(registers[1], 72);
  assert.equal([registers[2], registers[3]], [0x0000, 0x3fc0]);
  // The server knows no mask write: the source found its way around, and kept the other bits.
  assert.is(registers[6], 0xff5f);
  for (const [tag, value, code] of [
    ['fixed', 1, 'tag-not-writable'],
    ['nobody', 1, 'tag-unknown'],
    ['setpoint', 15, 'write-range'],
    ['setpoint', 'high', 'write-type'],
    ['pump', 1, 'write-type'],
    ['mode', 8, 'write-range'],
  ] as const) {
    const error = await rig.source.write(tag, value).then(
      () => undefined,
      (thrown: InputError) => thrown,
    );
    assert.instance(error, InputError, `${tag} ${value}`);
    assert.is(error?.code, code);
  }
  await until(() => rig.last('setpoint')?.value === 72 * 0.1);
  await rig.source.stop();
  await server.close();
});

test('the example in the documentation is a valid configuration', () => {
  const page = readFileSync(join(packageRoot, 'docs/modbus.md'), 'utf8');
  const { sources } = parse(/```yaml\n([\s\S]*?)```/.exec(page)![1]!) as { sources: unknown[] };
  assert.is(sources.length, 2);
  for (const source of sources) modbusSource.parse(source);
});

test('a tag that no request can read or write is refused, by the schema and by the source itself', () => {
  const units = (tag: object) => [{ id: 1, tags: [{ name: 'far', address: 0, ...tag }] }];
  const parse = (tag: object, extra = {}) =>
    modbusSource.safeParse({ type: 'modbus', name: 'b', tcp: { host: 'x' }, units: units(tag), ...extra });
  const issue = (result: ReturnType<typeof parse>) => {
    const first = result.error?.issues[0];
    return `${first?.path.join('.')}: ${first?.message}`;
  };
  assert.match(
    issue(parse({ address: 65_535, type: 'float32' })),
    /tags\.0\.address: float32 takes 2 registers/,
  );
  assert.match(issue(parse({ type: 'string', length: 248, writable: true })), /length: a write has room for/);
  assert.match(issue(parse({ type: 'float64' }, { maxRegisters: 3 })), /type: .* maxRegisters is 3/);
  const config = configure({ tcp: { host: 'x' }, units: units({ address: 65_534, type: 'float32' }) });
  config.units[0]!.tags[0]!.address = 65_535;
  assert.throws(() => planUnit(config, config.units[0]!, tagsOf(config)), /tag far takes 2 registers/);
});

test('thousands of requests that come due faster than they can be handed on leave the process to others', async () => {
  // Nothing listens there: no poll waits for the line.
  const tags = Array.from({ length: 4000 }, (_, i) => ({ name: `t${i}`, address: 2 * i }));
  const rig = new Rig({
    tcp: { host: '127.0.0.1', port: 1 },
    period: '10ms',
    maxGap: 0,
    units: [{ id: 1, tags }],
  });
  await rig.start();
  let rounds = 0;
  const ticks = setInterval(() => {
    rounds += 1;
  }, 1);
  await until(() => rounds >= 20);
  clearInterval(ticks);
  await until(() => rig.samples.length > 4000);
  // That this test goes on at all is the proof: the polls never run dry.
  assert.ok((await rig.metric('vigie_modbus_late_polls_total')) > 0);
});

test.after.each(() => Rig.stopAll());

test.run();
