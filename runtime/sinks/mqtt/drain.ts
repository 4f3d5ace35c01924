/**
 * Moves records from the outbox to the broker and takes them off the disk at their PUBACK. Publishes only while
 * connected, never more than a window at once, events first; the MQTT client never holds a record by itself.
 */

import type { StoredRecord } from '../../core/messages.ts';
import { type Millis, millis, seconds } from '../../core/units.ts';
import type { DrainOptions, LineLimits, Publish } from './drain-options.ts';
import { CLOSES_CONNECTION, Holds, isRecordsFault, PACKET_TOO_LARGE } from './holds.ts';
import type { PayloadProperties, SnapshotLoss } from './snapshot-message.ts';
import { Staging } from './staging.ts';
import { TokenBucket } from './token-bucket.ts';

interface Flight {
  readonly record: StoredRecord;
  readonly sentAt: Millis;
}

/** Room for events that arrive while the backlog fills the staging. */
const EXTRA_ROOM = 32;
const URGENT_TAKE = 4;
/** Held records are kept out of the way up to this many; beyond it the queue waits for them, in order. */
const MAX_PARKED = 200;
/** Pause between two walks past the parked records. */
const STALL_PAUSE = seconds(1);
/** Fixed header, topic and properties beside the payload, without the topic's bytes. */
const PACKET_OVERHEAD = 64;
/** So many connections in a row that broke over their first record convict it. */
const CONVICTING_BREAKS = 3;

