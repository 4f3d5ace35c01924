/**
 * The hub: what a fleet asks for, out of a repository's public folder. It needs a broker and nothing else, holds no
 * signing key but the time key, and whoever takes its place can only withhold.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../../../runtime/core/clock.ts';
import { describeError } from '../../../runtime/core/errors.ts';
import { type Millis, millis, seconds } from '../../../runtime/core/units.ts';
import { type AnnouncedBlob, encodeAnnouncement } from '../../protocol/announce.ts';
import { decodeRequest, encodeResponse, type Request, type Response } from '../../protocol/frames.ts';
import type { OtaLink } from '../../protocol/link.ts';
import { PublicTree } from '../../protocol/public-tree.ts';
import type { TimeKey } from '../../protocol/time.ts';
import type { OtaTopics } from '../../protocol/topics.ts';
import { answer } from './answer.ts';
import { BROADCAST_TIMING, type BroadcastTiming, broadcast } from './broadcast.ts';
import { OnDemand } from './on-demand.ts';
import { QUEUE_LIMITS, type QueueLimits, RequestQueue, type Waiting } from './request-queue.ts';
import { TimeAnswers } from './time-answers.ts';

/** Since the start. */
export interface HubCounters {
  requests: number;
  answers: number;
  /** Content in answers. */
  bytesAnswered: number;
  /** Content of broadcast blocks. */
  bytesBroadcast: number;
  /** Broadcasts that began since enough nodes asked for the same. */
  broadcasts: number;
  /** Messages that are no request, and requests beyond a node's share. */
  refused: number;
  timeReplies: number;
  announcements: number;
  /** Answers that could not be read or sent. */
  failures: number;
}

export interface HubOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  /** Of the repository's public tree. */
  readonly directory: string;
  readonly clock: Pick<Clock, 'mono' | 'wall'>;
  /** Without one the time is not told. */
  readonly timeKey?: TimeKey;
  readonly limits?: Partial<QueueLimits>;
  /** So many nodes that ask for the same blob at a time get it by one broadcast; left out: each is answered. */
  readonly broadcastFrom?: number;
  /** Of broadcasts that begin so, bytes a second (4 MiB). */
  readonly broadcastRate?: number;
  /** Between two looks at timestamp.json (2 s). */
  readonly watchEvery?: Millis;
  /** What happened, for people. */
  readonly onEvent?: (text: string) => void;
  readonly onChanged?: () => void;
}

/** Answers that are being read or sent. */
const AT_ONCE = 16;
/** When requests wait for their node's share. */
const TURN_MS = 10;
const BUSY_EVERY_MS = 1000;
const MOST_TIMESTAMP = 16 * 1024;

export class Hub {
  readonly counters: HubCounters = {
    requests: 0,
    answers: 0,
    bytesAnswered: 0,
    bytesBroadcast: 0,
    broadcasts: 0,
    refused: 0,
    timeReplies: 0,
    announcements: 0,
    failures: 0,
  };
  readonly #options: HubOptions;
  readonly #tree: PublicTree;
  readonly #queue: RequestQueue;
  readonly #times: TimeAnswers | undefined;
  readonly #onDemand: OnDemand | undefined;
  readonly #leave: (() => void)[] = [];
  readonly #end = new AbortController();
  readonly #busyAt = new Map<string, number>();
  #broadcasting: readonly AnnouncedBlob[] = [];
  #active = 0;
  #turn: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #timestamp = '';
  #announced = '';

  constructor(options: HubOptions) {
    const { directory, limits, timeKey } = options;
    this.#options = options;
    this.#tree = new PublicTree(directory);
    this.#queue = new RequestQueue({ ...QUEUE_LIMITS, ...limits });
    this.#times = timeKey && new TimeAnswers(timeKey);
    this.#onDemand = this.#broadcastsOnDemand();
  }

  get tree(): PublicTree {
    return this.#tree;
  }

