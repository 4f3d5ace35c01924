import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Place, RegisterImage, widthOf } from '../../simulator/modbus/register-image.ts';
import { plantPlaces } from '../../simulator/modbus/register-map.ts';
import { serveTcp, vectorOf } from '../../simulator/modbus/server.ts';
import { SENSORS } from '../../simulator/plant/plant.ts';
import { close, connect, exceptionOf, readTag } from './modbus-client.ts';

const orders = fc.constantFrom('ABCD' as const, 'CDAB' as const, 'BADC' as const, 'DCBA' as const);
const registers = fc.constantFrom('input' as const, 'holding' as const);
const number = (
  type: 'int16' | 'uint16' | 'uint32' | 'float32',
  raw: fc.Arbitrary<number>,
): fc.Arbitrary<{ place: Place; value: number }> =>
  fc
    .record({
      order: orders,
      table: registers,
      address: fc.nat(40),
      scale: fc.constantFrom(1, 0.5, 0.25),
      raw,
    })
    .map(({ raw, ...at }) => ({ place: { unit: 1, type, ...at }, value: raw * at.scale }));
const bits = fc
  .record({ table: registers, address: fc.nat(40), low: fc.nat(12), raw: fc.nat(15) })
  .map(({ table, address, low, raw }) => ({
    place: { unit: 1, table, address, type: 'uint16', order: 'ABCD', scale: 1, bits: [low, 4] } as Place,
    value: raw,
  }));
const bit = fc
  .record({
    table: fc.constantFrom('coil' as const, 'discrete' as const),
    address: fc.nat(40),
    on: fc.boolean(),
  })
  .map(({ table, address, on }) => ({
    place: { unit: 1, table, address, type: 'bool', order: 'ABCD', scale: 1 } as Place,
    value: on ? 1 : 0,
  }));
