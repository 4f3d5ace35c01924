/** A camera as the live view shows it: pictures from its vision process, tracks and events from its scene. */

import type { CameraConfig } from '../config/schema/camera.ts';
import type { Annotations, Colour } from '../core/annotations.ts';
import type {
  CameraView,
  EarlierPicture,
  ViewEvent,
  ViewFollower,
  ViewPicture,
  ViewScene,
  ViewTrack,
  ViewWish,
} from '../core/camera-view.ts';
import type { Clock } from '../core/clock.ts';
import type { Health } from '../core/component.ts';
import type { DetectionEvent, Stamp } from '../core/messages.ts';
import { watchedZones } from '../pipeline/detection/zones/area.ts';
import type { CapturedPicture, PictureWish } from '../sources/camera/messages.ts';
import type { SceneUpdate } from './scenes.ts';

export interface LiveViewOptions {
  readonly camera: CameraConfig;
  readonly clock: Clock;
  readonly health: () => Health;
  readonly picture: (wish: PictureWish) => Promise<CapturedPicture>;
  readonly kept: CameraView['kept'];
  readonly earlier: CameraView['earlierPictures'];
}

/** What was found longer ago is not drawn on a picture of now. */
const FRESH = 1000;
/** Events that a page which is opened now still shows. */
const RECENT = 50;

const GREEN: Colour = [52, 168, 83];
const RED: Colour = [217, 48, 37];
const GREY: Colour = [128, 134, 139];
const BLUE: Colour = [26, 115, 232];

interface OpenEvent {
  readonly event: DetectionEvent;
  readonly stamp: Stamp;
}

export class LiveView implements CameraView {
  readonly name: string;
  readonly #options: LiveViewOptions;
  #detection: CameraConfig['detection'];
  #areas: Pick<Annotations, 'zones' | 'tripwires'>;
  readonly #followers = new Set<ViewFollower>();
  readonly #open = new Map<string, OpenEvent>();
  /** By id, in the order they began. */
  readonly #recent = new Map<string, ViewEvent>();
  #scene: ViewScene | undefined;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.name = options.camera.name;
    this.#detection = options.camera.detection;
    this.#areas = areasOf(this.#detection);
  }

  /** Draws other zones from now on. */
  configure({ detection }: Pick<CameraConfig, 'detection'>): void {
    this.#detection = detection;
    this.#areas = areasOf(detection);
    for (const follower of this.#followers) follower.configured?.();
  }

  health(): Health {
    return this.#options.health();
  }

  async picture({ annotated, ...wish }: ViewWish): Promise<ViewPicture> {
    const scene = this.#freshScene();
    const { camera: _, ...picture } = await this.#options.picture({
      ...wish,
      ...(scene && scene.tracks.length > 0 ? { sequence: scene.sequence } : {}),
      ...(annotated ? { annotations: this.#annotations(scene) } : {}),
    });
    return picture;
  }

  kept(event: string): Promise<Uint8Array | undefined> {
    return this.#options.kept(event);
  }

  zones(): readonly string[] {
    return watchedZones(this.#detection);
  }

  openEvents(): readonly OpenEvent[] {
    return [...this.#open.values()];
  }

  follow(follower: ViewFollower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  update({ frame, step }: SceneUpdate): void {
    const { sequence, capturedAt, timing } = frame;
    const times = { 'hand-over': timing.handOver, detect: timing.detect };
    this.#scene = { sequence, capturedAt, tracks: step.tracks, timing: times };
    for (const follower of this.#followers) follower.scene(this.#scene);
  }

  event(event: DetectionEvent, stamp: Stamp): void {
    if (event.phase === 'end') this.#open.delete(event.id);
    else if (event.phase !== 'once') this.#open.set(event.id, { event, stamp });
    this.#recent.set(event.id, { event, stamp, picture: this.#recent.get(event.id)?.picture ?? 0 });
    // Of those that are over the oldest goes.
    const over = this.#recent.size > RECENT && this.#recent.keys().find((id) => !this.#open.has(id));
    if (over) this.#recent.delete(over);
    for (const follower of this.#followers) follower.event(event, stamp);
  }

  /** A picture of the event lies on the disk, better than any before. */
  pictured(id: string): void {
    const recent = this.#recent.get(id);
    if (!recent) return;
    const picture = recent.picture + 1;
    this.#recent.set(id, { ...recent, picture });
    for (const follower of this.#followers) follower.pictured?.(id, picture);
  }

  recentEvents(): readonly ViewEvent[] {
    return [...this.#recent.values()];
  }

  earlierPictures(): readonly EarlierPicture[] {
    return this.#options.earlier().slice(0, RECENT);
  }

  #freshScene(): ViewScene | undefined {
    const scene = this.#scene;
    return scene && this.#options.clock.mono() - scene.capturedAt < FRESH ? scene : undefined;
  }

  #annotations(scene: ViewScene | undefined): Annotations {
    const times = Object.entries(scene?.timing ?? {}).map(([step, ms]) => `${step} ${ms.toFixed(1)} ms`);
    const time = new Date(this.#options.clock.wall()).toISOString().slice(0, 19).replace('T', ' ');
    return {
      ...this.#areas,
      boxes: (scene?.tracks ?? []).map(drawn),
      line: [this.name, `${time} UTC`, ...times].join('  '),
    };
  }
}

function drawn({ box, label, score, id, state, intrudes }: ViewTrack) {
  const colour = intrudes.length > 0 ? RED : state === 'new' ? GREY : GREEN;
  return { box, label: `${label} ${id} ${Math.round(score * 100)}%`, colour, dashed: state === 'lost' };
}

function areasOf({ zones, tripwires }: CameraConfig['detection']): Pick<Annotations, 'zones' | 'tripwires'> {
  return {
    zones: zones.map(({ name, polygon, mode }) => {
      const excluded = mode === 'exclude';
      return { polygon, name, colour: excluded ? GREY : BLUE, hatched: excluded };
    }),
    tripwires: tripwires.map(({ name, line, direction }) => ({
      name,
      line,
      colour: BLUE,
      toRight: direction !== 'right-to-left',
      toLeft: direction !== 'left-to-right',
    })),
  };
}
