/** Modbus devices for tests: written apart from the runtime, so that one cannot share the other's mistakes. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Asked {
  readonly unit: number;
  readonly fn: number;
  readonly address: number;
  /** Registers or coils read; the word or words' count of a write. */
  readonly count: number;
  /** Unit, function and body. */
  readonly adu: Buffer;
}

/** What a device does with a request: answers (unit, function, body), says nothing, or takes its time. */
export type Behaviour = (asked: Asked) => Buffer | undefined | Promise<Buffer | undefined>;

/** Holding register `address` of unit `unit` reads as this in `plain`. */
export const registerValue = (unit: number, address: number) => (unit * 1000 + address) & 0xffff;

/** A device with every register and coil there is. */
export const plain: Behaviour = (asked) => read(asked, (address) => registerValue(asked.unit, address));

/** Answers a read with `value(address)` per register or, of its lowest bit, coil; repeats a write. */
export function read({ unit, fn, address, count, adu }: Asked, value: (address: number) => number): Buffer {
  if (fn > 4) return Buffer.from(adu.subarray(0, fn === 22 ? 8 : 6));
  const size = fn <= 2 ? Math.ceil(count / 8) : count * 2;
  const answer = Buffer.alloc(3 + size);
  answer.set([unit, fn, size]);
  for (let i = 0; i < count; i++) {
    if (fn > 2) answer.writeUInt16BE(value(address + i) & 0xffff, 3 + i * 2);
    else if (value(address + i) & 1) answer[3 + (i >> 3)]! |= 1 << (i & 7);
  }
  return answer;
}

export function exception({ unit, fn }: Asked, code: number): Buffer {
  return Buffer.from([unit, fn | 0x80, code]);
}

function parse(adu: Buffer): Asked {
  return { unit: adu[0]!, fn: adu[1]!, address: adu.readUInt16BE(2), count: adu.readUInt16BE(4), adu };
}

export function mbap(id: number, adu: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(adu.length, 4);
  return Buffer.concat([header, adu]);
}

/** Modbus TCP on a free port of the loopback interface. */
export class TcpDevice {
  behaviour: Behaviour;
  /** What to do with the bytes of an answer; sent as they are by default. */
  transmit = (socket: Socket, packet: Buffer): void => {
    socket.write(packet);
  };
  readonly asked: Asked[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  port = 0;
  #server: Server | undefined;

  constructor(behaviour: Behaviour = plain) {
    this.behaviour = behaviour;
  }

  async listen(port = 0): Promise<number> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as { port: number }).port;
    return this.port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  count(unit: number): number {
    return this.asked.filter((asked) => asked.unit === unit).length;
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.sockets.add(socket);
    socket.setNoDelay();
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    let data: Buffer = Buffer.alloc(0);
    socket.on('data', async (chunk) => {
      data = Buffer.concat([data, chunk]);
      while (data.length >= 6 && data.length >= 6 + data.readUInt16BE(4)) {
        const [id, end] = [data.readUInt16BE(0), 6 + data.readUInt16BE(4)];
        const asked = parse(Buffer.from(data.subarray(6, end)));
        data = data.subarray(end);
        this.asked.push(asked);
        void Promise.resolve(this.behaviour(asked)).then((answer) => {
          if (answer && !socket.destroyed) this.transmit(socket, mbap(id, answer));
        });
      }
    });
  }
}

const started: TcpDevice[] = [];

/** A device that listens until `closeDevices`. */
export async function startDevice(behaviour?: Behaviour): Promise<TcpDevice> {
  const device = new TcpDevice(behaviour);
  started.push(device);
  await device.listen();
  return device;
}

/** For `test.after`. */
export async function closeDevices(): Promise<void> {
  for (const device of started.splice(0)) await device.close();
}

export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

export function rtu(adu: Uint8Array): Buffer {
  const frame = Buffer.alloc(adu.length + 2);
  frame.set(adu);
  frame.writeUInt16LE(crc16(adu), adu.length);
  return frame;
}

/** A serial bus: a pseudo-terminal at `link` whose far side is this process. */
export class RtuBus {
  behaviour: Behaviour;
  readonly asked: Asked[] = [];
  transmit = (frame: Buffer): void => {
    this.#socat?.stdin?.write(frame);
  };
  #socat: ChildProcess | undefined;

  constructor(behaviour: Behaviour = plain) {
    this.behaviour = behaviour;
  }

  async plug(link: string): Promise<void> {
    const socat = spawn('socat', [`pty,rawer,link=${link}`, '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#socat = socat;
    socat.stdin.on('error', () => {});
    let data: Buffer = Buffer.alloc(0);
    socat.stdout.on('data', (chunk: Buffer) => {
      data = Buffer.concat([data, chunk]);
      for (let length = requestLength(data); length > 0; length = requestLength(data)) {
        const asked = parse(Buffer.from(data.subarray(0, length - 2)));
        data = data.subarray(length);
        this.asked.push(asked);
        void Promise.resolve(this.behaviour(asked)).then((answer) => answer && this.transmit(rtu(answer)));
      }
    });
    await until(() => existsSync(link));
  }

  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = undefined;
    if (!socat) return;
    const gone = new Promise((resolve) => socat.once('exit', resolve));
    socat.kill('SIGKILL');
    await gone;
  }

  count(unit: number): number {
    return this.asked.filter((asked) => asked.unit === unit).length;
  }
}

/** Bytes of the whole request frame at the start, 0 while it is incomplete. */
function requestLength(data: Buffer): number {
  if (data.length < 8) return 0;
  const fn = data[1]!;
  const length = fn === 15 || fn === 16 ? 9 + data[6]! : fn === 22 ? 10 : 8;
  return data.length >= length ? length : 0;
}

/** Waits for a condition, for up to 20 s. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 10) {
    if (waited > 20_000) throw new Error(`${what} did not come true within 20 s`);
    await sleep(10);
  }
}
