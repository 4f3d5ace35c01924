/**
 * Which pictures of an event go to the broker: its first one at once, then a better one at most with each later phase. What
 * is queued is a reference: the bytes lie on the disk once.
 */

import type { Accept, DetectionEvent, SnapshotRecord, SnapshotReference, Stamp } from '../core/messages.ts';

export interface KeptPicture {
  readonly camera: string;
  /** Id of the event. */
  readonly event: string;
  readonly reference: SnapshotReference;
  /** Of the JPEG, hexadecimal. */
  readonly sha256: string;
  /** Of the frame. */
  readonly stamp: Stamp;
}

export interface SnapshotDeliveryOptions {
  /** Cameras whose pictures are sent. */
  readonly cameras: ReadonlySet<string>;
  readonly accept: Accept;
}

/** A crossing has one picture and no end. */
const MOST_REMEMBERED = 256;

interface Told {
  /** The first one is on its way. */
  sent: boolean;
  ended: boolean;
  /** Better than what was sent. */
  better: KeptPicture | undefined;
}

export class SnapshotDelivery {
  readonly #options: SnapshotDeliveryOptions;
  /** By id of the event, oldest first. */
  readonly #told = new Map<string, Told>();

  constructor(options: SnapshotDeliveryOptions) {
    this.#options = options;
  }

  /** The picture is on the disk. */
  kept(picture: KeptPicture): void {
    if (!this.#options.cameras.has(picture.camera)) return;
    const told = this.#of(picture.event);
    told.better = picture;
    if (!told.sent || told.ended) this.#send(told);
  }

  event({ camera, id, phase }: DetectionEvent): void {
    if (!this.#options.cameras.has(camera) || phase === 'start') return;
    const told = this.#of(id);
    told.ended = phase === 'end';
    this.#send(told);
  }

  #send(told: Told): void {
    const picture = told.better;
    if (!picture) return;
    told.sent = true;
    told.better = undefined;
    const { camera, event, reference, sha256, stamp } = picture;
    const body: SnapshotRecord = { schema: 'vigie.snapshot/1', camera, event, ...reference, sha256 };
    const topic = `snapshots/${camera}/${event}`;
    // The outbox counts and reports what it refuses.
    void this.#options.accept({ ...stamp, class: 'picture', topic, body }).catch(() => {});
  }

  #of(event: string): Told {
    const told = this.#told.get(event) ?? { sent: false, ended: false, better: undefined };
    // The last used stays longest.
    this.#told.delete(event);
    this.#told.set(event, told);
    if (this.#told.size > MOST_REMEMBERED) this.#told.delete(this.#told.keys().next().value!);
    return told;
  }
}
