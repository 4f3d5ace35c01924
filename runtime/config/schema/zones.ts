/** What is made of a camera's detections: which count, how they become tracks, where and when a track is an intrusion. */

import { z } from 'zod';
import { type Point, selfCrossing } from '../../core/geometry.ts';
import { described, duration, name } from './common.ts';
import { scheduleConfig } from './schedule.ts';

const share = z.number().min(0).max(1);
const point = z.tuple([share, share]);
const confidence = z.number().gt(0).lt(1);
const label = z.string().min(1).max(200);
const labels = z.array(label).min(1).max(100);

const anchor = z.enum(['foot', 'center']);

/** What zones and tripwires have in common. */
const watched = {
  name: described(name, 'Unique among the zones and tripwires of the camera; appears in events.'),
  labels: described(labels.optional(), "Classes that count here; the camera's `labels` when absent."),
  minConfidence: described(
    confidence.optional(),
    "Confidence from which a track counts here; the model's own threshold when absent.",
  ),
  anchor: described(
    anchor.default('foot'),
    'The point of a box that is inside or not. foot: middle of its lower edge, where a person stands. center: its middle.',
  ),
  schedule: described(name.optional(), 'Schedule whose armed hours hold here; always armed when absent.'),
};

const zone = z
  .strictObject({
    ...watched,
    polygon: described(
      z.array(point).min(3).max(64),
      'Corners [x, y] in order, from [0, 0] (upper left of the picture) to [1, 1] (lower right).',
    ),
    mode: described(
      z.enum(['include', 'exclude']).default('include'),
      'include: who is inside is an intruder. exclude: who is inside counts nowhere.',
    ),
    dwell: described(
      duration('0ms', '1d').prefault('0ms'),
      'How long a track must be inside before an event starts.',
    ),
  })
  .superRefine(({ polygon }, context) => {
    const crossing = polygon.length >= 3 ? selfCrossing(polygon as Point[]) : undefined;
    if (crossing === undefined) return;
    const edge = (index: number) => `${index + 1}–${((index + 1) % polygon.length) + 1}`;
    context.addIssue({
      code: 'custom',
      path: ['polygon'],
      message: `crosses itself: the edge between corners ${edge(crossing[0])} meets the edge between ${edge(crossing[1])}; give the corners in order around the area`,
    });
  });

const tripwire = z
  .strictObject({
    ...watched,
    line: described(z.tuple([point, point]), 'The two ends [x, y], as for polygons.'),
    direction: described(
      z.enum(['both', 'left-to-right', 'right-to-left']).default('both'),
      'Which crossings count, as seen by who stands at the first end of the line and looks at the second.',
    ),
  })
  .refine(({ line: [a, b] }) => a[0] !== b[0] || a[1] !== b[1], {
    path: ['line'],
    message: 'both ends are the same point: expected two different ends',
  });

const size = z
  .strictObject({
    minWidth: described(share.default(0), "Of the picture's width."),
    minHeight: described(share.default(0), "Of the picture's height."),
    maxWidth: described(share.default(1), "Of the picture's width."),
    maxHeight: described(share.default(1), "Of the picture's height."),
  })
  .refine(({ minWidth, maxWidth }) => minWidth < maxWidth, {
    path: ['minWidth'],
    message: 'is not below maxWidth: no box has that width',
  })
  .refine(({ minHeight, maxHeight }) => minHeight < maxHeight, {
    path: ['minHeight'],
    message: 'is not below maxHeight: no box has that height',
  });

const tracker = z.strictObject({
  confirm: described(
    duration('0ms', '1min').prefault('200ms'),
    'How long a new track must have been seen, at least twice, before it counts; 0ms: from its first detection.',
  ),
  lostFor: described(
    duration('0ms', '10min').prefault('3s'),
    'How long a track that is not seen waits to be found again before it ends.',
  ),
  minOverlap: described(
    share.default(0.2),
    'Intersection over union of prediction and detection from which they may be the same.',
  ),
  lowScore: described(
    z.number().gt(0).max(1).default(0.5),
    "Detections down to this part of the model's threshold may continue a track, though they start none.",
  ),
});

const events = z.strictObject({
  update: described(
    duration('1s', '1d').prefault('30s'),
    'How soon an event that goes on is reported again.',
  ),
  exitDelay: described(
    duration('0ms', '10min').prefault('2s'),
    'How long a track must be outside before its event ends.',
  ),
  clear: described(
    z.number().min(0.1).max(1).default(0.4),
    'Hysteresis: confidence may fall to this part of `minConfidence` before a track no longer counts.',
  ),
});

const motion = z.strictObject({
  enabled: described(z.boolean().default(true), 'Look for persons only where something moves.'),
  threshold: described(
    z.number().int().min(1).max(128).default(12),
    'Change of brightness, of 255, from which a cell of the picture counts as moving; noise raises it by itself.',
  ),
  minShare: described(
    z.number().gt(0).max(1).default(0.004),
    'Part of a zone that must move before the model looks.',
  ),
  hold: described(
    duration('0ms', '10min').prefault('3s'),
    'How long the model goes on after the last motion.',
  ),
  lookEvery: described(
    duration('1s', '1h').prefault('10s'),
    'The model looks this often even when nothing moves.',
  ),
});

