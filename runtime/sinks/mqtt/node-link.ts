/** Updates on the node's one connection to the broker: what ota/protocol/link.ts asks for, over reconnections. */

import type { MqttClient } from 'mqtt';
import type { Delivery, OnMessage, OtaLink } from '../../../ota/protocol/link.ts';
import { DeliveryError } from '../../core/errors.ts';
import { type Millis, seconds } from '../../core/units.ts';
import type { ControlLine } from './control-line.ts';

interface Subscription {
  readonly receivers: Set<OnMessage>;
  readonly covers: (topic: string) => boolean;
}

const ANSWER = seconds(10);
/** Bytes of blocks that wait for the socket: more would delay the node's own records. */
const MOST_WAITING_BYTES = 4 * 1024 ** 2;

export class NodeLink implements OtaLink {
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #underway = new Set<(error: DeliveryError) => void>();
  readonly #onReconnected = new Set<() => void>();
  readonly #answer: Millis;
  #client: MqttClient | undefined;
  #control: ControlLine | undefined;
  #waitingBytes = 0;
  /** So far: who finds another number has another broker, or one that forgot. */
  connections = 0;

  constructor(answer: Millis = ANSWER) {
    this.#answer = answer;
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  /** The broker may have forgotten everything: all is subscribed again. */
  up(client: MqttClient, control: ControlLine): void {
    this.#client = client;
    this.#control = control;
    this.connections += 1;
    for (const topic of this.#subscriptions.keys()) client.subscribe(topic, { qos: 1 }, () => {});
    for (const work of this.#onReconnected) work();
  }

  onReconnected(work: () => void): () => void {
    this.#onReconnected.add(work);
    return () => void this.#onReconnected.delete(work);
  }

  down(): void {
    this.#client = undefined;
    this.#control = undefined;
    for (const fail of [...this.#underway]) fail(unreachable('the connection to the broker broke'));
  }

  /** @returns false for a topic that nobody here asked for. */
  message(topic: string, payload: Buffer): boolean {
    let taken = false;
    for (const { receivers, covers } of this.#subscriptions.values()) {
      if (!covers(topic)) continue;
      taken = true;
      for (const receive of receivers) receive(topic, payload);
    }
    return taken;
  }

  publish(topic: string, payload: Uint8Array, { qos, retain }: Delivery): Promise<void> {
    const client = this.#client;
    if (!client) return Promise.reject(unreachable('there is no connection to the broker'));
    if (this.#waitingBytes + payload.length > MOST_WAITING_BYTES)
      return Promise.reject(unreachable('too much waits for the connection already'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#underway.add(reject);
    this.#waitingBytes += payload.length;
    const send = (done: () => void) =>
      void client.publish(topic, payload as Buffer, { qos, retain }, (cause) => {
        done();
        if (cause) reject(unreachable(`cannot publish on ${topic}`, cause));
        else resolve();
      });
    // What the broker acknowledges takes its turn among the records.
    if (qos === 0) send(() => {});
    else if (!this.#control?.send(send)) reject(unreachable('too many messages wait for the broker already'));
    return promise.finally(() => {
      this.#underway.delete(reject);
      this.#waitingBytes -= payload.length;
    });
  }

  async subscribe(topic: string, onMessage: OnMessage): Promise<() => void> {
    const client = this.#client;
    if (!client) throw unreachable('there is no connection to the broker');
    const subscription = this.#subscriptions.get(topic) ?? { receivers: new Set(), covers: filterOf(topic) };
    this.#subscriptions.set(topic, subscription);
    subscription.receivers.add(onMessage);
    try {
      // Asked again where it is subscribed already: the broker then sends what it retains to the new receiver too.
      await this.#ask(client, topic);
    } catch (error) {
      this.#forget(topic, onMessage);
      throw error;
    }
    return () => this.#forget(topic, onMessage);
  }

  #ask(client: MqttClient, topic: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#underway.add(reject);
    const late = setTimeout(
      () => reject(unreachable(`no answer to the subscription to ${topic}`)),
      this.#answer,
    );
    client.subscribe(topic, { qos: 1 }, (cause, granted) => {
      // 128 and above: refused.
      if (!cause && granted?.every(({ qos }) => qos < 128)) resolve();
      else reject(unreachable(`the broker refuses the subscription to ${topic}`, cause ?? undefined));
    });
    return promise.finally(() => {
      clearTimeout(late);
      this.#underway.delete(reject);
    });
  }

  #forget(topic: string, onMessage: OnMessage): void {
    const subscription = this.#subscriptions.get(topic);
    if (!subscription?.receivers.delete(onMessage) || subscription.receivers.size > 0) return;
    this.#subscriptions.delete(topic);
    this.#client?.unsubscribe(topic, () => {});
  }
}

function filterOf(filter: string): (topic: string) => boolean {
  if (!/[+#]/.test(filter)) return (topic) => topic === filter;
  const wanted = filter.split('/');
  return (topic) => {
    const given = topic.split('/');
    for (const [at, level] of wanted.entries()) {
      if (level === '#') return true;
      if (at >= given.length || (level !== '+' && level !== given[at])) return false;
    }
    return wanted.length === given.length;
  };
}

const unreachable = (text: string, cause?: unknown) =>
  new DeliveryError('ota-transport', text, { retryable: true, ...(cause !== undefined && { cause }) });
