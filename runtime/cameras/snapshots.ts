/** The best picture of each event, from the vision process to the disk. Events never wait for it, and never miss one by it. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraConfig } from '../config/schema/camera.ts';
import type { CameraSnapshotsConfig, SnapshotsConfig } from '../config/schema/snapshots.ts';
import type { EarlierPicture } from '../core/camera-view.ts';
import type { Clock } from '../core/clock.ts';
import { type Component, HEALTHY, type Health } from '../core/component.ts';
import { describeError } from '../core/errors.ts';
import type { FileSystem } from '../core/file-system.ts';
import type { Log } from '../core/log.ts';
import type { Accept, DetectionEvent, SnapshotReference, Stamp } from '../core/messages.ts';
import { Counter, Gauge, type Registry } from '../core/prometheus.ts';
import { minutes } from '../core/units.ts';
import type { CapturedPicture, PictureWish } from '../sources/camera/messages.ts';
import type { SceneUpdate } from './scenes.ts';
import { SnapshotDelivery } from './snapshot-delivery.ts';
import { SnapshotFolder } from './snapshot-folder.ts';

export interface SnapshotsOptions {
  readonly cameras: readonly CameraConfig[];
  readonly limits: SnapshotsConfig;
  /** The node's data directory; pictures are in `snapshots/<camera>/<event>.jpg` of it. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly accept: Accept;
  readonly picture: (camera: string, wish: PictureWish) => Promise<CapturedPicture>;
  readonly onKept: (camera: string, event: string, snapshot: SnapshotReference) => void;
  /** For tests: a disk that refuses. */
  readonly fs?: FileSystem;
}

const FOLDER = 'snapshots';
const EXPIRE_EVERY = minutes(1);
/** Pictures in hand at a time; with a disk slower than that, the rest are counted as refused. */
const MOST_IN_HAND = 16;

type Result = 'kept' | 'no-picture' | 'refused';

export class Snapshots implements Component {
  readonly name = 'snapshots';
  readonly #options: SnapshotsOptions;
  readonly #folder: SnapshotFolder;
  readonly #delivery: SnapshotDelivery;
  /** How pictures are made, by the cameras of which they are kept. */
  readonly #wanted: ReadonlyMap<string, CameraSnapshotsConfig>;
  readonly #count: (camera: string, result: Result) => void;
  readonly #running = new Set<Promise<void>>();
  #health: Health = HEALTHY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SnapshotsOptions) {
    const { cameras, limits, dataDir, clock, registry, accept, fs } = options;
    this.#options = options;
    this.#folder = new SnapshotFolder({
      directory: join(dataDir, FOLDER),
      most: limits.maxBytes,
      mostFiles: limits.maxCount,
      mostAge: limits.maxAge,
      reserve: limits.keepFree,
      clock,
      ...(fs ? { fs } : {}),
    });
    const kept = cameras.filter(({ privacy }) => privacy.snapshots);
    this.#wanted = new Map(kept.map(({ name, snapshots }) => [name, snapshots]));
    const sent = kept.filter(({ snapshots }) => snapshots.mqtt).map(({ name }) => name);
    this.#delivery = new SnapshotDelivery({ cameras: new Set(sent), accept });
    this.#count = metrics(registry, this.#folder);
  }

  async start(): Promise<void> {
    this.#folder.open();
    this.#expire();
    this.#timer = setInterval(() => this.#expire(), EXPIRE_EVERY).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  health(): Health {
    return this.#health;
  }

  /** In the order they happened. */
  event(event: DetectionEvent): void {
    this.#delivery.event(event);
  }

  /** One picture for all events that want this frame. */
  see(camera: string, { frame, step, stamp }: SceneUpdate): void {
    const events = step.snapshots.map(({ event }) => event);
    const form = this.#wanted.get(camera);
    if (events.length === 0 || !form) return;
    if (this.#running.size >= MOST_IN_HAND) {
      this.#refused(camera, `${MOST_IN_HAND} pictures wait for the disk already`);
      return;
    }
    const { size: most, quality, maxBytes: mostBytes } = form;
    const wish = { quality, most, mostBytes, sequence: frame.sequence };
    const work = this.#take(camera, wish, events, stamp).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** @param event foreign text. @returns undefined where there is no picture of it. */
  async read(camera: string, event: string): Promise<Uint8Array | undefined> {
    if (!/^[\w-]{1,128}$/.test(event)) return undefined;
    try {
      return await readFile(join(this.#options.dataDir, FOLDER, camera, `${event}.jpg`));
    } catch {
      return undefined;
    }
  }

  /** What an earlier start of the node left of the camera, newest first. */
  earlier(camera: string): readonly EarlierPicture[] {
    return this.#folder.left(camera);
  }

  async #take(camera: string, wish: PictureWish, events: readonly string[], stamp: Stamp): Promise<void> {
    const { picture, onKept, log } = this.#options;
    let taken: CapturedPicture;
    try {
      taken = await picture(camera, wish);
    } catch (error) {
      this.#count(camera, 'no-picture');
      log.warn({ event: 'snapshot.none', camera, error: describeError(error) }, `no picture of ${camera}`);
      return;
    }
    const { jpeg, width, height } = taken;
    const sha256 = createHash('sha256').update(jpeg).digest('hex');
    for (const event of events) {
      try {
        const name = await this.#folder.keep(camera, event, jpeg);
        const reference = { ref: `${FOLDER}/${name}`, width, height, bytes: jpeg.length };
        onKept(camera, event, reference);
        this.#delivery.kept({ camera, event, reference, sha256, stamp });
        this.#count(camera, 'kept');
        this.#health = HEALTHY;
      } catch (error) {
        this.#refused(camera, describeError(error));
      }
    }
  }

  #expire(): void {
    try {
      this.#folder.expire();
    } catch (error) {
      this.#options.log.warn(
        { event: 'snapshot.expire.failed', error: describeError(error) },
        'old pictures could not be deleted',
      );
    }
  }

  #refused(camera: string, detail: string): void {
    this.#count(camera, 'refused');
    // Once, not with each picture: the health record says it outside.
    if (this.#health.state === 'ok')
      this.#options.log.error({ event: 'snapshot.refused', camera, error: detail }, 'pictures are not kept');
    this.#health = { state: 'degraded', detail };
  }
}

function metrics(registry: Registry, folder: SnapshotFolder): (camera: string, result: Result) => void {
  const pictures = new Counter({
    name: 'vigie_snapshots_total',
    help: 'Pictures wished for by events: kept, not to be had from the camera (no-picture), refused by the disk.',
    labelNames: ['camera', 'result'],
    registers: [registry],
  });
  new Gauge({
    name: 'vigie_snapshot_bytes',
    help: 'Pictures of events on the disk, bytes.',
    registers: [registry],
    collect() {
      this.set(folder.bytes);
    },
  });
  new Counter({
    name: 'vigie_snapshot_written_bytes_total',
    help: 'Pictures of events written to the disk, bytes: what wears the flash, beside the outbox.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(folder.written);
    },
  });
  return (camera, result) => pictures.labels(camera, result).inc();
}
