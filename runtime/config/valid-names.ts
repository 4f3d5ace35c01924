/** Which keys, or which enum values, the schema allows at a place in the data. */

import { z } from 'zod';

/** Valid keys of the object at `path`; empty when there is no object there. `data` resolves unions by their `type`. */
export function validKeys(root: z.ZodType, path: readonly PropertyKey[], data: unknown): readonly string[] {
  const schema = schemaAt(root, path, data);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** What the key at `path` is for, from the schema. */
export function describeKey(
  root: z.ZodType,
  path: readonly PropertyKey[],
  data: unknown,
): string | undefined {
  const parent = schemaAt(root, path.slice(0, -1), data);
  const key = path.at(-1);
  if (!(parent instanceof z.ZodObject) || typeof key !== 'string') return undefined;
  return (parent.shape[key] as z.ZodType | undefined)?.meta()?.description;
}

/** How the value at `path` is written where it is a text of a certain form: `duration 10ms … 1d`. */
export function describeFormat(
  root: z.ZodType,
  path: readonly PropertyKey[],
  data: unknown,
): string | undefined {
  return schemaAt(root, path, data)?.meta()?.format as string | undefined;
}

function schemaAt(root: z.ZodType, path: readonly PropertyKey[], data: unknown): z.ZodType | undefined {
  let schema = unwrap(root, data);
  let value = data;
  for (const part of path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    if (schema instanceof z.ZodObject)
      schema = unwrap(schema.shape[String(part)] as z.ZodType | undefined, value);
    else if (schema instanceof z.ZodArray) schema = unwrap(schema.element as z.ZodType, value);
    else return undefined;
  }
  return schema;
}

/** Through defaults and optionals; through a discriminated union by the `type` of the value. */
function unwrap(schema: z.ZodType | undefined, value: unknown): z.ZodType | undefined {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap() as z.ZodType, value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const type = (value as Record<string, unknown> | undefined)?.type;
    return (schema.options as z.ZodObject[]).find(
      (option) => option.shape.type instanceof z.ZodLiteral && option.shape.type.value === type,
    );
  }
  return schema;
}
