/** The command tag-write, over MQTT 5, to a device of modbus-serial: what is not listed as writable never reaches the wire. */

import { ServerTCP } from 'modbus-serial';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endAll, type Received, subscribe } from '../sinks/mqtt/harness.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { killNodes, nodeFolder, runNode } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
test.after(endAll);

/** Registers and coils of one unit, and every write it was asked for. */
async function startDevice() {
  const port = await freePort();
  const registers = new Map<number, number>();
  const coils = new Map<number, boolean>();
  const writes: [what: string, address: number, value: number | boolean][] = [];
  const state = { reads: 0 };
  const server = new ServerTCP(
    {
      getHoldingRegister: (address: number) => {
        state.reads += 1;
        return registers.get(address) ?? 0;
      },
      getInputRegister: () => 7,
      getCoil: (address: number) => coils.get(address) ?? false,
      setRegister: (address: number, value: number) => {
        writes.push(['register', address, value]);
        registers.set(address, value);
      },
      setCoil: (address: number, value: boolean) => {
        writes.push(['coil', address, value]);
        coils.set(address, value);
      },
    },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise((resolve) => server.once('initialized', resolve));
  const close = () => new Promise((resolve) => server.close(resolve));
  return { port, registers, coils, writes, state, close };
}

const config = (modbusPort: number, broker: string) => ({
  node: { site: 'test', name: 'writer' },
  sources: [
    {
      type: 'modbus',
      name: 'plc',
      tcp: { host: '127.0.0.1', port: modbusPort },
      period: '200ms',
      units: [
        {
          id: 1,
          tags: [
            { name: 'setpoint', address: 0, scale: 0.1, range: [0, 100], writable: true },
            { name: 'dose', address: 10, type: 'float32', writable: true },
            { name: 'pump', register: 'coil', address: 3, type: 'bool', writable: true },
            { name: 'batch', address: 30, type: 'string', length: 4, writable: true },
            { name: 'total', address: 40, type: 'int64', writable: true },
            { name: 'level', address: 20 },
            { name: 'flow', register: 'input', address: 0 },
          ],
        },
      ],
    },
  ],
  outbox: { readings: { enabled: false } },
  mqtt: { url: broker },
  http: { enabled: false },
});

test('a writable tag is written and answered; anything else is refused and leaves the wire alone', async () => {
  const [broker, device] = [await startMosquitto(), await startDevice()];
  const folder = nodeFolder(config(device.port, broker.url));
  const node = runNode(folder);
  await node.logged('mqtt.connection.up');
  await node.logged('modbus.bus.up');
  const caller = await subscribe(broker.url, 'replies/#');
  let asked = 0;
  const write = async (args: unknown): Promise<Received> => {
    const correlation = `request ${++asked}`;
    await caller.client.publishAsync('vigie/test/writer/cmd/tag-write', JSON.stringify({ args }), {
      qos: 1,
      properties: { responseTopic: 'replies/here', correlationData: Buffer.from(correlation) },
    });
    return waitFor(`the answer to ${JSON.stringify(args)}`, () =>
      caller.messages.find(({ packet }) => packet.properties?.correlationData?.toString() === correlation),
    );
  };

  const refused: [args: unknown, code: string, says: RegExp][] = [
    [{ tag: 'level', value: 1 }, 'tag-not-writable', /level must not be written; set 'writable: true'/],
    [{ tag: 'flow', value: 1 }, 'tag-not-writable', /flow/],
    [{ tag: 'nothing', value: 1 }, 'unknown-tag', /no tag 'nothing'/],
    [{ tag: 'setpoint' }, 'bad-arguments', /setpoint.*expected a number/],
    [{ tag: 'setpoint', value: '5' }, 'write-type', /expected a number/],
    [{ tag: 'total', value: '1e3' }, 'write-type', /expected a number/],
    [{ tag: 'total', value: '9223372036854775808' }, 'write-range', /does not fit: the tag holds an int64/],
    [{ tag: 'batch', value: 'too long' }, 'write-range', /4 bytes of text/],
    [{ tag: 'setpoint', value: null }, 'bad-arguments', /expected a number/],
    [{ tag: 'setpoint', value: 101 }, 'write-range', /101 is outside the range of setpoint: 0 to 100/],
    [{ tag: 'setpoint', value: 1, unit: 2 }, 'bad-arguments', /unknown argument 'unit'/],
    [{}, 'unknown-tag', /no tag/],
  ];
  for (const [args, code, says] of refused) {
    const { body } = await write(args);
    assert.equal([body.ok, body.error?.code], [false, code], JSON.stringify(body));
    assert.match(body.error.message, says);
  }
  assert.equal(device.writes, [], 'nothing on the wire');

  const { body, packet } = await write({ tag: 'setpoint', value: 12.5 });
  assert.equal([body.ok, body.result, body.command], [true, { tag: 'setpoint', value: 12.5 }, 'tag-write']);
  assert.is(packet.topic, 'replies/here');
  assert.equal(device.writes.splice(0), [['register', 0, 125]]);
  assert.is((await write({ tag: 'pump', value: true })).body.ok, true);
  assert.equal(device.writes.splice(0), [['coil', 3, true]]);
  assert.is((await write({ tag: 'dose', value: 1.5 })).body.ok, true);
  const float = Buffer.alloc(4);
  float.writeFloatBE(1.5);
  assert.equal(device.writes.splice(0), [
    ['register', 10, float.readUInt16BE(0)],
    ['register', 11, float.readUInt16BE(2)],
  ]);
  assert.is((await write({ tag: 'batch', value: 'B7' })).body.ok, true);
  assert.equal(device.writes.splice(0), [
    ['register', 30, 0x4237],
    ['register', 31, 0],
  ]);
  const beyondDoubles = '9007199254740993';
  assert.equal((await write({ tag: 'total', value: beyondDoubles })).body.result.value, beyondDoubles);
  assert.equal(
    device.writes.splice(0).map(([, , word]) => word),
    [0x0020, 0, 0, 1],
  );
  const written = node.lines.filter(({ event }) => event === 'modbus.tag.written');
  assert.equal(
    written.map(({ tag, value }) => [tag, value]),
    [
      ['setpoint', '12.5'],
      ['pump', 'true'],
      ['dose', '1.5'],
      ['batch', 'B7'],
      ['total', beyondDoubles],
    ],
  );
  const reads = device.state.reads;
  await waitFor('polls to go on', () => device.state.reads > reads + 5);

  // After a reload that starts the source anew, writes go through the new one.
  const before = config(device.port, broker.url);
  folder.configure({ ...before, sources: before.sources.map((source) => ({ ...source, timeout: '900ms' })) });
  node.signal('SIGHUP');
  assert.equal((await node.logged('config.reload.done')).sources, ['plc']);
  await waitFor(
    'a write through the new source',
    async () => (await write({ tag: 'setpoint', value: 20 })).body.ok,
  );
  assert.equal(device.writes.splice(0), [['register', 0, 200]]);

  await device.close();
  const { body: offline } = await waitFor('a refusal', async () => {
    const answer = await write({ tag: 'setpoint', value: 30 });
    return answer.body.ok === false && answer;
  });
  assert.match(offline.error.code, /^(bus-offline|unit-offline|write-)/);
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  await caller.close();
  await broker.stop();
  folder.remove();
});

test.run();
