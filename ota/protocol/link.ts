/** The narrow way to the broker: on a node its one MQTT connection, at the hub and in tests one of its own. */

export interface Delivery {
  /** 0: at most once, and lost without a word when the connection breaks. 1: until the broker has it. */
  readonly qos: 0 | 1;
  /** Whether the broker keeps it for those who subscribe later. */
  readonly retain: boolean;
}

/** @param payload the receiver's: nobody writes to it again. A receiver must not throw. */
export type OnMessage = (topic: string, payload: Uint8Array) => void;

export interface OtaLink {
  /** Left out where nobody knows. */
  readonly connected?: boolean;
  /** @throws DeliveryError `ota-transport` (retryable) without a connection; nothing is queued for later at QoS 0. */
  publish(topic: string, payload: Uint8Array, delivery: Delivery): Promise<void>;
  /**
   * Resolves once the broker confirmed it; holds over reconnections until the returned function is called.
   * @param topic may hold the wildcards `+` and `#`.
   * @throws DeliveryError `ota-transport` (retryable) where the broker refuses it, or did not answer in time.
   */
  subscribe(topic: string, onMessage: OnMessage): Promise<() => void>;
  /** Called whenever a broken connection is there again: the broker may have forgotten everything. @returns how to end it. */
  onReconnected?(work: () => void): () => void;
}
