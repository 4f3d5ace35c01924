import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ModbusSourceConfig, modbusSource } from '../../runtime/config/schema/modbus.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { DeviceError } from '../../runtime/core/errors.ts';
import { plantSourcesConfig } from '../../simulator/modbus/sources-config.ts';
import { SENSORS } from '../../simulator/plant/plant.ts';
import { PlantRun, startPlantServer } from '../../simulator/plant-server.ts';
import { openPtyPair } from '../support/pty.ts';
import { waitFor } from '../support/wait.ts';
import { type Client, close, connect, connectSerial, readTag } from './modbus-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-plant-'));
test.after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Reads the plant's tags over the wire, as configured. */
async function readAll(client: Client, source: ModbusSourceConfig, units: readonly number[]) {
  const values = new Map<string, number>();
  for (const unit of source.units.filter(({ id }) => units.includes(id))) {
    for (const tag of unit.tags) values.set(tag.name, Number(await readTag(client, unit.id, tag)));
  }
  return values;
}

const ALL_UNITS = [1, 2, 3, 4, 5, 6, 7, 8];

test('the printed configuration is valid and names every sensor', () => {
  const [source] = plantSourcesConfig({ port: 1502, period: '1s' });
  const config = modbusSource.parse(source);
  assert.is(config.units.length, 8);
  const tags = config.units.flatMap((unit) => unit.tags);
  assert.equal(
    tags.map(({ name, kind, unit }) => [name, kind, unit]),
    SENSORS.map(({ name, kind, unit }) => [name, kind, unit]),
  );
  assert.is(config.period, 1000);
});

test('a client reads over TCP what the sensors show', async () => {
  // Slow enough that the plant does not move between writing the registers and reading them.
  const server = await startPlantServer({ speed: 0.001, faultProbability: 0 });
  const [source] = plantSourcesConfig({ host: server.host, port: server.port });
  const config = modbusSource.parse(source);
  const client = await connect(server.port);
  let moved = true;
  while (moved) {
    const before = server.value('pre-flow');
    const values = await readAll(client, config, ALL_UNITS);
    moved = server.value('pre-flow') !== before;
    if (moved) continue;
    for (const unit of config.units) {
      for (const { name, scale, type } of unit.tags) {
        const expected = server.value(name)!;
        const tolerance = type === 'float32' ? 1e-6 * Math.abs(expected) + 1e-9 : 0.51 * scale;
        assert.ok(
          Math.abs(values.get(name)! - expected) <= tolerance,
          `${name}: ${values.get(name)} ${expected}`,
        );
      }
    }
  }
  await close(client);
  await server.stop();
  await server.stop();
});

test('a fault shows on the wire and in the truth file', async () => {
  const truthFile = join(folder, 'truth.jsonl');
  const server = await startPlantServer({ speed: 20, faultProbability: 0, truthFile });
  const [source] = plantSourcesConfig({ port: server.port });
  const bio = modbusSource.parse(source).units[2]!;
  const tag = bio.tags.find(({ name }) => name === 'bio-do-1')!;
  const client = await connect(server.port);
  assert.ok(Number(await readTag(client, bio.id, tag)) > 0);
  assert.is(server.injectFault('dead:bio-do-1+100'), 1);
  await waitFor('the fault starts', () => server.truth.length > 0);
  assert.equal(server.activeFaults(), ['dead']);
  assert.is(Number(await readTag(client, bio.id, tag)), -3);
  await waitFor('the fault ends', () => server.truth.length > 1);
  await close(client);
  await server.stop();
  const lines = readFileSync(truthFile, 'utf8').trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line));
  assert.equal(
    entries.map(({ event, id, kind, mode, tags }) => ({ event, id, kind, mode, tags })),
    ['start', 'end'].map((event) => ({
      event,
      id: 1,
      kind: 'sensor-failure',
      mode: 'dead',
      tags: ['bio-do-1'],
    })),
  );
  assert.is(entries[1].elapsed - entries[0].elapsed, 100);
  assert.equal(entries[0].parameters, { value: -3 });
  for (const { wall, simulated } of entries) assert.ok(Date.parse(wall) > 0 && Date.parse(simulated) > 0);
});

test('runs are repeatable however the timers fall', () => {
  const options = { seed: 5, faultProbability: 0.5, speed: 30 };
  const [a, b] = [new PlantRun(options, new SystemClock()), new PlantRun(options, new SystemClock())];
  a.advanceTo(3600);
  for (const t of [0.1, 7, 7, 700, 701.3, 3600]) b.advanceTo(t);
  assert.is(a.elapsed, b.elapsed);
  assert.equal(a.plant.values, b.plant.values);
  const facts = (run: PlantRun) => run.truth.map(({ wall: _, ...fact }) => fact);
  assert.ok(a.truth.length > 0);
  assert.equal(facts(a), facts(b));
});

test('a port that is taken is a clear error', async () => {
  const server = await startPlantServer({ faultProbability: 0 });
  const error = await startPlantServer({ port: server.port }).catch((e) => e);
  assert.instance(error, DeviceError);
  assert.is(error.code, 'simulator-listen');
  assert.match(error.message, `127.0.0.1:${server.port}`);
  await server.stop();
});

test('a client reads over RTU on a serial line', async () => {
  const line = await openPtyPair();
  const serial = { path: line.far, baudRate: 115_200 };
  const server = await startPlantServer({ serial, faultProbability: 0 });
  const [source] = plantSourcesConfig({ serial: { ...serial, path: line.near } });
  const client = await connectSerial(line.near, serial.baudRate);
  const values = await readAll(client, modbusSource.parse(source), [6, 8]);
  assert.ok(values.get('dis-cl2')! > 0.5 && values.get('dis-cl2')! < 1.5);
  assert.is(values.get('out-mode'), 1);
  assert.is(values.size, 21);
  await close(client);
  await server.stop();
  await line.close();
});

test('a serial port that is not there is a clear error', async () => {
  const serial = { path: join(folder, 'absent'), baudRate: 9600 };
  const error = await startPlantServer({ serial }).catch((e) => e);
  assert.instance(error, DeviceError);
  assert.is(error.code, 'simulator-listen');
});

test.run();
