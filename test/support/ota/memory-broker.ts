/** A broker in memory whose links may lose, double and swap messages; what each publishes can be watched and forged. */

import type { OnMessage, OtaLink } from '../../../ota/protocol/link.ts';
import { DeliveryError } from '../../../runtime/core/errors.ts';
import type { Random } from '../../../simulator/random.ts';

export interface Faults {
  readonly random: Random;
  /** Chance of each message, 0 to 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** Chance of coming up to 20 ms late, and thus out of turn. */
  readonly late?: number;
}

interface Subscription {
  readonly filter: RegExp;
  readonly onMessage: OnMessage;
}

export class MemoryBroker {
  /** False: nobody is connected. */
  up = true;
  /** By first levels of the topic behind the version: `req`, `res`, `blob`. */
  readonly bytes: Record<string, number> = {};
  readonly #subscriptions = new Set<Subscription>();
  readonly #retained = new Map<string, Uint8Array>();

  link(faults?: Faults): OtaLink {
    return {
      publish: async (topic, payload, { retain }) => {
        if (!this.up) throw new DeliveryError('ota-transport', 'no broker', { retryable: true });
        const kind = topic.split('/')[4] ?? '';
        this.bytes[kind] = (this.bytes[kind] ?? 0) + payload.length;
        if (retain) this.#retained.set(topic, payload);
        const copies = faults ? copiesUnder(faults) : [0];
        for (const late of copies) this.deliver(topic, payload, late);
      },
      subscribe: async (topic, onMessage) => {
        if (!this.up) throw new DeliveryError('ota-transport', 'no broker', { retryable: true });
        const subscription = { filter: filterOf(topic), onMessage };
        this.#subscriptions.add(subscription);
        for (const [name, payload] of this.#retained)
          if (subscription.filter.test(name)) setImmediate(() => onMessage(name, payload));
        return () => this.#subscriptions.delete(subscription);
      },
    };
  }

  /** As if somebody had published it. */
  deliver(topic: string, payload: Uint8Array, late = 0): void {
    const go = () => {
      if (!this.up) return;
      for (const { filter, onMessage } of this.#subscriptions)
        if (filter.test(topic)) onMessage(topic, Buffer.from(payload));
    };
    if (late > 0) setTimeout(go, late);
    else setImmediate(go);
  }
}

/** How late each copy comes. */
function copiesUnder({ random, loss = 0, duplicate = 0, late = 0 }: Faults): number[] {
  const copies = random.next() < loss ? 0 : random.next() < duplicate ? 2 : 1;
  return Array.from({ length: copies }, () => (random.next() < late ? random.between(1, 20) : 0));
}

function filterOf(topic: string): RegExp {
  const levels = topic.split('/').map((level) => {
    if (level === '+') return '[^/]+';
    return level === '#' ? '.*' : level.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${levels.join('/')}$`);
}
