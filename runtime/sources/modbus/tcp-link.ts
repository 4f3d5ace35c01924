/** Modbus TCP: one connection, answers told apart by transaction id, the header checked byte for byte. */

import { connect, type Socket } from 'node:net';
import { DeviceError, describeError } from '../../core/errors.ts';
import { millis } from '../../core/units.ts';
import { type Expected, expectedAnswer, isAnswer, withCrc } from './frame.ts';
import { Link, type LinkEvents } from './link.ts';

const HEADER_BYTES = 6;
/** Unit and PDU; the standard's most is 254. */
const MAX_ADU_BYTES = 254;
const MIN_ADU_BYTES = 3;
const CONNECT_TIMEOUT = millis(5000);
/** A peer that vanished is noticed by a time-out when polled; this is for the long silence of slow periods. */
const KEEP_ALIVE = millis(15_000);

interface Pending {
  readonly lane: number;
  readonly expected: Expected;
}

export interface TcpEndpoint {
  readonly host: string;
  readonly port: number;
}

/** @throws DeviceError `tcp-refused`, `tcp-unreachable` (both retryable). */
export async function connectTcp(
  endpoint: TcpEndpoint,
  events: LinkEvents,
  signal: AbortSignal,
): Promise<TcpLink> {
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
  socket.setKeepAlive(true, KEEP_ALIVE);
  const end = () => socket.destroy(new DeviceError('aborted', 'stopped while connecting'));
  const timer = setTimeout(
    () => socket.destroy(new DeviceError('timeout', `no connection after ${CONNECT_TIMEOUT} ms`)),
    CONNECT_TIMEOUT,
  );
  signal.addEventListener('abort', end, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } catch (cause) {
    throw explain(endpoint, cause);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
  return new TcpLink(socket, endpoint, events);
}

function explain({ host, port }: TcpEndpoint, cause: unknown): DeviceError {
  const refused = (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  const hint = refused
    ? 'the host is there but nothing listens: is Modbus TCP enabled on the device, and the port right?'
    : 'check power, cable, address and firewall';
  return new DeviceError(
    refused ? 'tcp-refused' : 'tcp-unreachable',
    `cannot connect to ${host}:${port}; ${hint}`,
    {
      cause,
      retryable: true,
      facts: { host, port },
    },
  );
}

export class TcpLink extends Link {
  /** Lane 0 for polls and writes, lane 1 for the probe of a unit that may be dead: nobody waits for it. */
  readonly lanes = 2;
  readonly gap = millis(0);
  readonly #socket: Socket;
  readonly #endpoint: TcpEndpoint;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, endpoint: TcpEndpoint, events: LinkEvents) {
    super(events);
    this.#socket = socket;
    this.#endpoint = endpoint;
    let reason: unknown = 'closed by the peer';
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => this.#lost(reason));
  }

  override write(frame: Buffer): void {
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    this.#pending.set(id, { lane: this._transactionIdWrite, expected: expectedAnswer(frame) });
    const adu = frame.subarray(0, -2);
    const packet = Buffer.allocUnsafe(HEADER_BYTES + adu.length);
    packet.writeUInt16BE(id, 0);
    packet.writeUInt16BE(0, 2);
    packet.writeUInt16BE(adu.length, 4);
    packet.set(adu, HEADER_BYTES);
    this.events.sent(packet.length);
    this.#socket.write(packet);
  }

  /** A peer that vanished without a word looks just like units that do not answer. */
  override worthRenewing(): boolean {
    return true;
  }

  override async close(): Promise<void> {
    this.#lost('closed here');
    this.#socket.destroy();
  }

  protected override forget(lane: number): boolean {
    for (const [id, pending] of this.#pending) if (pending.lane === lane) return this.#pending.delete(id);
    return false;
  }

  #take(chunk: Buffer): void {
    if (!this.isOpen) return;
    this.events.received(chunk.length);
    let data = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.isOpen && data.length >= HEADER_BYTES) {
      const length = data.readUInt16BE(4);
      if (data.readUInt16BE(2) !== 0 || length < MIN_ADU_BYTES || length > MAX_ADU_BYTES) {
        this.#desynchronised();
        return;
      }
      const end = HEADER_BYTES + length;
      if (data.length < end) break;
      this.#frame(data.readUInt16BE(0), data.subarray(HEADER_BYTES, end));
      data = data.subarray(end);
    }
    this.#received = data;
  }

  #frame(id: number, adu: Buffer): void {
    const pending = this.#pending.get(id);
    if (!pending) {
      this.events.discarded(1);
      return;
    }
    if (!isAnswer(adu, pending.expected)) {
      this.fail(pending.lane, 'bad-frame');
      return;
    }
    this.#pending.delete(id);
    this.deliver(pending.lane, withCrc(adu));
  }

  /** Bytes that are no header: where the next one begins nobody can know, so the connection starts over. */
  #desynchronised(): void {
    this.events.discarded(1);
    this.failAll('bad-frame');
    this.#lost('the peer sends something that is not Modbus TCP');
    this.#socket.destroy();
  }

  #lost(reason: unknown): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.failAll('disconnected');
    const { host, port } = this.#endpoint;
    const message = `connection to ${host}:${port} lost: ${describeError(reason)}`;
    this.events.lost(new DeviceError('tcp-lost', message, { retryable: true, facts: { host, port } }));
  }
}
