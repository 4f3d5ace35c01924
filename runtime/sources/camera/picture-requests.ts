/** Pictures that were asked of a vision process and did not come yet. */

import { DeviceError } from '../../core/errors.ts';
import { type Millis, seconds } from '../../core/units.ts';
import type { CapturedPicture, PictureReply, PictureWish, ToVision } from './messages.ts';

const LIMIT: Millis = seconds(5);
const MOST_WAITING = 32;

interface Waiting {
  readonly camera: string;
  readonly resolve: (picture: CapturedPicture) => void;
  readonly reject: (error: DeviceError) => void;
  readonly timer: NodeJS.Timeout;
}

export class PictureRequests {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  /** @throws (rejects) DeviceError `no-picture`, retryable. */
  ask(camera: string, wish: PictureWish, send: (message: ToVision) => void): Promise<CapturedPicture> {
    if (this.#waiting.size >= MOST_WAITING) {
      return Promise.reject(failure(camera, `${MOST_WAITING} pictures are being made already`));
    }
    const request = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(request, `none came within ${LIMIT / 1000} s`), LIMIT);
      this.#waiting.set(request, { camera, resolve, reject, timer });
      send({ type: 'picture', camera, request, ...wish });
    });
  }

  /** @param jpeg the message's bytes, which are copied: they lie in the socket's buffer. */
  settle(reply: PictureReply, jpeg: Uint8Array): void {
    if (reply.problem !== undefined) {
      this.#fail(reply.request, reply.problem);
      return;
    }
    const waiting = this.#take(reply.request);
    const { sequence, capturedAt, width, height } = reply;
    waiting?.resolve({
      camera: waiting.camera,
      sequence,
      capturedAt,
      width,
      height,
      jpeg: Uint8Array.from(jpeg),
    });
  }

  /** The process is gone. */
  failAll(why: string): void {
    for (const request of [...this.#waiting.keys()]) this.#fail(request, why);
  }

  #fail(request: number, why: string): void {
    const waiting = this.#take(request);
    waiting?.reject(failure(waiting.camera, why));
  }

  #take(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

function failure(camera: string, why: string): DeviceError {
  return new DeviceError('no-picture', `camera '${camera}' gives no picture: ${why}`, { retryable: true });
}
