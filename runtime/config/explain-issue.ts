/** From zod's issues to sentences with a place, an expectation and, where one is near, the name that was meant. */

import type { z } from 'zod';
import { nearestName } from '../core/nearest-name.ts';
import type { Problem } from './problem.ts';
import { describeFormat, describeKey, validKeys } from './valid-names.ts';
import type { ParsedYaml } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/** One problem per wrong key: an issue of zod may name several. @param schema of the whole file. */
export function explainIssue(issue: Issue, yaml: ParsedYaml, schema: z.ZodType): Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, yaml, schema));
  const found = valueAt(yaml.value, path);
  if (found === undefined) return [missingKey(path, yaml, schema)];
  const format = describeFormat(schema, path, yaml.value);
  return [{ path, ...yaml.locate(path), message: sentence(issue, found, format) }];
}

function unknownKey(path: readonly PropertyKey[], key: string, yaml: ParsedYaml, schema: z.ZodType): Problem {
  const valid = validKeys(schema, path, yaml.value);
  const near = nearestName(key, valid);
  const hint = near ? `did you mean '${near}'?` : `valid here: ${valid.join(', ')}`;
  return { path: [...path, key], ...yaml.locateKey(path, key), message: `unknown key; ${hint}` };
}

function missingKey(path: readonly PropertyKey[], yaml: ParsedYaml, schema: z.ZodType): Problem {
  const purpose = describeKey(schema, path, yaml.value);
  return { path, ...yaml.locate(path.slice(0, -1)), message: `is missing${purpose ? `. ${purpose}` : ''}` };
}

function sentence(issue: Issue, found: unknown, format: string | undefined): string {
  const shown = show(found);
  switch (issue.code) {
    case 'invalid_type':
      return format
        ? `expected a ${format}, written with its unit; found ${shown}`
        : `expected ${issue.expected}, found ${shown}`;
    case 'invalid_value':
      return `expected one of ${choices(issue.values, found)}; found ${shown}`;
    case 'too_small':
      return `expected ${measure(issue.origin)} of at least ${issue.minimum}, found ${shown}`;
    case 'too_big':
      return `expected ${measure(issue.origin)} of at most ${issue.maximum}, found ${shown}`;
    case 'invalid_union':
      return issue.discriminator
        ? `expected a known ${issue.discriminator}, found ${shown}`
        : `${unionOptions(issue)}; found ${shown}`;
    default:
      return issue.message;
  }
}

function unionOptions(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const values = issue.errors.flatMap((option) =>
    option.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : [])),
  );
  return values.length > 0 ? `expected one of ${values.map(String).join(', ')}` : issue.message;
}

function choices(values: readonly unknown[], found: unknown): string {
  const names = values.map(String);
  const near = typeof found === 'string' ? nearestName(found, names) : undefined;
  return near ? `${names.join(', ')} (did you mean '${near}'?)` : names.join(', ');
}

const measure = (origin: string) =>
  ({ string: 'a length', array: 'a list', number: 'a number', int: 'a number' })[origin] ?? `a ${origin}`;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown> | null | undefined)?.[part],
    value,
  );
}
