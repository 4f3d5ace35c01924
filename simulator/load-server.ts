/**
 * Many cheap Modbus TCP devices for load tests: each listener is one device (unit 1) with changing holding
 * registers. Answers are cut from one shared buffer, since here the client is measured, not the server.
 */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { DeviceError } from '../runtime/core/errors.ts';
import type { Endpoint, SourceConfigInput } from './modbus/sources-config.ts';

export interface LoadServerOptions {
  readonly devices: number;
  /** Holding registers of each device, addresses 0 to n - 1, all uint16. */
  readonly registersPerDevice: number;
  readonly host?: string;
  /** First port, the others follow; 0 takes free ones. */
  readonly port?: number;
}

export interface LoadServer {
  readonly endpoints: readonly Endpoint[];
  /** Requests answered so far, exceptions included. */
  requests(): number;
  stop(): Promise<void>;
}

const HEADER_BYTES = 7;
const REQUEST_BYTES = 12;
const READ_HOLDING = 3;
const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const MAX_REGISTERS = 125;
const CHANGE_EVERY_MS = 100;

/** @throws DeviceError `simulator-listen`. */
export async function startLoadServer(options: LoadServerOptions): Promise<LoadServer> {
  const { devices, registersPerDevice, host = '127.0.0.1', port = 0 } = options;
  const registers = Buffer.alloc(2 * registersPerDevice);
  let round = 0;
  const change = () => {
    round += 1;
    for (let i = 0; i < registersPerDevice; i++) registers.writeUInt16BE((round + 7 * i) & 0xffff, 2 * i);
  };
  change();
  const timer = setInterval(change, CHANGE_EVERY_MS);
  const sockets = new Set<Socket>();
  let requests = 0;
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (data) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      while (rest.length >= REQUEST_BYTES) {
        socket.write(answer(rest, registers));
        rest = rest.subarray(REQUEST_BYTES);
        requests += 1;
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const servers: Server[] = [];
  const stop = async () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  try {
    for (let i = 0; i < devices; i++) servers.push(await listen(serve, host, port === 0 ? 0 : port + i));
  } catch (error) {
    await stop();
    throw error;
  }
  const endpoints = servers.map((server) => ({ host, port: (server.address() as AddressInfo).port }));
  return { endpoints, requests: () => requests, stop };
}

/** The value of `sources:` that reads every register of every device, one source per device. */
export function loadSourcesConfig(
  endpoints: readonly Endpoint[],
  registersPerDevice: number,
  period = '1s',
): SourceConfigInput[] {
  return endpoints.map(({ host, port }, device) => ({
    type: 'modbus',
    name: `device-${device}`,
    tcp: { host, port },
    period,
    units: [
      {
        id: 1,
        tags: Array.from({ length: registersPerDevice }, (_, address) => ({
          name: `d${device}-r${address}`,
          group: `device-${device}`,
          address,
        })),
      },
    ],
  }));
}

/** A request for registers has a fixed length, and nothing else is asked here: what differs is refused as it stands. */
function answer(request: Buffer, registers: Buffer): Buffer {
  const address = request.readUInt16BE(8);
  const count = request.readUInt16BE(10);
  if (request[HEADER_BYTES] !== READ_HOLDING) return exception(request, ILLEGAL_FUNCTION);
  if (count === 0 || count > MAX_REGISTERS || 2 * (address + count) > registers.length) {
    return exception(request, ILLEGAL_ADDRESS);
  }
  const response = Buffer.allocUnsafe(HEADER_BYTES + 2 + 2 * count);
  request.copy(response, 0, 0, HEADER_BYTES);
  response.writeUInt16BE(3 + 2 * count, 4);
  response[HEADER_BYTES] = READ_HOLDING;
  response[HEADER_BYTES + 1] = 2 * count;
  registers.copy(response, HEADER_BYTES + 2, 2 * address, 2 * (address + count));
  return response;
}

function exception(request: Buffer, code: number): Buffer {
  const response = Buffer.alloc(HEADER_BYTES + 2);
  request.copy(response, 0, 0, HEADER_BYTES);
  response.writeUInt16BE(3, 4);
  response[HEADER_BYTES] = request[HEADER_BYTES]! | 0x80;
  response[HEADER_BYTES + 1] = code;
  return response;
}

function listen(serve: (socket: Socket) => void, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(serve);
    server.once('error', (cause) =>
      reject(new DeviceError('simulator-listen', `cannot serve Modbus on ${host}:${port}`, { cause })),
    );
    server.listen(port, host, () => resolve(server));
  });
}
