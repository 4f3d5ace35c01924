/** `vigie simulate plant`. */

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { describeError } from '../../runtime/core/errors.ts';
import { parseFaultSpec, parseFaultWords } from '../faults/request.ts';
import { plantSourcesConfig } from '../modbus/sources-config.ts';
import { type PlantServer, startPlantServer } from '../plant-server.ts';
import { asUsage, numberOption, PORT, say, stopSignal } from './arguments.ts';
import { sourcesYaml } from './sources-yaml.ts';

const REPORT_EVERY_MS = 60_000;
const WATCH_EVERY_MS = 500;

const OPTIONS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '1502' },
  serial: { type: 'string' },
  baud: { type: 'string', default: '19200' },
  seed: { type: 'string', default: '1' },
  speed: { type: 'string', default: '1' },
  fault: { type: 'string', multiple: true, default: [] as string[] },
  'fault-probability': { type: 'string', default: '0.02' },
  truth: { type: 'string' },
  'silent-unknown': { type: 'boolean', default: false },
  period: { type: 'string', default: '5s' },
  'print-config': { type: 'boolean', default: false },
} as const;

/** @throws UsageError, and what `startPlantServer` throws. */
export async function runPlant(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const port = numberOption('port', values.port, PORT);
  const baudRate = numberOption('baud', values.baud, { low: 300, high: 4_000_000, integer: true });
  const serial = values.serial === undefined ? undefined : { path: values.serial, baudRate };
  const { host, period } = values;
  if (values['print-config']) {
    process.stdout.write(sourcesYaml(plantSourcesConfig({ host, port, serial, period })));
    return 0;
  }
  const faults = values.fault.map((text) => asUsage(() => parseFaultSpec(text)));
  const speed = numberOption('speed', values.speed, { low: 0.001, high: 10_000 });
  const stop = stopSignal();
  const server = await startPlantServer({
    host,
    port,
    serial,
    speed,
    seed: numberOption('seed', values.seed, { low: 0, high: 2 ** 32 - 1, integer: true }),
    faultProbability: numberOption('fault-probability', values['fault-probability'], { low: 0, high: 1 }),
    truthFile: values.truth,
    ...(values['silent-unknown'] ? { unknownUnits: 'silent' } : {}),
  });
  const where = serial ? `RTU on ${serial.path} at ${baudRate} baud` : `TCP on ${host}:${server.port}`;
  say(`plant: 127 sensors, units 1 to 8, Modbus ${where}, ${speed} x real time`);
  try {
    for (const fault of faults) asUsage(() => server.injectFault(fault));
    const leave = attend(server);
    await stop.stopped;
    leave();
  } finally {
    stop.release();
    await server.stop();
  }
  return 0;
}

/** Takes faults from standard input and SIGUSR1, and tells of each. @returns what ends it. */
function attend(server: PlantServer): () => void {
  const attempt = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      say(`plant: ${describeError(error)}`);
    }
  };
  const random = () => void server.injectRandomFault();
  process.on('SIGUSR1', random);
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => attempt(() => command(server, line)));
  let told = 0;
  const watch = setInterval(() => {
    for (; told < server.truth.length; told++) {
      const { event, kind, mode, tags, simulated } = server.truth[told]!;
      const what = kind === mode ? kind : `${kind} (${mode})`;
      say(`plant: ${simulated} fault ${event}: ${what} on ${tags.join(', ')}`);
    }
  }, WATCH_EVERY_MS);
  const report = setInterval(() => {
    say(`plant: active faults: ${server.activeFaults().join(', ') || 'none'}`);
  }, REPORT_EVERY_MS);
  return () => {
    clearInterval(watch);
    clearInterval(report);
    process.off('SIGUSR1', random);
    input.close();
  };
}

function command(server: PlantServer, line: string): void {
  const [verb, ...words] = line.trim().split(/\s+/);
  if (verb === '') return;
  if (verb === 'fault') server.injectFault(parseFaultWords(words));
  else if (verb === 'clear') server.clearFaults();
  else say(`plant: '${verb}' is not understood; type: fault KIND [TARGET] [DURATION], or clear`);
}
