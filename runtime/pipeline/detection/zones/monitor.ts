/** From tracks to events: who is in which zone, and who crossed which tripwire. Pure; times are arguments. */

import type { DetectionConfig, TripwireConfig, ZoneConfig } from '../../../config/schema/zones.ts';
import { inPolygon } from '../../../core/geometry.ts';
import type {
  DetectionEvent,
  IntrusionEnd,
  ModelIdentity,
  SnapshotReference,
  Stamp,
} from '../../../core/messages.ts';
import type { Millis } from '../../../core/units.ts';
import type { SnapshotWish } from '../observation.ts';
import type { Track } from '../tracking/track.ts';
import { type Areas, anchorOf, areasOf, type Watched } from './area.ts';
import { Crossing, type Direction } from './crossing.ts';
import { Intrusion, pictureQuality, rounded, roundedBox } from './intrusion.ts';
import { Presence, type PresenceChange } from './presence.ts';
import { crossingSummary } from './summary.ts';

export interface MonitorOptions {
  readonly camera: string;
  readonly config: DetectionConfig;
  /** Unique over restarts. */
  readonly newId: () => string;
}

/** The look that the tracks were seen on. */
export interface Seen {
  readonly model: ModelIdentity;
  readonly threshold: number;
  readonly stamp: Stamp;
}

interface InZone {
  readonly presence: Presence;
  intrusion?: Intrusion;
}

/** What is remembered of one track. */
interface Memory {
  readonly zones: ReadonlyMap<string, InZone>;
  readonly crossings: ReadonlyMap<string, Crossing>;
}

