/** A CSV recording played back with its own timestamps. */

import { z } from 'zod';
import { described, name } from './common.ts';
import { tagFields } from './tag.ts';

const replayTag = z.strictObject({
  ...tagFields,
  column: described(
    z.string().min(1).max(200).optional(),
    "Header of the column; the tag's name when absent.",
  ),
});

export const replaySource = z.strictObject({
  type: z.literal('replay'),
  name: described(name, 'Unique among the sources.'),
  file: described(
    z.string().min(1),
    'CSV with a header line; relative paths start at the configuration file.',
  ),
  time: described(
    z.string().optional(),
    'Header of the timestamp column; the first that parses as time when absent.',
  ),
  speed: described(z.number().positive().max(100_000).default(1), 'Recorded seconds per real second.'),
  loop: described(z.boolean().default(false), 'Start again at the end.'),
  tags: described(z.array(replayTag).min(1), 'Which columns are played.'),
});

export type ReplaySourceConfig = z.output<typeof replaySource>;