const shown = fc.oneof(
  number('int16', fc.integer({ min: -32768, max: 32767 })),
  number('uint16', fc.integer({ min: 0, max: 65535 })),
  number('uint32', fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  number('float32', fc.float({ noDefaultInfinity: true })),
  bits,
  bit,
);

test('whatever is shown in any encoding is read back by a client over TCP', async () => {
  const images = new Map<number, RegisterImage>();
  const served = await serveTcp(vectorOf(images, 'exception'), '127.0.0.1', 0);
  const client = await connect(served.port);
  await fc.assert(
    fc.asyncProperty(shown, async ({ place, value }) => {
      const image = new RegisterImage([place]);
      images.set(1, image);
      image.write(place, value);
      const { table, address, type, order, scale, bits } = place;
      const encoding = { register: table, address, type, order, scale, offset: 0, length: undefined };
      const read = await readTag(client, 1, { ...encoding, bits: bits && [bits[0], bits[1]] });
      assert.ok(Object.is(Number(read), value) || Number(read) === value, `${String(read)} is not ${value}`);
    }),
    { numRuns: 150 },
  );
  await close(client);
  await served.close();
});

test('what an integer cannot hold becomes the nearest it can', () => {
  const place = (type: Place['type']): Place => ({
    unit: 1,
    table: 'holding',
    address: 0,
    type,
    order: 'ABCD',
    scale: 0.1,
  });
  const raw = (type: Place['type'], value: number) => {
    const image = new RegisterImage([place(type)]);
    image.write(place(type), value);
    return image.registers('holding', 0, widthOf(type));
  };
  assert.equal(raw('uint16', -5), [0]);
  assert.equal(raw('uint16', 1e9), [65535]);
  assert.equal(raw('int16', -1e9), [0x8000]);
  assert.equal(raw('uint32', 1e12), [65535, 65535]);
  assert.equal(raw('uint16', Number.NaN), [0]);
});

test('a field leaves the other bits of its word alone', () => {
  const field = (low: number): Place => ({
    unit: 1,
    table: 'holding',
    address: 0,
    type: 'uint16',
    order: 'ABCD',
    scale: 1,
    bits: [low, 4],
  });
  const image = new RegisterImage([field(0), field(8)]);
  image.write(field(0), 15);
  image.write(field(8), 5);
  image.write(field(0), 2);
  assert.equal(image.registers('holding', 0, 1), [0x0502]);
});

test('no two sensors of the plant share a register', () => {
  const taken = new Map<string, string>();
  plantPlaces().forEach((place, i) => {
    for (let k = 0; k < widthOf(place.type); k++) {
      const at = `${place.unit} ${place.table} ${place.address + k}`;
      assert.not.ok(taken.has(at), `${SENSORS[i]!.name} and ${taken.get(at)} at ${at}`);
      taken.set(at, SENSORS[i]!.name);
    }
  });
});

test('the plant mixes encodings: all tables, floats in both word orders, integers, bit fields', () => {
  const forms = new Set(
    plantPlaces().map(
      (p) => `${p.table} ${p.type} ${p.order}${p.bits ? ' bits' : ''}${p.scale === 1 ? '' : ' scaled'}`,
    ),
  );
  for (const form of [
    'coil bool ABCD',
    'discrete bool ABCD',
    'input float32 CDAB',
    'holding float32 ABCD',
    'input uint16 ABCD scaled',
    'input int16 ABCD scaled',
    'holding uint16 ABCD',
    'holding uint32 ABCD scaled',
    'holding uint32 CDAB scaled',
    'holding uint16 ABCD bits',
  ])
    assert.ok(forms.has(form), form);
});

test('exceptions: illegal address, unknown unit as a gateway, writes refused', async () => {
  const place: Place = { unit: 1, table: 'holding', address: 0, type: 'float32', order: 'ABCD', scale: 1 };
  const served = await serveTcp(
    vectorOf(new Map([[1, new RegisterImage([place])]]), 'exception'),
    '127.0.0.1',
    0,
  );
  const client = await connect(served.port);
  client.setID(1);
  assert.is(await exceptionOf(client.readHoldingRegisters(0, 2)), undefined);
  assert.is(await exceptionOf(client.readHoldingRegisters(1, 2)), 2);
  assert.is(await exceptionOf(client.readHoldingRegisters(2, 1)), 2);
  assert.is(await exceptionOf(client.readInputRegisters(0, 2)), 2);
  assert.is(await exceptionOf(client.readInputRegisters(0, 1)), 2);
  assert.is(await exceptionOf(client.readCoils(0, 3)), 2);
  assert.is(await exceptionOf(client.readDiscreteInputs(0, 1)), 2);
  assert.is(await exceptionOf(client.writeRegister(0, 1)), 1);
  assert.is(await exceptionOf(client.writeRegisters(0, [1, 2])), 1);
  assert.is(await exceptionOf(client.writeCoil(0, true)), 1);
  client.setID(9);
  assert.is(await exceptionOf(client.readHoldingRegisters(0, 2)), 11);
  assert.is(await exceptionOf(client.readCoils(0, 1)), 11);
  await close(client);
  await served.close();
});

test('a silent server does not answer for unknown units, and goes on with the others', async () => {
  const place: Place = { unit: 1, table: 'holding', address: 0, type: 'uint16', order: 'ABCD', scale: 1 };
  const served = await serveTcp(
    vectorOf(new Map([[1, new RegisterImage([place])]]), 'silent'),
    '127.0.0.1',
    0,
  );
  const client = await connect(served.port);
  client.setTimeout(300);
  client.setID(9);
  const error = await client.readHoldingRegisters(0, 1).catch((e) => e);
  assert.is(error.name, 'TransactionTimedOutError');
  client.setTimeout(10_000);
  client.setID(1);
  assert.equal((await client.readHoldingRegisters(0, 1)).data, [0]);
  await close(client);
  await served.close();
});

test.run();