export class Drain {
  readonly #options: DrainOptions;
  readonly #staging = new Staging();
  readonly #holds = new Holds();
  readonly #bucket: TokenBucket;
  readonly #flights = new Map<number, Flight>();
  #acked: number[] = [];
  #publish: Publish | undefined;
  #limits: LineLimits = {
    receiveMaximum: 65_535,
    maximumPacketSize: Number.POSITIVE_INFINITY,
    claimed: () => 0,
  };
  #taking: Promise<void> | undefined;
  #more = true;
  #urgent = false;
  #parked = 0;
  /** One at a time: an event that comes meanwhile waits for one picture at most. */
  #pictureUnderway = false;
  /** Parked records are to be given back: to be sent now, or because there are too many to walk past. */
  #recall: 'no' | 'retry' | 'full' = 'no';
  #givingBack = false;
  #stalledUntil: Millis | undefined;
  #generation = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #flush: NodeJS.Immediate | undefined;
  #breaksWithoutAck = 0;
  #ackedSinceUp = 0;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.perSecond);
    options.queue.onAvailable(() => {
      if (this.#givingBack) return;
      this.#more = true;
      this.#urgent = true;
      this.#pump();
    });
  }

  /** For a person; empty when the broker takes everything. */
  get trouble(): string {
    return this.#holds.size > 0
      ? `the broker does not take ${this.#holds.describe()}; kept and tried again`
      : '';
  }

  get inflight(): number {
    return this.#flights.size;
  }

  /** Since when the oldest record waits for its PUBACK; undefined when none does. */
  oldestFlight(): Millis | undefined {
    return this.#flights.values().next().value?.sentAt;
  }

  up(publish: Publish, limits: LineLimits): void {
    this.#limits = limits;
    this.#ackedSinceUp = 0;
    const resume = () => {
      this.#publish = publish;
      this.#more = true;
      this.#pump();
    };
    const generation = ++this.#generation;
    // What an unfinished take hands out late belongs to the old connection: let it be given back first.
    if (this.#taking) this.#taking.then(() => generation === this.#generation && resume());
    else resume();
  }

  down(): void {
    this.#publish = undefined;
    this.#generation += 1;
    this.#suspect();
    this.#options.metrics.returned.inc(this.#flights.size);
    this.#flights.clear();
    this.#holds.forgetProbes();
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#recall = 'no';
    if (this.#taking) this.#taking.then(() => this.#giveBack());
    else this.#giveBack();
  }

  /** Others have left room. */
  resume(): void {
    if (this.#publish) this.#pump();
  }

  /** Takes no more and waits for what is on its way. */
  async settle(limit: Millis): Promise<void> {
    const { clock } = this.#options;
    const end = clock.mono() + limit;
    this.#publish = undefined;
    while (this.#flights.size > 0 && clock.mono() < end)
      await new Promise((resolve) => setTimeout(resolve, 5));
    this.#flushAcked();
  }

  #pump(): void {
    const now = this.#options.clock.mono();
    if (this.#holds.release(now)) {
      this.#retryParked();
      this.#stalledUntil = undefined;
    }
    const end = this.#holds.nextEnd();
    if (end !== undefined) this.#wakeAt(end);
    if (this.#recall === 'no' && this.#parked >= MAX_PARKED) this.#recall = 'full';
    if (this.#recall !== 'no' && !this.#giveParkedBack(now)) return;
    if (this.#stalledUntil !== undefined) {
      if (now < this.#stalledUntil) {
        this.#wakeAt(this.#stalledUntil);
        return;
      }
      this.#stalledUntil = undefined;
    }
    while (this.#publish && this.#flights.size < this.#window()) {
      const record = this.#staging.peek();
      if (!record || !this.#dispatch(record, now)) break;
    }
    this.#options.metrics.inflight.set(this.#flights.size);
    this.#refill();
  }

  /** @returns false when nothing more may leave for now. */
  #dispatch(record: StoredRecord, now: Millis): boolean {
    const verdict = this.#holds.judge(record);
    if (verdict === 'wait') return false;
    if (verdict === 'park') {
      this.#staging.drop(record);
      this.#park();
      return this.#parked < MAX_PARKED;
    }
    if (record.class === 'picture' && this.#pictureUnderway) return false;
    if (record.class !== 'event') {
      const pause = this.#bucket.take(now);
      if (pause > 0) {
        this.#wakeAt(millis(now + pause));
        return false;
      }
    }
    this.#staging.drop(record);
    if (record.class === 'picture') void this.#sendPicture(record);
    else this.#send(record, now, this.#options.envelope.wrap(record));
    return true;
  }

  async #sendPicture(record: StoredRecord): Promise<void> {
    const generation = this.#generation;
    this.#pictureUnderway = true;
    const loaded = await this.#options.loadSnapshot(record);
    // Given back meanwhile, or the node stops: it stays in the outbox.
    if (generation !== this.#generation || !this.#publish) return;
    if (typeof loaded === 'string') this.#passOver(record, loaded);
    else this.#send(record, this.#options.clock.mono(), loaded.payload, loaded.properties);
    this.#pump();
  }

  #send(record: StoredRecord, now: Millis, payload: string | Buffer, properties?: PayloadProperties): void {
    const { topicPrefix, metrics } = this.#options;
    const topic = topicPrefix + record.topic;
    this.#holds.sent(record);
    if (this.#isTooLarge(topic, payload, properties)) {
      this.#refused(record, PACKET_TOO_LARGE);
      return;
    }
    const generation = this.#generation;
    this.#flights.set(record.id, { record, sentAt: now });
    metrics.published[record.class].inc();
    const done = (code: number) => {
      if (generation === this.#generation) this.#answered(record, code);
    };
    this.#publish!(topic, payload, done, properties);
  }

  #isTooLarge(topic: string, payload: string | Buffer, properties?: PayloadProperties): boolean {
    const { maximumPacketSize } = this.#limits;
    if (maximumPacketSize === Number.POSITIVE_INFINITY) return false;
    const beside = properties ? JSON.stringify(properties).length : 0;
    const size = Buffer.byteLength(payload) + Buffer.byteLength(topic) + beside + PACKET_OVERHEAD;
    return size > maximumPacketSize;
  }

  #answered(record: StoredRecord, code: number): void {
    const flight = this.#flights.get(record.id);
    if (!flight) return;
    this.#flights.delete(record.id);
    this.#breaksWithoutAck = 0;
    if (record.class === 'picture') this.#pictureUnderway = false;
    if (code >= 128) this.#refused(record, code);
    else this.#acknowledged(flight);
    this.#pump();
  }

  #acknowledged({ record, sentAt }: Flight): void {
    const { clock, metrics, bootId } = this.#options;
    const now = clock.mono();
    if (this.#holds.accept(record)) this.#retryParked();
    metrics.acknowledged[record.class].inc();
    metrics.puback.observe((now - sentAt) / 1000);
    if (record.class === 'event' && record.bootId === bootId) {
      metrics.eventDelivery.observe((now - record.mono) / 1000);
    }
    this.#ackedSinceUp += 1;
    this.#remove(record.id);
  }

  #remove(id: number): void {
    this.#acked.push(id);
    // The PUBACKs of one packet from the socket leave the disk together.
    this.#flush ??= setImmediate(() => this.#flushAcked());
  }

  #refused(record: StoredRecord, code: number): void {
    const { clock, log, metrics } = this.#options;
    metrics.refused.labels(code === CLOSES_CONNECTION ? 'closes-connection' : String(code)).inc();
    if (record.class === 'picture' && isRecordsFault(code)) {
      const facts = { event: 'mqtt.snapshot.too-large', topic: record.topic, code };
      log.warn(
        facts,
        "the broker does not take a picture of that size: lower the camera's snapshots.maxBytes",
      );
      this.#passOver(record, 'too-large');
      return;
    }
    const pause = this.#holds.refuse(record, code, clock.mono());
    log.warn(
      { event: 'mqtt.record.refused', topic: record.topic, seq: record.seq, code, retryMs: pause },
      `the broker did not take a record on '${record.topic}': ${this.#holds.describe()}`,
    );
    this.#park();
  }

  /** Unlike any other record a picture is not tried for ever: the event has been told, and the file stays on the node. */
  #passOver(record: StoredRecord, why: SnapshotLoss): void {
    this.#pictureUnderway = false;
    this.#options.metrics.snapshotsPassedOver.labels(why).inc();
    this.#holds.accept(record);
    this.#remove(record.id);
  }

  /** The record stays taken, out of the way; it comes again when everything parked is given back. */
  #park(): void {
    this.#parked += 1;
    this.#options.metrics.held.set(this.#parked);
    const end = this.#holds.nextEnd();
    if (end !== undefined) this.#wakeAt(end);
  }

  #retryParked(): void {
    if (this.#parked > 0) this.#recall = 'retry';
    this.#more = true;
  }

  /** @returns false while something is on its way: giving back would send that again. */
  #giveParkedBack(now: Millis): boolean {
    if (this.#taking || this.#pictureUnderway || this.#flights.size > 0) return false;
    this.#giveBack();
    if (this.#recall === 'full') {
      this.#stalledUntil = millis(now + STALL_PAUSE);
      this.#more = false;
    }
    this.#recall = 'no';
    return true;
  }

  #refill(): void {
    if (this.#taking || !this.#publish || !this.#more) return;
    const room = this.#window() - this.#staging.length;
    const urgent = this.#urgent && room > -EXTRA_ROOM;
    const wanted = urgent ? Math.max(room, URGENT_TAKE) : room;
    if (wanted <= 0) return;
    this.#urgent = false;
    this.#taking = this.#take(wanted).finally(() => {
      this.#taking = undefined;
      if (this.#publish) this.#pump();
    });
  }

  async #take(wanted: number): Promise<void> {
    const generation = this.#generation;
    this.#more = false;
    try {
      const records = await this.#options.queue.take(wanted);
      if (generation !== this.#generation) return;
      this.#staging.add(records);
      // Fewer than asked for may be a matter of their size.
      if (records.length > 0) this.#more = true;
      else if (this.#staging.length + this.#parked === 0) this.#holds.forgetOver();
    } catch (error) {
      this.#options.log.error(
        { event: 'mqtt.outbox.unreadable', err: error },
        'cannot read the outbox; trying again',
      );
      this.#more = true;
      this.#stalledUntil = millis(this.#options.clock.mono() + STALL_PAUSE);
    }
  }

  #giveBack(): void {
    this.#flushAcked();
    this.#staging.clear();
    this.#pictureUnderway = false;
    this.#stalledUntil = undefined;
    this.#parked = 0;
    this.#options.metrics.held.set(0);
    this.#options.metrics.inflight.set(0);
    this.#givingBack = true;
    this.#options.queue.giveBack();
    this.#givingBack = false;
  }

  #flushAcked(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (this.#acked.length === 0) return;
    const ids = this.#acked;
    this.#acked = [];
    this.#options.queue.remove(ids);
  }

  /**
   * Each connection starts with one record and grows with every PUBACK: a broker that breaks it over a record, or
   * denies a topic, meets one and not a window of them.
   */
  #window(): number {
    const { receiveMaximum, claimed } = this.#limits;
    return Math.min(this.#options.window, receiveMaximum - claimed(), 1 + this.#ackedSinceUp);
  }

  /** A record that makes the broker close the connection would block the queue for ever: find it, hold it. */
  #suspect(): void {
    if (this.#flights.size === 0) return;
    this.#breaksWithoutAck = this.#ackedSinceUp > 0 ? 0 : this.#breaksWithoutAck + 1;
    if (this.#breaksWithoutAck < CONVICTING_BREAKS || this.#flights.size !== 1) return;
    const [{ record }] = this.#flights.values().toArray() as [Flight];
    this.#breaksWithoutAck = 0;
    this.#refused(record, CLOSES_CONNECTION);
  }

  #wakeAt(at: Millis): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#pump();
      },
      Math.max(1, at - this.#options.clock.mono()),
    ).unref();
  }
}
