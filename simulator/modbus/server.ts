/** Register images as real Modbus servers: TCP, and RTU on a serial port. */

import type { AddressInfo, Server } from 'node:net';
import { type IServiceVector, ServerSerial, ServerTCP } from 'modbus-serial';
import { DeviceError, VigieError } from '../../runtime/core/errors.ts';
import type { RegisterImage } from './register-image.ts';

/** What happens to a request for a unit that is not there: gateways answer exception 11, serial devices stay silent. */
export type UnknownUnits = 'exception' | 'silent';

export interface ServedModbus {
  /** 0 for a serial port. */
  readonly port: number;
  /** Ends connections too. Idempotent. */
  close(): Promise<void>;
}

/** How modbus-serial learns which exception to answer. */
class ModbusException extends VigieError {
  readonly modbusErrorCode: number;

  constructor(code: number, text: string) {
    super('modbus-exception', text);
    this.modbusErrorCode = code;
  }
}

const ILLEGAL_FUNCTION = new ModbusException(1, 'the simulated plant cannot be written');
const ILLEGAL_ADDRESS = new ModbusException(2, 'no such address');
const GATEWAY_NO_RESPONSE = new ModbusException(11, 'no such unit behind this gateway');
/** Silence on the line after which a request counts as complete, ms: short, as answers wait for it. */
const RTU_REQUEST_GAP_MS = 8;

export type Images = ReadonlyMap<number, RegisterImage>;

/** Read-only access to images by unit id. Callbacks that are never called leave a request unanswered. */
export function vectorOf(images: Images, unknown: UnknownUnits): IServiceVector {
  const read = <T>(
    unit: number,
    get: (image: RegisterImage) => T | undefined,
    done: (error: Error | null, value: T) => void,
  ) => {
    // The library looks into the values even where there is an error, and does not catch what a vector throws.
    const fail = (exception: ModbusException) => done(exception, [] as T);
    const image = images.get(unit);
    if (!image) {
      if (unknown === 'exception') fail(GATEWAY_NO_RESPONSE);
      return;
    }
    const value = get(image);
    if (value === undefined) fail(ILLEGAL_ADDRESS);
    else done(null, value);
  };
  const refuse = (_address: number, _value: unknown, _unit: number, done: (error: Error | null) => void) =>
    done(ILLEGAL_FUNCTION);
  return {
    getCoil: (address, unit, done) => read(unit, (image) => image.bit('coil', address), done),
    getDiscreteInput: (address, unit, done) => read(unit, (image) => image.bit('discrete', address), done),
    getInputRegister: (address, unit, done) =>
      read(unit, (image) => image.registers('input', address, 1)?.[0], done),
    getHoldingRegister: (address, unit, done) =>
      read(unit, (image) => image.registers('holding', address, 1)?.[0], done),
    getMultipleInputRegisters: (address, length, unit, done) =>
      read(unit, (image) => image.registers('input', address, length), done),
    getMultipleHoldingRegisters: (address, length, unit, done) =>
      read(unit, (image) => image.registers('holding', address, length), done),
    setCoil: refuse,
    setRegister: refuse,
    setRegisterArray: refuse,
  };
}

/** @param port 0 takes a free one. @throws DeviceError `simulator-listen`. */
export async function serveTcp(vector: IServiceVector, host: string, port: number): Promise<ServedModbus> {
  // The library takes the number 0 for "not given" and listens on 502; the text '0' reaches the socket as it is.
  const server = new ServerTCP(vector, { host, port: String(port) as unknown as number });
  await new Promise<void>((resolve, reject) => {
    server.on('initialized', () => resolve());
    server.on('serverError' as 'error', (cause) => reject(listenError(`${host}:${port}`, cause)));
  });
  const { _server: socket } = server as unknown as { _server: Server };
  return {
    port: (socket.address() as AddressInfo).port,
    close: once(() => new Promise((resolve) => server.close(() => resolve()))),
  };
}

/** @throws DeviceError `simulator-listen`. */
export async function serveSerial(
  vector: IServiceVector,
  path: string,
  baudRate: number,
): Promise<ServedModbus> {
  const server = await new Promise<ServerSerial>((resolve, reject) => {
    const options = {
      path,
      baudRate,
      interval: RTU_REQUEST_GAP_MS,
      openCallback: (cause: Error | null) => {
        if (cause) reject(listenError(path, cause));
        else resolve(opened);
      },
    };
    const opened: ServerSerial = new ServerSerial(vector, options);
  });
  return { port: 0, close: once(() => new Promise((resolve) => server.close(() => resolve()))) };
}

function listenError(where: string, cause: unknown): DeviceError {
  return new DeviceError('simulator-listen', `cannot serve Modbus on ${where}`, { cause, facts: { where } });
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
