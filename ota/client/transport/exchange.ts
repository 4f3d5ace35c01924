/** Questions to a hub that may not answer, twice, late, or wrongly: each is asked until its answer comes. */

import { randomBytes } from 'node:crypto';
import { DeliveryError } from '../../../runtime/core/errors.ts';
import type { Millis } from '../../../runtime/core/units.ts';
import {
  decodeResponse,
  encodeRequest,
  type Response,
  type ResponseStatus,
  type Subject,
} from '../../protocol/frames.ts';
import type { OtaLink } from '../../protocol/link.ts';
import type { OtaTopics } from '../../protocol/topics.ts';
import type { TransferCounters } from './counters.ts';
import type { TransferTiming } from './limits.ts';
import { pause, within } from './pause.ts';
import { RoundTrip } from './round-trip.ts';

export interface Question {
  readonly subject: Subject;
  readonly offset: number;
  /** Bytes, at most MOST_CONTENT. */
  readonly length: number;
  /** Whether this is what was asked for, hash and all. What is not may come from anybody: the right answer may follow. */
  take(response: Response): Promise<boolean>;
  /** Passed before each request: where a transfer waits for its turn, or finds that it needs nothing more. */
  readonly turn?: (signal: AbortSignal) => Promise<void>;
  readonly onTimeout?: () => void;
  /** Whether "there is no such file" settles it; otherwise it is asked again, as a hub may be about to have it. */
  readonly absenceAnswers?: boolean;
}

export interface ExchangeOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  readonly node: string;
  readonly now: () => Millis;
  readonly timing: TransferTiming;
  readonly counters: TransferCounters;
  readonly random: () => number;
}

/** Wrong answers under a valid id, from someone who hears the topic: then another id is used. */
const MOST_WRONG = 8;
/** Answers to one question that are being checked. */
const MOST_CHECKED = 2;
const UNSENT_PAUSE = 250;
const LONGEST_UNSENT_PAUSE = 5000;

/** One question under way: under which ids it was sent, and what came of it. */
export class Asked {
  readonly question: Question;
  readonly ids = new Map<number, Millis>();
  wrong = 0;
  checked = 0;
  settled = false;
  /** Of the answer to the last request, where it was no content. */
  refusal: ResponseStatus | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(question: Question) {
    this.question = question;
  }

