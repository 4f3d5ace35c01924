/** What the drain is given, and what each connection gives it. */

import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { OutboundQueue } from '../../core/messages.ts';
import type { Envelope } from './envelope.ts';
import type { MqttMetrics } from './metrics.ts';
import type { LoadSnapshot, PayloadProperties } from './snapshot-message.ts';

/**
 * @param done `code` is the PUBACK's reason code, 0 … 127 when the broker has the record; not called when the connection breaks.
 * @param properties of a payload that is no JSON.
 */
export type Publish = (
  topic: string,
  payload: string | Buffer,
  done: (code: number) => void,
  properties?: PayloadProperties,
) => void;

export interface LineLimits {
  /** MQTT 5 receive maximum of the broker. */
  readonly receiveMaximum: number;
  /** Largest packet the broker takes, bytes. */
  readonly maximumPacketSize: number;
  /** Places of the receive maximum that other messages take. */
  readonly claimed: () => number;
}

export interface DrainOptions {
  readonly queue: OutboundQueue;
  readonly envelope: Envelope;
  readonly loadSnapshot: LoadSnapshot;
  readonly topicPrefix: string;
  readonly bootId: string;
  readonly window: number;
  /** Health and readings; events never wait. */
  readonly perSecond: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MqttMetrics;
}