  /** @throws DeliveryError `ota-transport`; StorageError `ota-repository-read` */
  async start(): Promise<void> {
    const { link, topics, watchEvery = seconds(2) } = this.#options;
    this.#leave.push(
      await link.subscribe(topics.allRequests, (topic, payload) => this.#request(topic, payload)),
    );
    if (this.#times)
      this.#leave.push(
        await link.subscribe(topics.allTimeRequests, (topic, payload) => this.#timeRequest(topic, payload)),
      );
    // A broker that keeps nothing over a restart has lost the announcement, and with it who comes to listen later.
    const again = link.onReconnected?.(() => {
      this.#announced = '';
      this.#announce().catch((error) => this.#failed(error));
    });
    if (again) this.#leave.push(again);
    await this.#look();
    const look = () => {
      this.#watch = setTimeout(async () => {
        await this.#look().catch((error) => this.#failed(error));
        if (!this.#end.signal.aborted) look();
      }, watchEvery);
    };
    if (!this.#end.signal.aborted) look();
  }

  /** Idempotent. */
  stop(): void {
    this.#end.abort();
    clearTimeout(this.#watch);
    clearTimeout(this.#turn);
    for (const leave of this.#leave.splice(0)) leave();
  }

  /**
   * Announces the blobs, gives nodes time to listen, sends each block once. One broadcast at a time. It does not take
   * `start`: another hub may answer what nodes ask.
   * @param blobs SHA-256 of each. @returns bytes of content sent.
   * @throws InputError `ota-no-blob`; DeliveryError `ota-transport`; the signal's reason.
   */
  async broadcast(
    blobs: readonly string[],
    {
      signal = this.#end.signal,
      timing,
      onProgress = () => undefined,
    }: {
      readonly signal?: AbortSignal;
      readonly timing?: Partial<BroadcastTiming>;
      readonly onProgress?: (sent: number, total: number) => void;
    } = {},
  ): Promise<number> {
    const { link, topics, clock } = this.#options;
    const { setTimeout: sleep } = await import('node:timers/promises');
    await this.#look();
    const before = this.counters.bytesBroadcast;
    return broadcast(blobs, {
      link,
      topics,
      tree: this.#tree,
      now: () => clock.mono(),
      timing: { ...BROADCAST_TIMING, ...timing },
      pause: async (ms) => {
        await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
      },
      announce: async (announced) => {
        this.#broadcasting = announced;
        await this.#announce();
      },
      onProgress: (sent, total) => {
        this.counters.bytesBroadcast = before + sent;
        onProgress(sent, total);
      },
    });
  }

  #broadcastsOnDemand(): OnDemand | undefined {
    const { broadcastFrom, broadcastRate, clock, onEvent } = this.#options;
    if (broadcastFrom === undefined) return undefined;
    const { bytesPerSecond } = BROADCAST_TIMING;
    return new OnDemand({
      from: broadcastFrom,
      now: () => clock.mono(),
      lengthOf: async (sha256) => {
        const file = await this.#tree.blob(sha256);
        await file?.close();
        return file?.length;
      },
      broadcast: async (sha256) => {
        onEvent?.(`${broadcastFrom} nodes ask for ${sha256.slice(0, 16)}…: it is sent once, to all`);
        const timing = { settle: millis(0), bytesPerSecond: broadcastRate ?? bytesPerSecond };
        this.counters.broadcasts += 1;
        await this.broadcast([sha256], { timing });
      },
      onFailed: (error) => this.#failed(error),
    });
  }

  #request(topic: string, payload: Uint8Array): void {
    const node = this.#options.topics.nodeOf(topic);
    const request = node === undefined ? undefined : decodeRequest(payload);
    const now = this.#options.clock.mono();
    this.counters.requests += 1;
    if (node === undefined || !request) {
      this.counters.refused += 1;
    } else if ('blob' in request.subject && this.#onDemand?.asked(node, request.subject.blob)) {
      if (this.#onDemand.mayTell(node)) this.#tellBusy(node, request);
    } else if (this.#queue.push(node, request, now)) {
      this.#pump();
    } else {
      this.counters.refused += 1;
      this.#sayBusy(node, request, now);
    }
  }

  /** Not to each request: a flood gets no answers. */
  #sayBusy(node: string, request: Request, now: number): void {
    if (now - (this.#busyAt.get(node) ?? Number.NEGATIVE_INFINITY) < BUSY_EVERY_MS) return;
    if (this.#busyAt.size > 1000) this.#busyAt.clear();
    this.#busyAt.set(node, now);
    this.#tellBusy(node, request);
  }

  #tellBusy(node: string, { id, offset }: Request): void {
    const busy: Response = { id, status: 'busy', total: 0, offset, bytes: new Uint8Array(0) };
    void this.#send(node, busy).catch((error) => this.#failed(error));
  }

  #pump(): void {
    const now = this.#options.clock.mono();
    while (this.#active < AT_ONCE && !this.#end.signal.aborted) {
      const waiting = this.#queue.next(now);
      if (!waiting) break;
      this.#active += 1;
      this.#answer(waiting)
        .catch((error) => this.#failed(error))
        .finally(() => {
          this.#active -= 1;
          this.#pump();
        });
    }
    if (this.#active > 0 || this.#turn || this.#end.signal.aborted || !this.#queue.waiting) return;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      this.#pump();
    }, TURN_MS);
  }

  async #answer({ node, request }: Waiting): Promise<void> {
    const response = await answer(this.#tree, request);
    await this.#send(node, response);
    this.counters.answers += 1;
    this.counters.bytesAnswered += response.bytes.length;
  }

  #send(node: string, response: Response): Promise<void> {
    const { link, topics } = this.#options;
    return link.publish(topics.response(node), encodeResponse(response), { qos: 0, retain: false });
  }

  #timeRequest(topic: string, payload: Uint8Array): void {
    const { link, topics, clock } = this.#options;
    const node = topics.nodeOf(topic);
    const reply =
      node === undefined ? undefined : this.#times?.reply(node, payload, clock.wall(), clock.mono());
    if (node === undefined || !reply) {
      this.counters.refused += 1;
      return;
    }
    link.publish(topics.timeResponse(node), reply, { qos: 0, retain: false }).then(
      () => {
        this.counters.timeReplies += 1;
      },
      (error) => this.#failed(error),
    );
  }

  /** By its content: clocks and inodes of a copied or mounted folder say little. */
  async #look(): Promise<void> {
    const file = await this.#tree.metadata('timestamp.json');
    if (!file) return;
    let timestamp: string;
    try {
      const bytes = new Uint8Array(Math.min(file.length, MOST_TIMESTAMP));
      const read = await file.read(bytes, 0);
      timestamp = createHash('sha256').update(bytes.subarray(0, read)).digest('hex');
    } finally {
      await file.close();
    }
    if (timestamp === this.#timestamp) return this.#announce();
    const first = this.#timestamp === '';
    this.#timestamp = timestamp;
    await this.#announce();
    if (first) return;
    this.#options.onEvent?.('the repository changed');
    this.#options.onChanged?.();
  }

  /** Where the last one did not get through, or said something else. */
  async #announce(): Promise<void> {
    if (this.#timestamp === '') return;
    const { link, topics } = this.#options;
    const payload = encodeAnnouncement({ timestamp: this.#timestamp, broadcast: this.#broadcasting });
    const text = Buffer.from(payload).toString('latin1');
    if (text === this.#announced) return;
    await link.publish(topics.announce, payload, { qos: 1, retain: true });
    this.#announced = text;
    this.counters.announcements += 1;
  }

  #failed(error: unknown): void {
    this.counters.failures += 1;
    this.#options.onEvent?.(describeError(error));
  }
}
