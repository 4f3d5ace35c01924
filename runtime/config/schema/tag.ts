/** What every tag has, whatever reads it. */

import { z } from 'zod';
import { described, duration, name } from './common.ts';

const finite = z.number();

export const tagFields = {
  name: described(name, 'Unique within the node; appears in messages, metrics and the dashboard.'),
  group: described(name.default('default'), 'Process group (stage) in which the tag is analysed and shown.'),
  kind: described(name.default('value'), 'What is measured: ph, flow, level, pump-state …; a label.'),
  unit: described(z.string().max(32).default(''), 'UCUM unit of measure, such as mg/L, Cel, [pH].'),
  range: described(
    z
      .tuple([finite, finite])
      .refine(([low, high]) => low < high, 'expected [low, high] with low < high')
      .optional(),
    'Valid range [low, high] in engineering units; a value outside it is uncertain and raises the range rule.',
  ),
  period: described(
    duration('10ms', '1d').optional(),
    "How often it is read; the source's period when absent.",
  ),
  deadband: described(
    finite.min(0).default(0),
    'Smallest change worth publishing, in engineering units; 0 publishes every sample.',
  ),
};

export interface TagFields {
  name: string;
  group: string;
  kind: string;
  unit: string;
  range?: [number, number] | undefined;
  deadband: number;
}
