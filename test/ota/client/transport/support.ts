/** A hub and nodes around a broker in memory. */

import { TIMING, type TransferTiming } from '../../../../ota/client/transport/limits.ts';
import { MqttSource, type MqttSourceOptions } from '../../../../ota/client/transport/mqtt-source.ts';
import {
  decodeRequest,
  encodeResponse,
  type Request,
  type Response,
} from '../../../../ota/protocol/frames.ts';
import type { OtaLink } from '../../../../ota/protocol/link.ts';
import { OtaTopics } from '../../../../ota/protocol/topics.ts';
import { Hub, type HubOptions } from '../../../../ota/publish/serve/hub.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { type Faults, MemoryBroker } from '../../../support/ota/memory-broker.ts';
import { PublicFolder } from '../../../support/ota/public-folder.ts';

export const topics = new OtaTopics('test');
export const NEVER = new AbortController().signal;

/** Waits a test can afford. */
export const FAST: TransferTiming = {
  ...TIMING,
  attempts: 5,
  shortestWait: millis(25),
  longestWait: millis(400),
  patience: millis(3000),
  broadcastQuiet: millis(100),
  announcedHold: millis(2000),
};

export interface Stage {
  readonly broker: MemoryBroker;
  readonly folder: PublicFolder;
  readonly hub: Hub;
  source(options?: Partial<MqttSourceOptions>, faults?: Faults): MqttSource;
  end(): void;
}

export async function stage(options: Partial<HubOptions> = {}, faults?: Faults): Promise<Stage> {
  const broker = new MemoryBroker();
  const folder = new PublicFolder();
  folder.metadata('timestamp.json', '{}');
  const clock = new SystemClock(() => true);
  const { directory } = folder;
  const hub = new Hub({
    link: broker.link(faults),
    topics,
    directory,
    clock,
    watchEvery: millis(20),
    ...options,
  });
  await hub.start();
  const sources: MqttSource[] = [];
  return {
    broker,
    folder,
    hub,
    source(other = {}, theirs) {
      const link = broker.link(theirs);
      const source = new MqttSource({ link, topics, node: 'n1', clock, timing: FAST, ...other });
      sources.push(source);
      return source;
    },
    end() {
      hub.stop();
      for (const source of sources) void source.close();
      folder.remove();
    },
  };
}

export interface Asked extends Request {
  readonly answer: (response: Partial<Response>) => void;
}

/** In the hub's place: somebody who answers as he likes, having heard each request. */
export async function impostor(broker: MemoryBroker, onRequest: (request: Asked) => void): Promise<OtaLink> {
  const link = broker.link();
  await link.subscribe(topics.allRequests, (topic, payload) => {
    const request = decodeRequest(payload);
    if (!request) return;
    onRequest({
      ...request,
      answer: (response) => {
        const { id, offset } = request;
        const whole = { id, offset, status: 'ok', total: 0, bytes: new Uint8Array(0), ...response } as const;
        broker.deliver(topics.response(topics.nodeOf(topic)!), encodeResponse(whole));
      },
    });
  });
  return link;
}
