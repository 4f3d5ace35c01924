/** Quantities whose unit is part of the type, so that seconds never meet milliseconds by accident. */

declare const unit: unique symbol;
type Quantity<U extends string> = number & { readonly [unit]: U };

/** A duration, or a point on the monotonic clock, in milliseconds (may have a fraction). */
export type Millis = Quantity<'ms'>;
/** Wall time in milliseconds since 1970-01-01 UTC. */
export type EpochMillis = Quantity<'epoch-ms'>;
export type Bytes = Quantity<'byte'>;
export type Celsius = Quantity<'Cel'>;

export const millis = (n: number) => n as Millis;
export const seconds = (n: number) => (n * 1000) as Millis;
export const minutes = (n: number) => (n * 60_000) as Millis;
export const hours = (n: number) => (n * 3_600_000) as Millis;
export const epochMillis = (n: number) => n as EpochMillis;
export const bytes = (n: number) => n as Bytes;

const DURATION_UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTE_UNITS: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `500ms`, `5s`, `1.5min`, `2h`, `1d`; undefined when the text is none of these. */
export function parseDuration(text: string): Millis | undefined {
  return parseWith(text, DURATION_UNITS) as Millis | undefined;
}

/** `512B`, `64KiB`, `200MB`, `1GiB`; undefined when the text is none of these. */
export function parseBytes(text: string): Bytes | undefined {
  return parseWith(text, BYTE_UNITS) as Bytes | undefined;
}

function parseWith(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const factor = match && units[match[2] as string];
  return factor ? Number(match[1]) * factor : undefined;
}
