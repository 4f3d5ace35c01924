/** What one camera sees, as server-sent events: `scene`, `detection`, `picture`, `health`, `zones`, `beat`. Follows the camera only while someone listens. */

import type { ServerResponse } from 'node:http';
import type { CameraView, ViewEvent, ViewScene } from '../../../core/camera-view.ts';
import type { Clock } from '../../../core/clock.ts';

const MOST_LISTENERS = 16;
/** Unsent bytes at which a listener counts as too slow for events, which must not be skipped. */
const MOST_BUFFERED = 256 * 1024;
/** Scenes come with every frame; a person needs fewer. */
const SCENE_EVERY = 100;
const TICK_MS = 1000;
const BEAT_EVERY_TICKS = 5;

export class SceneStream {
  readonly #view: CameraView;
  readonly #clock: Clock;
  readonly #listeners = new Set<ServerResponse>();
  #unfollow: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #sceneAt = 0;
  /** Came too soon after the last: sent a little later, unless a newer one takes its place. */
  #latest: ViewScene | undefined;
  #later: NodeJS.Timeout | undefined;
  #health = '';

  constructor(view: CameraView, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  /** @returns false when there are too many listeners already. */
  add(response: ServerResponse): boolean {
    if (this.#listeners.size >= MOST_LISTENERS) return false;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: 2000\n\n${message('health', this.#view.health())}`);
    response.write(message('events', [...this.#earlier(), ...this.#view.recentEvents().map(detectionView)]));
    response.on('close', () => this.#remove(response));
    this.#listeners.add(response);
    this.#unfollow ??= this.#view.follow({
      scene: (scene) => this.#scene(scene),
      event: (event, stamp) => this.#send('detection', detectionView({ event, stamp, picture: 0 })),
      pictured: (id, picture) => this.#send('picture', { id, picture }),
      // To be loaded again.
      configured: () => this.#send('zones', {}),
    });
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    return true;
  }

  close(): void {
    for (const listener of [...this.#listeners]) {
      listener.end();
      this.#remove(listener);
    }
  }

  /** Oldest first, as events are. */
  #earlier() {
    return this.#view
      .earlierPictures()
      .map(({ event, at }) => ({ id: event, phase: 'earlier', at, timeSynced: true, picture: 1 }))
      .reverse();
  }

  #scene(scene: ViewScene): void {
    this.#latest = scene;
    const wait = this.#sceneAt + SCENE_EVERY - this.#clock.mono();
    if (wait <= 0) this.#sendScene();
    else this.#later ??= setTimeout(() => this.#sendScene(), wait).unref();
  }

  #sendScene(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    const scene = this.#latest;
    if (!scene) return;
    this.#latest = undefined;
    this.#sceneAt = this.#clock.mono();
    const text = message('scene', scene);
    // The next one says it all again: who is slow gets fewer.
    for (const listener of this.#listeners) if (listener.writableLength === 0) listener.write(text);
  }

  #send(name: string, data: unknown): void {
    const text = message(name, data);
    for (const listener of this.#listeners) {
      if (listener.writableLength > MOST_BUFFERED) listener.destroy();
      else listener.write(text);
    }
  }

  #tick(): void {
    const health = this.#view.health();
    const now = JSON.stringify(health);
    if (now !== this.#health) this.#send('health', health);
    this.#health = now;
    this.#ticks = (this.#ticks + 1) % BEAT_EVERY_TICKS;
    if (this.#ticks === 0) this.#send('beat', {});
  }

  #remove(listener: ServerResponse): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#unfollow?.();
    this.#unfollow = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#latest = undefined;
  }
}

/** JSON of an event in the stream and in `/api/cameras`. */
export function detectionView({ event, stamp, picture }: ViewEvent) {
  const { id, kind, phase, zone, direction, track, label, confidence, durationMs, summary } = event;
  return {
    id,
    kind,
    phase,
    zone,
    direction,
    track,
    label,
    confidence,
    durationMs,
    summary,
    at: stamp.wall,
    timeSynced: stamp.timeQuality === 'synced',
    picture,
  };
}

const message = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
