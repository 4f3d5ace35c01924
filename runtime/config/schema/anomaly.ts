/** Anomaly analysis: what is learned, which detectors vote, when a vote becomes an event. */

import { z } from 'zod';
import { bundleName, described, duration, name } from './common.ts';

export const DETECTORS = [
  'range',
  'rate-of-change',
  'frozen-value',
  'missing-data',
  'cross-sensor-balance',
  'ewma',
  'cusum',
  'mewma',
  'pca',
  'isolation-forest',
] as const;

const model = z
  .strictObject({
    name: described(
      name.refine(
        (text) => !(DETECTORS as readonly string[]).includes(text),
        'is the name of a built-in detector',
      ),
      'Names the detector in events and metrics.',
    ),
    group: described(name, 'Process group whose tags it reads.'),
    file: described(
      z.string().min(1).optional(),
      'ONNX file with one ai.onnx.ml TreeEnsembleRegressor; relative paths start at the configuration file.',
    ),
    bundle: described(
      bundleName.optional(),
      'Instead of `file`: name of a signed bundle with a model for the task `anomaly` (docs/ota.md). Without a release that serves, the detector is silent.',
    ),
    inputs: described(
      z.array(name).min(1).max(1000),
      "Tags in the order of the model's columns. Of a bundle, the shape of the input says whether it takes one row of them or the last rows.",
    ),
    limit: described(
      z.number().optional(),
      "Output above which the model calls a row anomalous; needed with `file`, and left out with `bundle` the bundle's own.",
    ),
  })
  .superRefine((entry, context) => {
    const issue = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', path, message });
    if (entry.file === undefined && entry.bundle === undefined)
      issue('names no model: add file, or bundle for one that comes as an update');
    if (entry.file !== undefined && entry.bundle !== undefined)
      issue('stands beside file: a model comes from one of them', 'bundle');
    if (entry.file !== undefined && entry.limit === undefined)
      issue('is needed for a model from a file', 'limit');
  });

export const anomalyConfig = z.strictObject({
  enabled: described(z.boolean().default(true), 'Analyse at all.'),
  detectors: described(
    z
      .array(z.enum(DETECTORS))
      .min(1)
      .default([...DETECTORS]),
    'Which detectors run on each group.',
  ),
  models: described(z.array(model).max(16).default([]), 'Models trained elsewhere, as further detectors.'),
  baseline: described(
    z
      .strictObject({
        learn: described(
          duration('10s', '30d').prefault('1d'),
          'How long the node watches before it knows what is normal. It must cover what is: a day where there is a daily cycle, since a morning is no night; less will do for a machine that always runs the same. Until then only configured ranges and missing data raise alarms.',
        ),
        minRows: described(
          z.number().int().min(20).max(1_000_000).default(100),
          'Fewest rows of a group that can teach a baseline.',
        ),
        maxRows: described(
          z.number().int().min(100).max(100_000).default(5000),
          'Rows kept per group while learning; when there are more, every second run of them is dropped. Groups of more than 69 tags keep fewer, so that learning from them holds nothing up.',
        ),
      })
      .prefault({}),
    'What is normal is learned on the node from its own first hours, kept on disk, and learned anew by the command `baseline-refresh`.',
  ),
  alarm: described(
    z
      .strictObject({
        delayOn: described(
          duration('0ms', '1h').prefault('5s'),
          'How long the fused score must stay above the limit before an event starts.',
        ),
        delayOff: described(
          duration('0ms', '1d').prefault('30s'),
          'How long it must stay below `clear` before the event ends.',
        ),
        minDuration: described(duration('0ms', '1d').prefault('30s'), 'Shortest event.'),
        clear: described(
          z.number().min(0.1).max(1).default(0.8),
          'Hysteresis: the event ends below this fraction of the limit.',
        ),
        update: described(
          duration('1s', '1d').prefault('5min'),
          'How soon an event that goes on is reported again. Each further report waits twice as long, up to an hour, until the suspected fault or the top tag changes.',
        ),
        budgetPerHour: described(
          z.number().positive().max(10_000).default(6),
          'Alarms per hour an operator can handle (ISA-18.2: about 6); a metric shows how much is used.',
        ),
      })
      .prefault({}),
    'When a score becomes an event: one fault, one event.',
  ),
});

export type AnomalyConfig = z.output<typeof anomalyConfig>;
export type DetectorName = (typeof DETECTORS)[number];
