/** Runs the commands that arrive on `cmd/<name>` and answers each, so that nobody waits for nothing. */

import type { IPublishPacket } from 'mqtt';
import type { Clock } from '../../core/clock.ts';
import type { CommandTable } from '../../core/commands.ts';
import { DeliveryError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Millis, minutes } from '../../core/units.ts';
import { failed, type Outcome, parseRequest, type ReplyAddress, replyAddress } from './command-request.ts';
import type { Origin } from './envelope.ts';
import type { MqttMetrics } from './metrics.ts';

/** @returns false when there is no connection to answer over. */
export type SendReply = (address: ReplyAddress, payload: string) => boolean;

export interface CommandServerOptions {
  readonly origin: Origin;
  readonly commands: CommandTable;
  readonly reply: SendReply;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<MqttMetrics, 'commands'>;
}

interface Seen {
  readonly at: Millis;
  /** Undefined while the command runs. */
  reply: string | undefined;
}

const MAX_RUNNING = 4;
const MAX_WAITING = 16;
/** A request that comes again within this time is answered, not run, again. */
const MEMORY = minutes(10);
const MAX_SEEN = 256;

export class CommandServer {
  readonly #options: CommandServerOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;

  constructor(options: CommandServerOptions) {
    this.#options = options;
  }

  /** @param topic `…/cmd/<name>`. */
  handle(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const { log, metrics } = this.#options;
    const name = topic.slice(topic.lastIndexOf('/') + 1);
    if (packet.retain) {
      metrics.commands.labels('ignored-retained').inc();
      log.warn(
        { event: 'mqtt.command.retained', topic },
        `ignored a retained command: it would run at every connection`,
      );
      return;
    }
    const address = replyAddress(topic, packet);
    let request: ReturnType<typeof parseRequest>;
    try {
      request = parseRequest(name, payload);
    } catch (error) {
      this.#answer(address, name, undefined, failed(error));
      return;
    }
    const { id, args } = request;
    const key = requestKey(name, id, address);
    if (key !== undefined && this.#answeredBefore(key, address)) return;
    if (this.#running >= MAX_RUNNING && this.#waiting.length >= MAX_WAITING) {
      const busy = new DeliveryError(
        'busy',
        `${MAX_RUNNING} commands run and ${MAX_WAITING} wait; try again later`,
      );
      this.#answer(address, name, id, failed(busy));
      return;
    }
    const seen = this.#remember(key);
    this.#waiting.push(async () => {
      const outcome = await this.#run(name, args);
      seen.reply = this.#answer(address, name, id, outcome);
    });
    this.#next();
  }

  #next(): void {
    if (this.#running >= MAX_RUNNING) return;
    const job = this.#waiting.shift();
    if (!job) return;
    this.#running += 1;
    job().finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #run(name: string, args: unknown): Promise<Outcome> {
    const { commands, log } = this.#options;
    log.info({ event: 'mqtt.command.run', command: name }, `command '${name}'`);
    try {
      return { ok: true, result: await commands.run(name, args) };
    } catch (error) {
      log.warn({ event: 'mqtt.command.failed', command: name, err: error }, `command '${name}' failed`);
      return failed(error);
    }
  }

  #answer(address: ReplyAddress, command: string, id: string | undefined, outcome: Outcome): string {
    const { origin, reply, log, metrics } = this.#options;
    metrics.commands.labels(outcome.ok ? 'ok' : 'error').inc();
    const { site, node } = origin;
    const head = { schema: 'vigie.command-reply/1', site, node, command, ...(id !== undefined && { id }) };
    const payload = JSON.stringify({ ...head, ...outcome });
    if (!reply(address, payload)) {
      metrics.commands.labels('reply-lost').inc();
      log.warn(
        { event: 'mqtt.command.reply-lost', command },
        `no connection to answer command '${command}' over`,
      );
    }
    return payload;
  }

  /** QoS 1 may deliver a request twice, and a caller without an answer asks again. */
  #answeredBefore(key: string, address: ReplyAddress): boolean {
    const { clock, metrics, reply } = this.#options;
    const seen = this.#seen.get(key);
    if (!seen || clock.mono() - seen.at > MEMORY) return false;
    metrics.commands.labels('duplicate').inc();
    if (seen.reply !== undefined) reply(address, seen.reply);
    return true;
  }

  #remember(key: string | undefined): Seen {
    const seen: Seen = { at: this.#options.clock.mono(), reply: undefined };
    if (key === undefined) return seen;
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.keys().next().value!);
    return seen;
  }
}

/** What makes two requests the same; undefined when the caller gave nothing to tell them apart. */
function requestKey(name: string, id: string | undefined, address: ReplyAddress): string | undefined {
  if (address.correlationData)
    return `${name} ${address.topic} ${address.correlationData.toString('base64')}`;
  return id === undefined ? undefined : `${name} ${address.topic} id ${id}`;
}
