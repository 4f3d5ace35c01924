/** The process's end of the socket to the node. */

import { Socket } from 'node:net';
import { describeError } from '../core/errors.ts';
import { encodeMessage, MessageReader } from '../sources/camera/framing.ts';
import type { FromVision, ToVision } from '../sources/camera/messages.ts';

/** More than this waiting to be read: the node is stuck, or far too slow, and results are dropped and counted. */
const MOST_WAITING = 8 * 1024 * 1024;

export class Link {
  readonly #socket: Socket;

  /** @param onMessage of the node's. @param onEnd the node closed its end, is gone, or speaks nonsense. */
  constructor(fd: number, onMessage: (message: ToVision) => void, onEnd: (why: string) => void) {
    const reader = new MessageReader<ToVision>();
    this.#socket = new Socket({ fd });
    this.#socket.on('data', (piece: Buffer) => {
      try {
        for (const { message } of reader.read(piece)) onMessage(message);
      } catch (error) {
        onEnd(describeError(error));
      }
    });
    this.#socket.once('end', () => onEnd('the node ended it'));
    this.#socket.once('error', (error) => onEnd(error.message));
  }

  /** @returns false when it was dropped because too much waits already. */
  send(message: FromVision, bytes?: Uint8Array): boolean {
    if (this.#socket.writableLength > MOST_WAITING || !this.#socket.writable) return false;
    for (const part of encodeMessage(message, bytes)) this.#socket.write(part);
    return true;
  }
}