export class ZoneMonitor {
  readonly #options: Omit<MonitorOptions, 'config'>;
  #config: DetectionConfig;
  #areas: Areas;
  readonly #memories = new Map<number, Memory>();
  readonly #open = new Map<string, Intrusion>();
  #events: DetectionEvent[] = [];
  #wishes: SnapshotWish[] = [];

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#areas = areasOf(options.config);
  }

  /**
   * Other zones and tripwires from now on. Who is in a zone that keeps its name is in it still, wherever its corners are now:
   * the next look decides. Intrusions in zones that are gone, or that count other classes now, end.
   */
  configure(config: DetectionConfig, mono: Millis): void {
    this.#config = config;
    this.#areas = areasOf(config);
    const zones = new Map(this.#areas.zones.map((zone) => [zone.config.name, zone]));
    for (const [track, memory] of this.#memories) {
      for (const [name, place] of memory.zones) {
        const zone = zones.get(name);
        const { intrusion } = place;
        const stays = zone && (!intrusion || zone.counts(intrusion.subject.label));
        if (!stays) this.#finish(place, 'stopped', mono);
      }
      this.#memories.set(track, this.#memory(memory));
    }
  }

  /** A confirmed track that this look saw. */
  see(track: Track, seen: Seen): void {
    const memory = this.#memoryOf(track.id);
    for (const zone of this.#areas.zones)
      this.#inZone(track, zone, memory.zones.get(zone.config.name)!, seen);
    for (const wire of this.#areas.tripwires) {
      this.#atWire(track, wire, memory.crossings.get(wire.config.name)!, seen);
    }
  }

  /** What time alone brings about: armed hours that are over, reports that are due. */
  pass(stamp: Stamp): void {
    for (const zone of this.#areas.zones) {
      if (zone.armed(stamp)) continue;
      for (const memory of this.#memories.values()) {
        this.#finish(memory.zones.get(zone.config.name)!, 'disarmed', stamp.mono);
      }
    }
    for (const intrusion of this.#open.values()) {
      if (stamp.mono - intrusion.told >= this.#config.events.update) {
        this.#events.push(intrusion.update(stamp.mono));
      }
    }
  }

  /** The track is over. */
  forget(track: number, mono: Millis, reason: IntrusionEnd = 'lost'): void {
    for (const place of this.#memories.get(track)?.zones.values() ?? []) this.#finish(place, reason, mono);
    this.#memories.delete(track);
  }

  /** Ends all that is open. */
  stop(mono: Millis): void {
    for (const track of [...this.#memories.keys()]) this.forget(track, mono, 'stopped');
  }

  /** Names of the zones in which the track is an open intrusion. */
  intrudes(track: number): string[] {
    const zones = this.#memories.get(track)?.zones ?? new Map<string, InZone>();
    return [...zones].filter(([, { intrusion }]) => intrusion !== undefined).map(([name]) => name);
  }

  keepSnapshot(event: string, snapshot: SnapshotReference): void {
    this.#open.get(event)?.keep(snapshot);
  }

  /** What came up since the last call. */
  take(): { events: DetectionEvent[]; snapshots: SnapshotWish[] } {
    const taken = { events: this.#events, snapshots: this.#wishes };
    this.#events = [];
    this.#wishes = [];
    return taken;
  }

  #memoryOf(track: number): Memory {
    const known = this.#memories.get(track);
    if (known) return known;
    const made = this.#memory();
    this.#memories.set(track, made);
    return made;
  }

  /** @param before what is kept of places that are still there. */
  #memory(before?: Memory): Memory {
    const { exitDelay } = this.#config.events;
    const inZone = ({ config: { name, dwell } }: Watched<ZoneConfig>): [string, InZone] => {
      const known = before?.zones.get(name);
      known?.presence.configure({ dwell, exitDelay });
      return [name, known ?? { presence: new Presence({ dwell, exitDelay }) }];
    };
    const atWire = ({ config: { name, line } }: Watched<TripwireConfig>): [string, Crossing] => {
      const known = before?.crossings.get(name);
      return [name, known?.isOf(line) ? known : new Crossing(line)];
    };
    return {
      zones: new Map(this.#areas.zones.map(inZone)),
      crossings: new Map(this.#areas.tripwires.map(atWire)),
    };
  }

  #inZone(track: Track, zone: Watched<ZoneConfig>, place: InZone, { model, threshold, stamp }: Seen): void {
    const { config } = zone;
    if (!zone.counts(track.label) || !zone.armed(stamp)) return;
    const least = config.minConfidence ?? threshold;
    const point = anchorOf(track.box, config.anchor);
    const sight = {
      inside: inPolygon(point, config.polygon) && !this.#areas.excluded(point),
      sure: track.score >= least,
      stillSure: track.confidence >= least * this.#config.events.clear,
    };
    place.intrusion?.see({ score: track.score, box: track.box, model });
    const change = place.presence.look(sight, stamp.mono);
    if (change?.change === 'start') {
      const { id, label, box, score } = track;
      const event = this.#options.newId();
      const subject = {
        id: event,
        camera: this.#options.camera,
        zone: config.name,
        track: id,
        label,
        entered: change.entered,
      };
      place.intrusion = new Intrusion(subject, { score, box, model }, stamp.mono);
      this.#open.set(event, place.intrusion);
      this.#events.push(place.intrusion.start(stamp.mono));
    }
    this.#ended(place, change, stamp.mono);
    if (place.intrusion && sight.inside) this.#wish(place.intrusion, track, stamp.mono);
  }

  #wish(intrusion: Intrusion, { box }: Track, mono: Millis): void {
    const quality = intrusion.picture(mono);
    if (quality === undefined) return;
    this.#wishes.push({ event: intrusion.subject.id, box: roundedBox(box), quality });
  }

  #finish(place: InZone, reason: IntrusionEnd, mono: Millis): void {
    this.#ended(place, place.presence.finish(reason), mono);
  }

  #ended(place: InZone, change: PresenceChange | undefined, mono: Millis): void {
    if (change?.change !== 'end' || !place.intrusion) return;
    this.#events.push(place.intrusion.end(mono, change.left, change.reason));
    this.#open.delete(place.intrusion.subject.id);
    delete place.intrusion;
  }

  #atWire(track: Track, wire: Watched<TripwireConfig>, crossing: Crossing, seen: Seen): void {
    const { config } = wire;
    const point = anchorOf(track.box, config.anchor);
    if (this.#areas.excluded(point)) return;
    const direction = crossing.look(point);
    if (!direction || !wire.counts(track.label) || !wire.armed(seen.stamp)) return;
    if (config.direction !== 'both' && config.direction !== direction) return;
    if (track.confidence < (config.minConfidence ?? seen.threshold) * this.#config.events.clear) return;
    this.#crossed(track, config.name, direction, seen);
  }

  #crossed(track: Track, wire: string, direction: Direction, { model }: Seen): void {
    const { camera, newId } = this.#options;
    const { label, box, score } = track;
    const id = newId();
    this.#events.push({
      schema: 'vigie.detection/1',
      id,
      kind: 'crossing',
      phase: 'once',
      camera,
      zone: wire,
      direction,
      track: track.id,
      label,
      confidence: rounded(score),
      peak: rounded(track.peak),
      box: roundedBox(box),
      enteredAgoMs: 0,
      durationMs: 0,
      model,
      summary: crossingSummary(label, wire, camera, direction),
    });
    this.#wishes.push({ event: id, box: roundedBox(box), quality: pictureQuality({ score, box }) });
  }
}
