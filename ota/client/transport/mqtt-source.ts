/** A repository behind MQTT: metadata by name, blobs by hash, from a hub that nobody trusts. */

import type { Clock } from '../../../runtime/core/clock.ts';
import { DeliveryError } from '../../../runtime/core/errors.ts';
import { seconds } from '../../../runtime/core/units.ts';
import type { Announcement } from '../../protocol/announce.ts';
import { MOST_CONTENT } from '../../protocol/frames.ts';
import type { OtaLink } from '../../protocol/link.ts';
import { METADATA_NAME } from '../../protocol/public-tree.ts';
import type { OtaTopics } from '../../protocol/topics.ts';
import { BLOCK_BYTES, type BlobSink, type BlobSource } from '../blob-source.ts';
import type { MetadataSource } from '../tuf/parts.ts';
import { Broadcasts } from './broadcasts.ts';
import { newCounters, type TransferCounters } from './counters.ts';
import { Asked, Exchange } from './exchange.ts';
import { minuteOfDay, opensIn } from './hours.ts';
import { NO_LIMITS, TIMING, type TransferLimits, type TransferTiming } from './limits.ts';
import { Pace } from './pace.ts';
import { Transfer } from './transfer.ts';

export interface MqttSourceOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  /** This node, as in its topics. */
  readonly node: string;
  readonly clock: Pick<Clock, 'mono' | 'wall' | 'timeQuality'>;
  readonly limits?: TransferLimits;
  /** Other than TIMING. */
  readonly timing?: Partial<TransferTiming>;
  readonly random?: () => number;
}

/** A transfer that takes longer may meet a broadcast whose announcement this node did not see. */
const LISTEN_AFTER = seconds(2);

export class MqttSource implements MetadataSource, BlobSource {
  readonly counters: TransferCounters = newCounters();
  readonly #options: MqttSourceOptions;
  readonly #timing: TransferTiming;
  readonly #limits: TransferLimits;
  readonly #exchange: Exchange;
  readonly #broadcasts: Broadcasts;
  readonly #pace: Pace;

  constructor(options: MqttSourceOptions) {
    const { link, topics, node, clock, limits = NO_LIMITS, timing, random = Math.random } = options;
    const { counters } = this;
    this.#options = options;
    this.#limits = limits;
    this.#timing = slowedTo(limits.bytesPerSecond, { ...TIMING, ...timing });
    this.#pace = new Pace(limits.bytesPerSecond, BLOCK_BYTES);
    this.#broadcasts = new Broadcasts({ link, topics, counters });
    const now = () => clock.mono();
    this.#exchange = new Exchange({ link, topics, node, now, timing: this.#timing, counters, random });
  }

  /** What the hub says it will broadcast is listened for, and waited for a little. */
  announced(announcement: Announcement): void {
    this.#broadcasts.announced(announcement);
  }

  async metadata(path: string, mostBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!METADATA_NAME.test(path)) return undefined;
    // A look begins with metadata: whoever asked for it need not wait a minute to learn that there is no broker.
    if (this.#options.link.connected === false)
      throw new DeliveryError('ota-transport', 'there is no connection to the broker', { retryable: true });
    const first = await this.#chunk(path, 0, Math.min(MOST_CONTENT, mostBytes), signal);
    if (!first) return undefined;
    if (first.total > mostBytes) throw tooLong(path, first.total, mostBytes);
    const chunks = [first.bytes];
    for (let at = first.bytes.length; at < first.total; ) {
      const chunk = await this.#chunk(path, at, Math.min(MOST_CONTENT, first.total - at), signal);
      // Replaced meanwhile: whoever reads it starts again.
      if (chunk?.total !== first.total) throw changed(path);
      chunks.push(chunk.bytes);
      at += chunk.bytes.length;
    }
    return chunks.length === 1 ? first.bytes : Buffer.concat(chunks);
  }

  /** @throws DeliveryError `ota-outside-hours` (retryable) too, with `facts.opensInMs`. */
  async fetch(sink: BlobSink, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const kept = this.#broadcasts.kept(sink.sha256);
    if (kept && sink.count === 1 && kept.length === sink.length && sink.wants(0)) await sink.write(0, kept);
    if (sink.missing === 0) return;
    const { clock } = this.#options;
    const announced = sink.length > BLOCK_BYTES && this.#broadcasts.isAnnounced(sink.sha256);
    const transfer = new Transfer({
      sink,
      announced,
      exchange: this.#exchange,
      pace: this.#pace,
      timing: this.#timing,
      counters: this.counters,
      now: () => clock.mono(),
      mayAsk: () => this.#checkHours(),
    });
    const leave = this.#listen(transfer, sink.sha256, announced ? 0 : LISTEN_AFTER);
    try {
      await transfer.run(signal);
    } finally {
      leave();
    }
  }

  /** Ends its subscriptions; a fetch under way is ended by its signal. */
  async close(): Promise<void> {
    this.#broadcasts.close();
    await this.#exchange.close();
  }

  async #chunk(path: string, offset: number, length: number, signal: AbortSignal) {
    let chunk: { readonly total: number; readonly bytes: Uint8Array } | undefined;
    const asked = new Asked({
      subject: { metadata: path },
      offset,
      length,
      absenceAnswers: true,
      take: async ({ total, bytes }) => {
        chunk ??= { total, bytes };
        return true;
      },
    });
    await this.#exchange.ask(asked, signal);
    return chunk;
  }

  /** Without waiting: until the broker confirms it, blocks are asked for. @returns what ends it. */
  #listen(transfer: Transfer, sha256: string, after: number): () => void {
    const { link, topics } = this.#options;
    let leaving: Promise<() => void> | undefined;
    const timer = setTimeout(() => {
      leaving = link.subscribe(topics.allBlocks(sha256), (topic, bytes) => {
        const block = topics.blockOf(topic);
        if (block) transfer.offer(block.index, bytes);
      });
      leaving.catch(() => undefined);
    }, after);
    return () => {
      clearTimeout(timer);
      leaving?.then(
        (leave) => leave(),
        () => undefined,
      );
    };
  }

  /** A clock that was never set cannot say that it is too early. */
  #checkHours(): void {
    const { clock } = this.#options;
    const { hours } = this.#limits;
    if (hours.length === 0 || clock.timeQuality() !== 'synced') return;
    const wait = opensIn(hours, minuteOfDay(clock.wall()));
    if (wait > 0) throw outsideHours(wait);
  }
}

/** Who asks for little must not call the answer slow. */
function slowedTo(bytesPerSecond: number | undefined, timing: TransferTiming): TransferTiming {
  if (bytesPerSecond === undefined) return timing;
  return { ...timing, leastBytesPerSecond: Math.min(timing.leastBytesPerSecond, bytesPerSecond / 4) };
}

function tooLong(path: string, total: number, mostBytes: number): DeliveryError {
  const text = `${path} has ${total} bytes; at most ${mostBytes} are read`;
  return new DeliveryError('ota-too-long', text, { facts: { path, total, mostBytes } });
}

function changed(path: string): DeliveryError {
  return new DeliveryError('ota-transport', `${path} changed while it was read`, {
    retryable: true,
    facts: { path },
  });
}

function outsideHours(opensInMs: number): DeliveryError {
  const text = `downloads are allowed again in ${Math.ceil(opensInMs / 60_000)} min`;
  return new DeliveryError('ota-outside-hours', text, { retryable: true, facts: { opensInMs } });
}
