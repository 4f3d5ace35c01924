/** The update client's clock: keeps evidence on disk, asks for signed time, and says what time it is and how sure that is. */

import type { Clock } from '../../../runtime/core/clock.ts';
import { UpdateError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import { type EpochMillis, epochMillis, hours, type Millis } from '../../../runtime/core/units.ts';
import type { TimeReply } from '../../protocol/time.ts';
import { readRecord, writeRecord } from '../store/record-file.ts';
import { fieldsOf, integerIn, textIn } from '../tuf/fields.ts';
import type { Root } from '../tuf/metadata.ts';
import type { RoleKeys } from '../tuf/signed.ts';
import type { JsonObject, JsonValue } from '../tuf/strict-json.ts';
import {
  type Evidence,
  floorOf,
  keepKeys,
  NO_EVIDENCE,
  raise,
  type SignedTime,
  type TimeEvidence,
  type TrustedTime,
  trustedTime,
} from './time-trust.ts';

const ASK_AGAIN_AFTER = hours(24);

export interface UpdateClockOptions {
  readonly fs: FileSystem;
  /** `clock.json`. */
  readonly path: string;
  readonly clock: Pick<Clock, 'mono' | 'wall' | 'timeQuality'>;
  /** When this software was made; 0 when that is not known. */
  readonly built: EpochMillis;
}

/** A reply to a question of this start, and when the question left: what it tells cannot be older. */
export interface AnsweredTime {
  readonly reply: TimeReply;
  /** On the monotonic clock. */
  readonly askedAt: Millis;
}

export class UpdateClock {
  readonly #options: UpdateClockOptions;
  #evidence: TimeEvidence = NO_EVIDENCE;
  #signed: SignedTime | undefined;

  constructor(options: UpdateClockOptions) {
    this.#options = options;
  }

  /** @returns false when the record was damaged: the floor then begins at the build time, and rises with the next evidence. */
  load(): boolean {
    const { fs, path } = this.#options;
    const found = readRecord(fs, path, readEvidence);
    if (found.state === 'ok') this.#evidence = found.value;
    return found.state !== 'damaged';
  }

  get floor(): EpochMillis {
    return floorOf(this.#evidence, this.#options.built);
  }

  now(): TrustedTime {
    const { clock } = this.#options;
    const synced = clock.timeQuality() === 'synced';
    return trustedTime(this.floor, this.#signed, { mono: clock.mono(), wall: clock.wall(), synced });
  }

  /** Evidence falls with the keys that gave it (I-8). @throws StorageError */
  follow(root: Pick<Root, 'roles' | 'time'>): void {
    const time = keysOf(root.time);
    if (this.#evidence.time && this.#evidence.time.keys !== time) this.#signed = undefined;
    const followed = keepKeys(this.#evidence, 'timestamp', keysOf(root.roles.timestamp));
    this.#keep(keepKeys(followed, 'time', time));
  }

  /** `x-issued` of a timestamp whose signature is good. @throws StorageError */
  issued(time: EpochMillis, root: Pick<Root, 'roles'>): void {
    this.#keep(raise(this.#evidence, 'timestamp', keysOf(root.roles.timestamp), time));
  }

  /** Whether a signed reply of this start is young enough: the monotonic clock drifts as well. */
  get isFresh(): boolean {
    return this.#signed !== undefined && this.#options.clock.mono() - this.#signed.asked < ASK_AGAIN_AFTER;
  }

  /** Whether one of root's time keys signed this; the nonce is for whoever asked to compare. */
  accepts({ keyId, signed, signature }: TimeReply, root: Pick<Root, 'time'>): boolean {
    return root.time?.keys.find((key) => key.keyId === keyId)?.verify(signed, signature) ?? false;
  }

  /**
   * @throws UpdateError `ota-signature` for what none of root's time keys signed, `ota-time-reply` for what is earlier
   *   than signed evidence; StorageError.
   */
  learn({ reply, askedAt }: AnsweredTime, root: Pick<Root, 'time'>): void {
    if (!this.accepts(reply, root)) {
      throw new UpdateError(
        'ota-signature',
        'a reply that tells the time is signed by none of the time keys',
      );
    }
    if (reply.time < this.floor) {
      throw new UpdateError('ota-time-reply', 'signed time is earlier than what was signed before', {
        facts: { time: reply.time, floor: this.floor },
      });
    }
    this.#signed = { time: reply.time, asked: askedAt };
    this.#keep(raise(this.#evidence, 'time', keysOf(root.time), reply.time));
  }

  #keep(evidence: TimeEvidence): void {
    if (evidence === this.#evidence) return;
    writeRecord(this.#options.fs, this.#options.path, { ...evidence } as unknown as JsonValue);
    this.#evidence = evidence;
  }
}

/** Tells one set of keys from another. */
export function keysOf(role: RoleKeys | undefined): string {
  return (role?.keys ?? [])
    .map(({ keyId }) => keyId)
    .sort()
    .join();
}

/** @throws UpdateError `ota-malformed` */
export function readEvidence(json: JsonObject): TimeEvidence {
  return { timestamp: evidenceOf(json.timestamp), time: evidenceOf(json.time) };
}

function evidenceOf(value: JsonValue | undefined): Evidence | null {
  if (value === null) return null;
  const json = fieldsOf(value, 'the evidence of the time');
  const where = 'evidence of the time';
  return { keys: textIn(json, 'keys', where), floor: epochMillis(integerIn(json, 'floor', 0, where)) };
}
