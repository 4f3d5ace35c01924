/**
 * What a camera sees, over time: detections in; tracks, events and wishes for pictures out. Pure: frames, clocks and pictures
 * are elsewhere. Everything is judged by the monotonic time of the frames; the wall clock only opens and closes schedules.
 */

import type { DetectionConfig } from '../../config/schema/zones.ts';
import type { ViewTrack } from '../../core/camera-view.ts';
import type { DetectionEvent, SnapshotReference, Stamp } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import { boxFilter } from './filters.ts';
import type { Look, SceneStep } from './observation.ts';
import { Tracker, type TrackerStep } from './tracking/tracker.ts';
import { ZoneMonitor } from './zones/monitor.ts';

export interface SceneOptions {
  /** Name of the camera, for events. */
  readonly camera: string;
  readonly config: DetectionConfig;
  /** Makes ids of events: unique over restarts. */
  readonly newId: () => string;
}

export class Scene {
  readonly #tracker: Tracker;
  readonly #monitor: ZoneMonitor;
  #keep: (look: Look) => Look;
  #now = 0 as Millis;

  constructor(options: SceneOptions) {
    this.#tracker = new Tracker(options.config.tracker);
    this.#monitor = new ZoneMonitor(options);
    this.#keep = keeping(options.config);
  }

  /** Another configuration from now on; tracks live on. @returns the ends of events whose zones are gone. */
  configure(config: DetectionConfig, stamp: Stamp): readonly DetectionEvent[] {
    this.#tracker.configure(config.tracker);
    this.#keep = keeping(config);
    this.#monitor.configure(config, this.#at(stamp).mono);
    return this.#monitor.take().events;
  }

  /** Whether anything is tracked: a motion gate stays open for as long. */
  get busy(): boolean {
    return this.#tracker.tracks.length > 0;
  }

  /** @param stamp of the frame. A monotonic time before the last one counts as the last one. */
  step(look: Look, stamp: Stamp): SceneStep {
    const at = this.#at(stamp);
    const tracked = this.#tracker.step(this.#keep(look), at.mono);
    const { model, threshold } = look;
    for (const track of tracked.tracks) {
      if (track.state === 'seen' && track.lastSeen === at.mono) {
        this.#monitor.see(track, { model, threshold, stamp: at });
      }
    }
    return this.#result(tracked, at);
  }

  /** Time goes by without a look: the motion gate is closed, or the camera gives nothing. */
  idle(stamp: Stamp): SceneStep {
    const at = this.#at(stamp);
    return this.#result(this.#tracker.pass(at.mono), at);
  }

  /** Ends all open events. */
  stop(stamp: Stamp): readonly DetectionEvent[] {
    this.#monitor.stop(this.#at(stamp).mono);
    return this.#monitor.take().events;
  }

  /** The picture that was wished for, for the later phases of its event. Ignored when the event is over. */
  keepSnapshot(event: string, snapshot: SnapshotReference): void {
    this.#monitor.keepSnapshot(event, snapshot);
  }

  #at(stamp: Stamp): Stamp {
    this.#now = Math.max(this.#now, stamp.mono) as Millis;
    return { ...stamp, mono: this.#now };
  }

  #result({ tracks, ended }: TrackerStep, at: Stamp): SceneStep {
    for (const { id } of ended) this.#monitor.forget(id, at.mono);
    this.#monitor.pass(at);
    const { events, snapshots } = this.#monitor.take();
    const views = tracks.map(
      ({ id, label, score, box, state }): ViewTrack => ({
        id,
        label,
        score,
        box,
        state,
        intrudes: this.#monitor.intrudes(id),
      }),
    );
    return { tracks: views, events, snapshots };
  }
}

function keeping(config: DetectionConfig): (look: Look) => Look {
  const wanted = boxFilter(config);
  return (look) => ({ ...look, observations: look.observations.filter(wanted) });
}
