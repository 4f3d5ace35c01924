/** The schema as text: the reference page for people, the JSON Schema for editors. */

import { z } from 'zod';
import { deviceProfile } from '../runtime/config/device-profile/schema.ts';
import { rootConfig, sourceConfig } from '../runtime/config/schema/root.ts';

interface Row {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly description: string;
}

/** docs/configuration.md, whole. */
export function referencePage(): string {
  const sections = Object.entries(rootConfig.shape)
    .filter(([key]) => key !== 'sources')
    .map(([key, schema]) => section(`\`${key}\``, key, schema as z.ZodType));
  const sources = sourceConfig.options.map((option) => {
    const type = String((option.shape.type as z.ZodLiteral).value);
    return section(`\`sources[]\` with \`type: ${type}\``, 'sources[]', option);
  });
  return `${INTRODUCTION}\n${[...sections, ...sources].join('\n')}`;
}

/** docs/schema/vigie.schema.json: name it in the first line of vigie.yaml and editors check while you type. */
export function editorSchema(): string {
  return jsonSchema(rootConfig);
}

/** docs/device-profile-reference.md, whole. */
export function profilePage(): string {
  return `${PROFILE_INTRODUCTION}\n${section('Keys', '', deviceProfile)}`;
}

/** docs/schema/device-profile.schema.json, for editors. */
export function profileSchema(): string {
  return jsonSchema(deviceProfile);
}

function jsonSchema(schema: z.ZodType): string {
  return `${JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), undefined, 2)}\n`;
}

const PROFILE_INTRODUCTION = `# Device profile reference

Generated from \`runtime/config/device-profile/schema.ts\` by \`npm run docs\`; do not edit it by hand. What profiles are
for, and how to write one: [device-profiles.md](device-profiles.md). Unknown keys are errors. Temperatures are degrees
Celsius; sizes are written \`64KiB\`, \`200MB\`, \`1GiB\`.

For completion and checks in an editor, start the file with
\`# yaml-language-server: $schema=PATH/docs/schema/device-profile.schema.json\`.
`;

const INTRODUCTION = `# Configuration reference

Generated from the schema in \`runtime/config/schema/\` by \`npm run docs\`; do not edit it by hand.

\`vigie check FILE\` reports every error of a file with its line and column. Unknown keys are errors. Durations are
written \`500ms\`, \`5s\`, \`10min\`, \`2h\`, \`1d\`; sizes \`64KiB\`, \`200MB\`, \`1GiB\`. Secrets never stand in the file: keys
ending in \`File\` name a file or a systemd credential. A change takes effect at a restart, except: \`log\`, sources
whose tags stay the same, and \`detection\` of cameras of which nothing else changed (but \`tracker.lowScore\`), which SIGHUP
takes over.

For completion and checks in an editor, start the file with
\`# yaml-language-server: $schema=PATH/docs/schema/vigie.schema.json\`.
`;

function section(title: string, key: string, schema: z.ZodType): string {
  const rows = [...walk(key, schema)];
  const lines = rows.map(
    (row) =>
      `| \`${row.key}\` | ${cell(row.type)} | ${row.fallback && `\`${cell(row.fallback)}\``} | ${cell(row.description)} |`,
  );
  return `## ${title}\n\n${schema.meta()?.description ?? ''}\n\n| key | type | default | meaning |\n|---|---|---|---|\n${lines.join('\n')}\n`;
}

const cell = (text: string) => text.replaceAll('|', '\\|');

function* walk(key: string, schema: z.ZodType): Generator<Row> {
  const { inner, fallback, optional } = unwrap(schema);
  const description = schema.meta()?.description ?? '';
  if (inner instanceof z.ZodObject) {
    for (const [name, child] of Object.entries(inner.shape)) {
      if (name === 'type' && child instanceof z.ZodLiteral) continue;
      yield* walk(key ? `${key}.${name}` : name, child as z.ZodType);
    }
    return;
  }
  if (inner instanceof z.ZodArray && unwrap(inner.element as z.ZodType).inner instanceof z.ZodObject) {
    yield { key: `${key}[]`, type: 'list', fallback: fallback ?? 'required', description };
    yield* walk(`${key}[]`, inner.element as z.ZodType);
    return;
  }
  yield { key, type: typeName(inner), fallback: fallback ?? (optional ? '' : 'required'), description };
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; fallback?: string; optional?: boolean } {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const value = schema.def.defaultValue;
    const fallback = typeof value === 'string' ? value : JSON.stringify(value);
    return { ...unwrap(schema.unwrap() as z.ZodType), fallback };
  }
  if (schema instanceof z.ZodOptional) return { ...unwrap(schema.unwrap() as z.ZodType), optional: true };
  return { inner: schema };
}

function typeName(schema: z.ZodType): string {
  if (schema instanceof z.ZodPipe) return String(schema.meta()?.format ?? 'text');
  if (schema instanceof z.ZodEnum) return schema.options.join(', ');
  if (schema instanceof z.ZodUnion) return (schema.options as z.ZodType[]).map(typeName).join(', ');
  if (schema instanceof z.ZodLiteral) return String(schema.value);
  if (schema instanceof z.ZodTuple) return `[${(schema.def.items as z.ZodType[]).map(typeName).join(', ')}]`;
  if (schema instanceof z.ZodArray) return `list of ${typeName(schema.element as z.ZodType)}`;
  if (schema instanceof z.ZodNumber) return bounds(schema);
  return schema instanceof z.ZodBoolean ? 'true, false' : 'text';
}

function bounds(schema: z.ZodNumber): string {
  const { minValue, maxValue } = schema;
  const safe = (value: number | null) =>
    value !== null && Number.isFinite(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (safe(minValue) && safe(maxValue)) return `${minValue} … ${maxValue}`;
  return safe(minValue) ? `number ≥ ${minValue}` : 'number';
}
