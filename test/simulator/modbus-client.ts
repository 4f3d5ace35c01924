/** A foreign client, so that the servers are judged by another implementation than ours. */

import modbus from 'modbus-serial';
import { compileReader, type Encoding, isBitTable, spanOf } from '../../runtime/sources/modbus/decode.ts';

const ModbusRTU = modbus as unknown as typeof modbus.default;
export type Client = InstanceType<typeof ModbusRTU>;

export async function connect(port: number): Promise<Client> {
  const client = new ModbusRTU();
  client.setTimeout(10_000);
  await client.connectTCP('127.0.0.1', { port });
  return client;
}

export async function connectSerial(path: string, baudRate: number): Promise<Client> {
  const client = new ModbusRTU();
  client.setTimeout(10_000);
  await client.connectRTUBuffered(path, { baudRate });
  return client;
}

export function close(client: Client): Promise<void> {
  return new Promise((resolve) => client.close(() => resolve()));
}

/** Reads one tag by the encoding that its configuration states, as the node does. */
export async function readTag(client: Client, unit: number, tag: Encoding & { address: number }) {
  client.setID(unit);
  const span = spanOf(tag);
  const ask = {
    coil: () => client.readCoils(tag.address, 1),
    discrete: () => client.readDiscreteInputs(tag.address, 1),
    input: () => client.readInputRegisters(tag.address, span),
    holding: () => client.readHoldingRegisters(tag.address, span),
  };
  const { buffer } = await ask[tag.register]();
  return compileReader(tag, 0)(isBitTable(tag.register) ? buffer.subarray(0, 1) : buffer);
}

/** The Modbus exception a request ends with. */
export async function exceptionOf(request: Promise<unknown>): Promise<number | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    return (error as { modbusCode?: number }).modbusCode;
  }
}