const rate = z.strictObject({
  adapt: described(
    z.boolean().default(true),
    'Skip frames, and take a smaller model of the same bundle, when the board is hot or inference falls behind.',
  ),
  minFps: described(
    z.number().gt(0).max(120).default(1),
    'Pictures per second that are looked at however hot the board is.',
  ),
  wantedFps: described(
    z.number().gt(0).max(120).default(5),
    'Pictures per second below which a slow model gives way to a faster one of its bundle.',
  ),
});

export const detectionConfig = z
  .strictObject({
    labels: described(labels.default(['person']), "Classes that are tracked, by the model's names."),
    size: described(size.prefault({}), 'Boxes outside these bounds are passed over.'),
    tracker: described(tracker.prefault({}), 'How detections become tracks: one person, one track.'),
    zones: described(
      z.array(zone).max(64).default([]),
      'Areas; without an including one the whole picture is a zone named `picture`.',
    ),
    tripwires: described(z.array(tripwire).max(64).default([]), 'Lines whose crossing is an event.'),
    schedules: described(z.array(scheduleConfig).max(32).default([]), 'Armed hours, by name.'),
    events: described(events.prefault({}), 'When an event starts, is repeated and ends.'),
    motion: described(motion.prefault({}), 'A cheap look before the model is asked.'),
    rate: described(rate.prefault({}), 'What gives way when the board cannot keep up.'),
  })
  .superRefine((config, context) => {
    for (const { path, message } of detectionIssues(config)) {
      context.addIssue({ code: 'custom', path, message });
    }
  });

export const privacyConfig = z.strictObject({
  blur: described(
    z.enum(['none', 'faces', 'persons']).default('none'),
    'What is made unrecognisable in snapshots and streams; persons: their whole boxes.',
  ),
  faceModel: described(
    z.string().min(1).max(4096).optional(),
    'For faces: the manifest of a model that finds them, or its folder (`vigie model fetch yunet-face`); relative paths start at the configuration file. Without it, or where it is too slow, whole persons are hidden.',
  ),
  snapshots: described(z.boolean().default(true), 'Keep a picture of each event at all.'),
});

export type DetectionConfig = z.output<typeof detectionConfig>;
export type ZoneConfig = DetectionConfig['zones'][number];
export type TripwireConfig = DetectionConfig['tripwires'][number];
export type TrackerConfig = DetectionConfig['tracker'];
export type MotionConfig = DetectionConfig['motion'];
export type PrivacyConfig = z.output<typeof privacyConfig>;

interface Issue {
  readonly path: PropertyKey[];
  readonly message: string;
}

function detectionIssues(config: {
  zones: ZoneConfig[];
  tripwires: TripwireConfig[];
  schedules: { name: string }[];
  labels: string[];
}): Issue[] {
  const places = (['zones', 'tripwires'] as const).flatMap((list) =>
    config[list].map((entry, index) => ({ entry, path: [list, index] as PropertyKey[] })),
  );
  const schedules = config.schedules.map((entry, index) => ({ entry, path: ['schedules', index] }));
  return [
    ...twice(places, 'zone or tripwire'),
    ...twice(schedules, 'schedule'),
    ...places.flatMap(({ entry, path }) => [
      ...unknownSchedule(entry, path, config.schedules),
      ...untracked(entry, path, config.labels),
    ]),
  ];
}

function twice(
  places: readonly { entry: { name: string }; path: readonly PropertyKey[] }[],
  kind: string,
): Issue[] {
  const first = new Map<string, string>();
  return places.flatMap(({ entry, path }) => {
    const before = first.get(entry.name);
    first.set(entry.name, before ?? `${String(path[0])}[${String(path[1])}]`);
    const message = `${kind} '${entry.name}' appears twice (first in ${before}): names are unique within a camera`;
    return before === undefined ? [] : [{ path: [...path, 'name'], message }];
  });
}

function unknownSchedule(
  { schedule }: { schedule?: string | undefined },
  path: readonly PropertyKey[],
  schedules: readonly { name: string }[],
): Issue[] {
  if (schedule === undefined || schedules.some(({ name }) => name === schedule)) return [];
  const known = schedules.map(({ name }) => `'${name}'`).join(', ') || 'none is defined';
  return [
    {
      path: [...path, 'schedule'],
      message: `there is no schedule '${schedule}' in this camera's schedules: ${known}`,
    },
  ];
}

function untracked(
  entry: { labels?: string[] | undefined },
  path: readonly PropertyKey[],
  tracked: readonly string[],
): Issue[] {
  return (entry.labels ?? []).flatMap((label, index) =>
    tracked.includes(label)
      ? []
      : [
          {
            path: [...path, 'labels', index],
            message: `'${label}' is not tracked: add it to the camera's labels, which are ${tracked.join(', ')}`,
          },
        ],
  );
}
