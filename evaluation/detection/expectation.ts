/** What a recording should give: the camera's detection settings and the events that are right. YAML or JSON. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { explainIssue } from '../../runtime/config/explain-issue.ts';
import { formatPath } from '../../runtime/config/problem.ts';
import { duration, name } from '../../runtime/config/schema/common.ts';
import { detectionConfig } from '../../runtime/config/schema/zones.ts';
import { parseYaml } from '../../runtime/config/yaml.ts';
import { describeError, InputError } from '../../runtime/core/errors.ts';
import { WHOLE_PICTURE } from '../../runtime/pipeline/detection/zones/area.ts';

const expectedEvent = z.strictObject({
  zone: name.default(WHOLE_PICTURE),
  kind: z.enum(['intrusion', 'crossing']).default('intrusion'),
  direction: z.enum(['left-to-right', 'right-to-left']).optional(),
  label: z.string().min(1).default('person'),
  at: duration('0ms', '1d'),
  within: duration('0ms', '1h').prefault('2s'),
});

const expectation = z
  .strictObject({
    detection: detectionConfig.prefault({}),
    events: z.array(expectedEvent).max(10_000).default([]),
    open: z.record(name, z.int().min(0)).default({}),
  })
  .superRefine(({ detection, events, open }, context) => {
    const zones = [...detection.zones.filter(({ mode }) => mode === 'include'), ...detection.tripwires];
    const known = zones.length > 0 ? zones.map((zone) => zone.name) : [WHOLE_PICTURE];
    const complain = (path: PropertyKey[], zone: string) =>
      context.addIssue({
        code: 'custom',
        path,
        message: `there is no zone '${zone}' in detection; there are ${known.join(', ')}`,
      });
    events.forEach(({ zone }, index) => {
      if (!known.includes(zone)) complain(['events', index, 'zone'], zone);
    });
    for (const zone of Object.keys(open)) if (!known.includes(zone)) complain(['open', zone], zone);
  });

export type Expectation = z.output<typeof expectation>;
export type ExpectedEvent = Expectation['events'][number];

/** @throws InputError `expectation-invalid` with every problem and its line. */
export function readExpectation(path: string): Expectation {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError('expectation-invalid', `${path} cannot be read: ${describeError(cause)}`, { cause });
  }
  const yaml = parseYaml(text);
  const result = yaml.problems.length > 0 ? undefined : expectation.safeParse(yaml.value ?? {});
  if (result?.success) return result.data;
  const problems = result
    ? result.error.issues.flatMap((issue) => explainIssue(issue, yaml, expectation))
    : yaml.problems;
  const lines = problems.map(
    ({ path: at, line, column, message }) => `${path}:${line}:${column}: ${formatPath(at)} ${message}`,
  );
  throw new InputError('expectation-invalid', lines.join('\n'));
}
