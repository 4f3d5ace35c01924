import { connect as connectSocket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { modbusSource } from '../../runtime/config/schema/modbus.ts';
import { loadSourcesConfig, startLoadServer } from '../../simulator/load-server.ts';
import { waitFor } from '../support/wait.ts';
import { close, connect, exceptionOf } from './modbus-client.ts';

test('every device answers, values change, wrong requests are refused', async () => {
  const server = await startLoadServer({ devices: 3, registersPerDevice: 200 });
  assert.is(server.endpoints.length, 3);
  for (const { port } of server.endpoints) {
    const client = await connect(port);
    client.setID(1);
    const { data } = await client.readHoldingRegisters(100, 100);
    assert.is(data.length, 100);
    const read = async () => (await client.readHoldingRegisters(0, 1)).data[0];
    const first = await read();
    await waitFor('a change', async () => (await read()) !== first);
    assert.is(await exceptionOf(client.readHoldingRegisters(150, 51)), 2);
    assert.is(await exceptionOf(client.readInputRegisters(0, 1)), 1);
    await close(client);
  }
  assert.ok(server.requests() >= 12);
  await server.stop();
});

test('requests that come in pieces or together are all answered', async () => {
  const server = await startLoadServer({ devices: 1, registersPerDevice: 10 });
  const socket = connectSocket(server.endpoints[0]!.port, '127.0.0.1');
  const request = (id: number) => Buffer.from([0, id, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2]);
  let received = Buffer.alloc(0);
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
  });
  socket.setNoDelay(true);
  socket.write(request(1).subarray(0, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.write(Buffer.concat([request(1).subarray(5), request(2), request(3)]));
  await waitFor('three answers', () => received.length >= 3 * 13);
  assert.equal(
    [0, 1, 2].map((i) => received[i * 13 + 1]),
    [1, 2, 3],
  );
  socket.destroy();
  await server.stop();
});

test('the configuration reads all registers of all devices', async () => {
  const server = await startLoadServer({ devices: 2, registersPerDevice: 130 });
  const sources = loadSourcesConfig(server.endpoints, 130).map((source) => modbusSource.parse(source));
  await server.stop();
  assert.equal(
    sources.map(({ tcp }) => tcp?.port),
    server.endpoints.map(({ port }) => port),
  );
  const names = sources.flatMap(({ units }) => units.flatMap(({ tags }) => tags.map(({ name }) => name)));
  assert.is(new Set(names).size, 260);
});

test.run();
