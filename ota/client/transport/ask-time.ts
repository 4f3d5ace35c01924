/** Asks the hub for the time. The reply is worth what its signature is: the clock judges it. */

import { DeliveryError } from '../../../runtime/core/errors.ts';
import { type Millis, seconds } from '../../../runtime/core/units.ts';
import type { OtaLink } from '../../protocol/link.ts';
import { decodeTimeReply, encodeTimeRequest, newNonce, type TimeReply } from '../../protocol/time.ts';
import type { OtaTopics } from '../../protocol/topics.ts';
import { pause, within } from './pause.ts';

export interface AskTimeOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  readonly node: string;
  readonly now: () => Millis;
  /** Whether a trusted time key signed it; the nonce was compared before. */
  readonly accept: (reply: TimeReply) => boolean;
  /** For one attempt (5 s). */
  readonly patience?: Millis;
  /** 3 */
  readonly attempts?: number;
  readonly nonce?: () => Uint8Array;
}

export interface AskedTime {
  readonly reply: TimeReply;
  /** Monotonic, when the request left and the reply came: the signed moment lies between. */
  readonly askedAt: Millis;
  readonly repliedAt: Millis;
}

/** Replies under a fresh nonce that are looked at: each costs a verification. */
const MOST_REPLIES = 8;

/** @throws DeliveryError `ota-transport` (retryable) when no acceptable reply came; the signal's reason. */
export async function askTime(options: AskTimeOptions, signal: AbortSignal): Promise<AskedTime> {
  const { topics, node, attempts = 3, patience = seconds(5) } = options;
  for (let attempt = 0; attempt < attempts && options.link.connected !== false; attempt++) {
    const asked = await askOnce(options, patience, signal);
    if (asked) return asked;
  }
  const text = `no trusted answer on ${topics.timeResponse(node)} in ${attempts} attempts`;
  throw new DeliveryError('ota-transport', text, { retryable: true });
}

async function askOnce(
  { link, topics, node, now, accept, nonce: makeNonce = newNonce }: AskTimeOptions,
  patience: Millis,
  signal: AbortSignal,
): Promise<AskedTime | undefined> {
  const nonce = makeNonce();
  const { promise, resolve } = Promise.withResolvers<AskedTime>();
  let looked = 0;
  let askedAt = now();
  let leave: (() => void) | undefined;
  try {
    leave = await link.subscribe(topics.timeResponse(node), (_topic, payload) => {
      const reply = decodeTimeReply(payload);
      // Recorded earlier, or meant for somebody else.
      if (!reply || Buffer.compare(reply.nonce, nonce) !== 0 || looked >= MOST_REPLIES) return;
      looked += 1;
      if (accept(reply)) resolve({ reply, askedAt, repliedAt: now() });
    });
    askedAt = now();
    await link.publish(topics.timeRequest(node), encodeTimeRequest(nonce), { qos: 0, retain: false });
    return await within(promise, patience, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DeliveryError && error.retryable)) throw error;
    // Without a connection the answer comes at once: it is no reason to hurry.
    await pause(patience, signal);
    return undefined;
  } finally {
    leave?.();
  }
}
