/** Signs the time for whoever sends a nonce, within limits: each signature costs, and the key signs nothing else. */

import type { EpochMillis } from '../../../runtime/core/units.ts';
import { decodeTimeRequest, encodeTimeReply, type TimeKey } from '../../protocol/time.ts';

/** Signatures in a second, for all nodes: a fleet of thousands asks once a boot and once a day. */
const MOST_PER_SECOND = 200;
const MOST_PER_NODE = 4;

export class TimeAnswers {
  readonly #key: TimeKey;
  #second = Number.NaN;
  #signed = 0;
  readonly #byNode = new Map<string, number>();

  constructor(key: TimeKey) {
    this.#key = key;
  }

  /** @returns undefined for what is no request, or one too many. */
  reply(node: string, request: Uint8Array, wall: EpochMillis, mono: number): Uint8Array | undefined {
    const nonce = decodeTimeRequest(request);
    if (!nonce) return undefined;
    const second = Math.floor(mono / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#signed = 0;
      this.#byNode.clear();
    }
    const mine = this.#byNode.get(node) ?? 0;
    if (this.#signed >= MOST_PER_SECOND || mine >= MOST_PER_NODE) return undefined;
    this.#signed += 1;
    this.#byNode.set(node, mine + 1);
    return encodeTimeReply(nonce, wall, this.#key);
  }
}
