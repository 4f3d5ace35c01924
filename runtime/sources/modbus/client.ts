/** modbus-serial's client over one of our links: a request in, its outcome out, never an exception. */

import type { Millis } from '../../core/units.ts';
import type { Outcome, Request } from './exchange.ts';
import type { Link } from './link.ts';

type Callback = (error: { modbusCode?: number } | null, result?: { buffer?: Uint8Array }) => void;

/** The part of modbus-serial's class that is used here; its own types leave out the callback's error. */
interface ModbusRtu {
  open(callback: (error: unknown) => void): void;
  writeFC1(unit: number, address: number, count: number, next: Callback): void;
  writeFC2(unit: number, address: number, count: number, next: Callback): void;
  writeFC3(unit: number, address: number, count: number, next: Callback): void;
  writeFC4(unit: number, address: number, count: number, next: Callback): void;
  writeFC5(unit: number, address: number, on: boolean, next: Callback): void;
  writeFC6(unit: number, address: number, word: number, next: Callback): void;
  writeFC15(unit: number, address: number, on: readonly boolean[], next: Callback): void;
  writeFC16(unit: number, address: number, words: readonly number[], next: Callback): void;
  writeFC22(unit: number, address: number, and: number, or: number, next: Callback): void;
}

const EMPTY = new Uint8Array(0);

type ModbusConstructor = new (port: Link) => ModbusRtu;

/** modbus-serial's class; loaded while the first link opens, so that a node without Modbus never pays for it. */
export async function loadModbus(): Promise<ModbusConstructor> {
  return ((await import('modbus-serial')) as unknown as { default: ModbusConstructor }).default;
}

export class Client {
  readonly link: Link;
  readonly #modbus: ModbusRtu;

  constructor(Modbus: ModbusConstructor, link: Link) {
    this.link = link;
    this.#modbus = new Modbus(link);
    this.#modbus.open(() => {});
  }

  /** @param lane which must be free. @param timeout from the moment the request is handed to the line. */
  exchange(lane: number, unit: number, request: Request, timeout: Millis): Promise<Outcome> {
    const { link } = this;
    if (!link.isOpen) return Promise.resolve({ kind: 'disconnected' });
    return new Promise((resolve) => {
      // The answer may lie in the socket while a busy process comes to its timers first: it is read before the
      // verdict falls. That is why the client's own time-out is not used.
      let verdict: NodeJS.Immediate | undefined;
      const timer = setTimeout(() => {
        verdict = setImmediate(() => link.fail(lane, 'timeout'));
      }, timeout);
      link._transactionIdWrite = lane;
      this.#send(unit, request, (error, result) => {
        clearTimeout(timer);
        clearImmediate(verdict);
        if (!error) resolve({ kind: 'answer', data: result?.buffer ?? EMPTY });
        else if (error.modbusCode === undefined) resolve({ kind: link.takeFault(lane) ?? 'bad-frame' });
        else resolve({ kind: 'exception', code: error.modbusCode });
      });
    });
  }

  #send(unit: number, request: Request, done: Callback): void {
    const { address } = request;
    const modbus = this.#modbus;
    switch (request.fn) {
      case 1:
        modbus.writeFC1(unit, address, request.count, done);
        return;
      case 2:
        modbus.writeFC2(unit, address, request.count, done);
        return;
      case 3:
        modbus.writeFC3(unit, address, request.count, done);
        return;
      case 4:
        modbus.writeFC4(unit, address, request.count, done);
        return;
      case 5:
        modbus.writeFC5(unit, address, request.on, done);
        return;
      case 6:
        modbus.writeFC6(unit, address, request.word, done);
        return;
      case 15:
        modbus.writeFC15(unit, address, [request.on], done);
        return;
      case 16:
        modbus.writeFC16(unit, address, request.words, done);
        return;
      case 22:
        modbus.writeFC22(unit, address, request.and, request.or, done);
        return;
    }
  }
}
