/** The best picture of each event, from the vision process to the disk. Events never wait for it, and never miss one by it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraConfig } from '../config/schema/camera.ts';
import { type Component, HEALTHY, type Health } from '../core/component.ts';
import { describeError } from '../core/errors.ts';
import type { FileSystem } from '../core/file-system.ts';
import type { Log } from '../core/log.ts';
import type { SnapshotReference } from '../core/messages.ts';
import { Counter, Gauge, type Registry } from '../core/prometheus.ts';
import { bytes } from '../core/units.ts';
import type { CapturedPicture, PictureWish } from '../sources/camera/messages.ts';
import type { SceneUpdate } from './scenes.ts';
import { SnapshotFolder } from './snapshot-folder.ts';

export interface SnapshotsOptions {
  readonly cameras: readonly CameraConfig[];
  /** The node's data directory; pictures are in `snapshots/<camera>/<event>.jpg` of it. */
  readonly dataDir: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly picture: (camera: string, wish: PictureWish) => Promise<CapturedPicture>;
  readonly onKept: (camera: string, event: string, snapshot: SnapshotReference) => void;
  /** For tests: a disk that refuses. */
  readonly fs?: FileSystem;
}

const FOLDER = 'snapshots';
const MIB = 1024 ** 2;
const MOST = bytes(64 * MIB);
const RESERVE = bytes(64 * MIB);
const PICTURE = { quality: 85, most: 1280, mostBytes: 256 * 1024 };
/** Pictures in hand at a time; with a disk slower than that, the rest are counted as refused. */
const MOST_IN_HAND = 16;

type Result = 'kept' | 'no-picture' | 'refused';

export class Snapshots implements Component {
  readonly name = 'snapshots';
  readonly #options: SnapshotsOptions;
  readonly #folder: SnapshotFolder;
  readonly #wanted: ReadonlySet<string>;
  readonly #count: (camera: string, result: Result) => void;
  readonly #running = new Set<Promise<void>>();
  #health: Health = HEALTHY;

  constructor(options: SnapshotsOptions) {
    const { cameras, dataDir, registry, fs } = options;
    this.#options = options;
    const limits = { most: MOST, reserve: RESERVE };
    this.#folder = new SnapshotFolder({ directory: join(dataDir, FOLDER), ...limits, ...(fs ? { fs } : {}) });
    this.#wanted = new Set(cameras.filter(({ privacy }) => privacy.snapshots).map(({ name }) => name));
    this.#count = metrics(registry, this.#folder);
  }

  async start(): Promise<void> {
    this.#folder.open();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running);
  }

  health(): Health {
    return this.#health;
  }

  /** One picture for all events that want this frame. */
  see(camera: string, { frame, step }: SceneUpdate): void {
    const events = step.snapshots.map(({ event }) => event);
    if (events.length === 0 || !this.#wanted.has(camera)) return;
    if (this.#running.size >= MOST_IN_HAND) {
      this.#refused(camera, `${MOST_IN_HAND} pictures wait for the disk already`);
      return;
    }
    const work = this.#take(camera, frame.sequence, events).finally(() => this.#running.delete(work));
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

  async #take(camera: string, sequence: number, events: readonly string[]): Promise<void> {
    const { picture, onKept, log } = this.#options;
    let taken: CapturedPicture;
    try {
      taken = await picture(camera, { ...PICTURE, sequence });
    } catch (error) {
      this.#count(camera, 'no-picture');
      log.warn({ event: 'snapshot.none', camera, error: describeError(error) }, `no picture of ${camera}`);
      return;
    }
    const { jpeg, width, height } = taken;
    for (const event of events) {
      try {
        const name = await this.#folder.keep(camera, event, jpeg);
        onKept(camera, event, { ref: `${FOLDER}/${name}`, width, height, bytes: jpeg.length });
        this.#count(camera, 'kept');
        this.#health = HEALTHY;
      } catch (error) {
        this.#refused(camera, describeError(error));
      }
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
  return (camera, result) => pictures.labels(camera, result).inc();
}
