/** Building blocks of the schema: quantities with their unit, names, secrets by reference. */

import { z } from 'zod';
import { type Bytes, type Millis, parseBytes, parseDuration } from '../../core/units.ts';

/** What the reference page and the reload logic know of a key. */
export interface KeyMeta {
  description: string;
  /** True when a change of the key takes effect only after a restart; false when SIGHUP is enough. */
  restart?: boolean;
}

export const described = <T extends z.ZodType>(schema: T, description: string): T =>
  schema.meta({ ...schema.meta(), description });

/** `500ms`, `5s`, `10min`, `2h`, `1d`, between two bounds. */
export function duration(low: string, high: string) {
  const [min, max] = [parseDuration(low) as Millis, parseDuration(high) as Millis];
  return z
    .string()
    .transform((text, context): Millis => {
      const value = parseDuration(text);
      if (value !== undefined && value >= min && value <= max) return value;
      const wrong = value === undefined ? 'is not a duration' : 'is out of bounds';
      context.addIssue({
        code: 'custom',
        message: `'${text}' ${wrong}: expected ${low} to ${high}, such as '500ms', '5s', '10min'`,
      });
      return z.NEVER;
    })
    .meta({ format: `duration ${low} … ${high}` });
}

/** `64KiB`, `200MB`, `1GiB`, between two bounds. */
export function byteSize(low: string, high: string) {
  const [min, max] = [parseBytes(low) as Bytes, parseBytes(high) as Bytes];
  return z
    .string()
    .transform((text, context): Bytes => {
      const value = parseBytes(text);
      if (value !== undefined && value >= min && value <= max) return value;
      const wrong = value === undefined ? 'is not a size' : 'is out of bounds';
      context.addIssue({
        code: 'custom',
        message: `'${text}' ${wrong}: expected ${low} to ${high}, such as '64KiB', '200MB'`,
      });
      return z.NEVER;
    })
    .meta({ format: `size ${low} … ${high}` });
}

/** One level of an MQTT topic, also a metric label: letters, digits, `_`, `-`, `.`. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    "expected 1 to 64 of letters, digits, '_', '-', '.', starting with a letter or digit",
  );

/** Of a model bundle: as in manifest.json. */
export const bundleName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]{0,63}$/,
    "expected 1 to 64 of a-z, 0-9, '.', '-', starting with a letter or digit",
  );

/**
 * Where a secret is read from: an absolute path, or `credential:NAME` for a systemd credential
 * ($CREDENTIALS_DIRECTORY/NAME). Never the secret itself.
 */
export const secretFile = z
  .string()
  .regex(
    /^(\/|credential:[A-Za-z0-9_.-]+$)/,
    "expected an absolute path or 'credential:NAME'; secrets never stand in this file",
  );

export const port = z.number().int().min(1).max(65535);
