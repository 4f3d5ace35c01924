/** `vigie simulate load`. */

import { parseArgs } from 'node:util';
import { startLoadServer } from '../load-server.ts';
import { numberOption, PORT, stopSignal } from './arguments.ts';

const OPTIONS = {
  devices: { type: 'string', default: '100' },
  registers: { type: 'string', default: '100' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '0' },
} as const;

/** @throws UsageError, and what `startLoadServer` throws. */
export async function runLoad(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const devices = numberOption('devices', values.devices, { low: 1, high: 2000, integer: true });
  // The last device's port must exist too.
  const port = numberOption('port', values.port, { ...PORT, high: PORT.high - devices + 1 });
  const stop = stopSignal();
  const server = await startLoadServer({
    devices,
    registersPerDevice: numberOption('registers', values.registers, { low: 1, high: 65536, integer: true }),
    host: values.host,
    port,
  });
  process.stdout.write(`${JSON.stringify({ endpoints: server.endpoints })}\n`);
  await stop.stopped;
  stop.release();
  await server.stop();
  return 0;
}
