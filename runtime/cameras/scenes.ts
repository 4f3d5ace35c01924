/** From what the models find to events: one scene per camera, stepped by its detections, and by the clock where none come. */

import type { CameraConfig } from '../config/schema/camera.ts';
import type { Clock } from '../core/clock.ts';
import { type Component, HEALTHY, type Health } from '../core/component.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Accept, DetectionEvent, Stamp } from '../core/messages.ts';
import { epochMillis, type Millis } from '../core/units.ts';
import type { SceneStep } from '../pipeline/detection/observation.ts';
import { Scene } from '../pipeline/detection/scene.ts';
import type { FrameDetections, ModelFacts } from '../sources/camera/messages.ts';

/** What came of one frame, for views and snapshots. */
export interface SceneUpdate {
  readonly frame: FrameDetections;
  readonly model: ModelFacts;
  readonly step: SceneStep;
  /** Wall time and its quality at capture. */
  readonly stamp: Stamp;
}

export interface ScenesOptions {
  readonly cameras: readonly CameraConfig[];
  readonly clock: Clock;
  readonly log: Log;
  readonly accept: Accept;
  /** Unique per start of the node. */
  readonly idPrefix: string;
  /** A camera's scene began to track something, or tracks nothing any more. */
  readonly onBusy: (camera: string, busy: boolean) => void;
  /** In the order they happened. Must not throw. */
  readonly onEvent: (event: DetectionEvent, stamp: Stamp) => void;
  /** Must not throw. */
  readonly onUpdate: (camera: string, update: SceneUpdate) => void;
}

interface Watched {
  readonly scene: Scene;
  busy: boolean;
  lastStep: Millis;
}

const IDLE_EVERY = 1000;

export class CameraScenes implements Component {
  readonly name = 'scenes';
  readonly #options: ScenesOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  #events = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ScenesOptions) {
    const { cameras, clock, idPrefix } = options;
    this.#options = options;
    const newId = () => `${idPrefix}-d${++this.#events}`;
    const lastStep = clock.mono();
    const watched = (camera: string, config: CameraConfig['detection']): Watched => {
      return { scene: new Scene({ camera, config, newId }), busy: false, lastStep };
    };
    this.#watched = new Map(cameras.map(({ name, detection }) => [name, watched(name, detection)]));
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#idle(), IDLE_EVERY);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const stamp = this.#options.clock.stamp();
    const sent = [...this.#watched.values()].flatMap(({ scene }) => this.#send(scene.stop(stamp), stamp));
    await Promise.all(sent);
  }

  health(): Health {
    return HEALTHY;
  }

  /** In the order of capture. */
  see(frame: FrameDetections, model: ModelFacts): void {
    const watched = this.#watched.get(frame.camera);
    if (!watched) return;
    const stamp = this.#stampOf(frame.capturedAt);
    const { identity, threshold } = model;
    const step = watched.scene.step({ observations: frame.objects, model: identity, threshold }, stamp);
    watched.lastStep = this.#options.clock.mono();
    this.#took(frame.camera, watched, step.events, stamp);
    this.#options.onUpdate(frame.camera, { frame, model, step, stamp });
  }

  /** Looks for something else, elsewhere or at other times from now on; tracks and the events of zones that stay live on. */
  configure(camera: string, config: CameraConfig['detection']): void {
    const watched = this.#watched.get(camera);
    const stamp = this.#options.clock.stamp();
    if (watched) this.#took(camera, watched, watched.scene.configure(config, stamp), stamp);
  }

  /** What a picture that was wished for became, for the later phases of its event. */
  keepSnapshot(camera: string, ...kept: Parameters<Scene['keepSnapshot']>): void {
    this.#watched.get(camera)?.scene.keepSnapshot(...kept);
  }

  #idle(): void {
    const stamp = this.#options.clock.stamp();
    for (const [camera, watched] of this.#watched) {
      if (stamp.mono - watched.lastStep < IDLE_EVERY) continue;
      this.#took(camera, watched, watched.scene.idle(stamp).events, stamp);
    }
  }

  #took(camera: string, watched: Watched, events: readonly DetectionEvent[], stamp: Stamp): void {
    this.#send(events, stamp);
    if (watched.scene.busy === watched.busy) return;
    watched.busy = watched.scene.busy;
    this.#options.onBusy(camera, watched.busy);
  }

  #send(events: readonly DetectionEvent[], stamp: Stamp): Promise<void>[] {
    const { accept, log, onEvent } = this.#options;
    return events.map((body) => {
      const { camera, kind, phase, id, summary } = body;
      onEvent(body, stamp);
      log.info({ event: `detection.${kind}.${phase}`, camera, id }, summary);
      return accept({ ...stamp, class: 'event', topic: 'events/detection', body }).catch((error: unknown) => {
        log.error({ event: 'detection.event.lost', camera, id, error: describeError(error) }, summary);
      });
    });
  }

  #stampOf(capturedAt: Millis): Stamp {
    const now = this.#options.clock.stamp();
    return { ...now, mono: capturedAt, wall: epochMillis(now.wall - (now.mono - capturedAt)) };
  }
}
