/** A configured zone or tripwire, ready to be asked. */

import type { DetectionConfig, TripwireConfig, ZoneConfig } from '../../../config/schema/zones.ts';
import { type Box, inPolygon, type Point } from '../../../core/geometry.ts';
import type { Stamp } from '../../../core/messages.ts';
import { Schedule } from './schedule.ts';

/** The zone of a camera for which none is configured. */
export const WHOLE_PICTURE = 'picture';

export interface Watched<T extends ZoneConfig | TripwireConfig> {
  readonly config: T;
  /** Of a class. */
  counts(label: string): boolean;
  armed(stamp: Pick<Stamp, 'wall' | 'timeQuality'>): boolean;
}

export interface Areas {
  readonly zones: readonly Watched<ZoneConfig>[];
  readonly tripwires: readonly Watched<TripwireConfig>[];
  /** Whether who stands there counts nowhere. */
  excluded(point: Point): boolean;
}

export function areasOf(config: DetectionConfig): Areas {
  const schedules = new Map(config.schedules.map((one) => [one.name, new Schedule(one)]));
  const watched = <T extends ZoneConfig | TripwireConfig>(entry: T): Watched<T> => {
    const schedule = entry.schedule === undefined ? undefined : schedules.get(entry.schedule);
    const labels = new Set(entry.labels ?? config.labels);
    return {
      config: entry,
      counts: (label) => labels.has(label),
      armed: (stamp) => schedule?.armed(stamp) ?? true,
    };
  };
  const excluding = config.zones.filter(({ mode }) => mode === 'exclude');
  return {
    zones: including(config).map(watched),
    tripwires: config.tripwires.map(watched),
    excluded: (point) => excluding.some(({ polygon }) => inPolygon(point, polygon)),
  };
}

/** Names of the zones in which a track is an intrusion. */
export function watchedZones(config: Pick<DetectionConfig, 'zones' | 'tripwires'>): string[] {
  return including(config).map(({ name }) => name);
}

/** Who configures tripwires alone wants their crossings, not everybody in the picture. */
function including({ zones, tripwires }: Pick<DetectionConfig, 'zones' | 'tripwires'>): ZoneConfig[] {
  const found = zones.filter(({ mode }) => mode === 'include');
  return found.length > 0 || tripwires.length > 0 ? found : [everywhere()];
}

function everywhere(): ZoneConfig {
  const polygon: [number, number][] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];
  return {
    name: WHOLE_PICTURE,
    polygon,
    mode: 'include',
    anchor: 'foot',
    dwell: 0 as ZoneConfig['dwell'],
  };
}

/** Where a box stands, within the picture. */
export function anchorOf([x, y, width, height]: Box, anchor: 'foot' | 'center'): Point {
  const within = (value: number) => Math.min(Math.max(value, 0), 1);
  return [within(x + width / 2), within(y + (anchor === 'foot' ? height : height / 2))];
}