  /** What was asked for is there, from wherever it came. */
  settle(): void {
    this.settled = true;
    this.#wake.resolve();
  }
  refuse(status: ResponseStatus): void {
    this.refusal = status;
    if (status === 'absent' && this.question.absenceAnswers) this.settled = true;
    this.#wake.resolve();
  }
  /** Whoever asked is told. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake.resolve();
  }

  /** Before each request: what came for the one before does not count for this one. */
  arm(): void {
    this.refusal = undefined;
    if (!this.settled && !this.#failure) this.#wake = Promise.withResolvers<void>();
  }
  /** Until something came of it, or the time is over. @throws what it failed with */
  async woken(ms: number, signal: AbortSignal): Promise<void> {
    await within(this.#wake.promise, ms, signal);
    if (this.#failure) throw this.#failure.error;
  }
}

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #pending = new Map<number, Asked>();
  readonly #roundTrip: RoundTrip;
  #listening: Promise<() => void> | undefined;
  /** From anywhere, so that answers to a node that ran before are not taken for answers to this one. */
  #id = randomBytes(4).readUInt32BE();
  #progressAt: number;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#roundTrip = new RoundTrip(options.timing);
    this.#progressAt = options.now();
  }

  /** Something wanted came: whoever waits may go on waiting. */
  progressed(): void {
    this.#progressAt = this.#options.now();
  }

  /**
   * @returns once the question is settled.
   * @throws DeliveryError `ota-transport` (retryable) after so many attempts, or without progress for too long;
   *   what `turn` and `take` throw; the signal's reason.
   */
  async ask(asked: Asked, signal: AbortSignal): Promise<void> {
    const { question } = asked;
    const { timing, counters, random, now } = this.#options;
    let since = now();
    let unsentPause = UNSENT_PAUSE;
    try {
      for (let attempt = 0, sent = 0; attempt < timing.attempts; ) {
        signal.throwIfAborted();
        await question.turn?.(signal);
        if (asked.settled) return;
        if (sent === 0) since = now();
        if (now() - Math.max(since, this.#progressAt) > timing.patience) break;
        asked.arm();
        if (!(await this.#send(asked, signal))) {
          await pause(unsentPause * (0.5 + random()), signal);
          unsentPause = Math.min(LONGEST_UNSENT_PAUSE, unsentPause * 2);
          sent += 1;
          continue;
        }
        if (sent++ > 0) counters.retries += 1;
        const wait = this.#roundTrip.wait(attempt, random());
        const began = now();
        await asked.woken(wait, signal);
        if (asked.settled) return;
        if (asked.refusal === undefined) {
          counters.timeouts += 1;
          question.onTimeout?.();
        } else await pause(Math.max(0, wait - (now() - began)), signal);
        // Who is busy is there: patience ends that, not the attempts.
        if (asked.refusal !== 'busy') attempt += 1;
      }
      throw noAnswer(question, asked);
    } finally {
      for (const id of asked.ids.keys()) this.#pending.delete(id);
    }
  }

  async close(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    (await listening?.catch(() => undefined))?.();
  }

  /** @returns false when there was no connection. */
  async #send(asked: Asked, signal: AbortSignal): Promise<boolean> {
    const { link, topics, node, now, counters, timing } = this.#options;
    const { subject, offset, length } = asked.question;
    try {
      await within(this.#listen(), timing.longestWait, signal);
      const id = this.#newId();
      this.#pending.set(id, asked);
      asked.ids.set(id, now());
      const frame = encodeRequest({ id, subject, offset, length });
      await link.publish(topics.request(node), frame, { qos: 0, retain: false });
      counters.requests += 1;
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DeliveryError && error.retryable) return false;
      throw error;
    }
  }

  #newId(): number {
    do this.#id = (this.#id + 1) >>> 0;
    while (this.#pending.has(this.#id));
    return this.#id;
  }

  #listen(): Promise<() => void> {
    const { link, topics, node } = this.#options;
    this.#listening ??= link
      .subscribe(topics.response(node), (_topic, payload) => this.#receive(payload))
      .catch((error) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  #receive(payload: Uint8Array): void {
    const { counters } = this.#options;
    const response = decodeResponse(payload);
    const asked = response && this.#pending.get(response.id);
    counters.bytesReceived += response?.bytes.length ?? payload.length;
    if (!asked || asked.settled) {
      counters.framesIgnored += 1;
    } else if (response.status === 'ok') {
      void this.#check(asked, response);
    } else if (response.offset === asked.question.offset) {
      counters[response.status === 'busy' ? 'answersBusy' : 'answersAbsent'] += 1;
      asked.refuse(response.status);
    }
  }

  async #check(asked: Asked, response: Response): Promise<void> {
    const { question } = asked;
    const { counters, now } = this.#options;
    if (asked.checked >= MOST_CHECKED) {
      counters.blocksDropped += 1;
      return;
    }
    const { offset, bytes, total } = response;
    const right = offset === question.offset && bytes.length === Math.min(question.length, total - offset);
    asked.checked += 1;
    let taken: boolean;
    try {
      taken = right && (await question.take(response));
    } catch (error) {
      return asked.fail(error);
    } finally {
      asked.checked -= 1;
    }
    if (taken) {
      const sentAt = asked.ids.get(response.id);
      if (sentAt !== undefined && !asked.settled) this.#roundTrip.measured(now() - sentAt);
      this.progressed();
      asked.settle();
      return;
    }
    counters.blocksBad += 1;
    asked.wrong += 1;
    if (asked.wrong % MOST_WRONG !== 0) return;
    for (const id of asked.ids.keys()) this.#pending.delete(id);
  }
}

function noAnswer({ subject, offset }: Question, { wrong }: Asked): DeliveryError {
  const what = 'metadata' in subject ? subject.metadata : `blob ${subject.blob}`;
  const how = wrong > 0 ? `${wrong} answers were not what was asked for` : 'no answer came';
  return new DeliveryError('ota-transport', `${what} at byte ${offset}: ${how}`, {
    retryable: true,
    facts: { what, offset, wrong },
  });
}
