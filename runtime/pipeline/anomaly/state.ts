/** A fit as plain JSON and back. What comes back may be foreign: everything is checked before anything is taken. */

import { ModelError } from '../../core/errors.ts';
import type { Tag } from '../../core/messages.ts';

/** Version of the shape below; a fit of another version is learned anew. */
const STATE_VERSION = 1;

const POSITIVE: ReadonlySet<string> = new Set(['scale', 'limit', 'halfWidth']);

export type Numbers = Float64Array<ArrayBuffer>;

/**
 * Named arrays of numbers. Those named in `POSITIVE` must be above 0 and may be Infinity ("no limit"), which is
 * null in JSON; all others must be finite.
 */
export type Values = Readonly<Record<string, Numbers>>;

export function packState(
  detector: string,
  columns: readonly Tag[],
  values: Values,
): Record<string, unknown> {
  const packed: Record<string, (number | null)[]> = {};
  for (const [key, numbers] of Object.entries(values)) {
    packed[key] = Array.from(numbers, (n) => (n === Number.POSITIVE_INFINITY ? null : n));
  }
  return { version: STATE_VERSION, detector, tags: columns.map((tag) => tag.name), values: packed };
}

/** The plain object behind a state that belongs to this detector and these columns. @throws ModelError `bad-state`. */
export function openState(
  state: unknown,
  detector: string,
  columns: readonly Tag[],
): Readonly<Record<string, unknown>> {
  if (!isObject(state)) throw badState(detector, 'not an object');
  if (state.version !== STATE_VERSION) {
    throw badState(detector, `version ${String(state.version)}, this release reads ${STATE_VERSION}`);
  }
  if (state.detector !== detector) throw badState(detector, `it is of '${String(state.detector)}'`);
  const tags = state.tags;
  if (!Array.isArray(tags) || tags.length !== columns.length || columns.some((t, i) => tags[i] !== t.name)) {
    throw badState(detector, 'it was learned from other tags');
  }
  return state;
}

/** Copies the arrays of `state` into `into`, all or none. @throws ModelError `bad-state`. */
export function unpackState(state: unknown, detector: string, columns: readonly Tag[], into: Values): void {
  const { values } = openState(state, detector, columns);
  if (!isObject(values)) throw badState(detector, 'it has no values');
  const read = Object.entries(into).map(([key, target]) => {
    return [target, readNumbers(detector, key, values[key], target.length)] as const;
  });
  for (const [target, numbers] of read) target.set(numbers);
}

function readNumbers(detector: string, key: string, found: unknown, length: number): number[] {
  if (!Array.isArray(found) || found.length !== length)
    throw badState(detector, `'${key}' needs ${length} numbers`);
  const positive = POSITIVE.has(key);
  return found.map((n: unknown) => {
    if (n === null && positive) return Number.POSITIVE_INFINITY;
    if (typeof n !== 'number' || !Number.isFinite(n) || (positive && n <= 0)) {
      throw badState(detector, `'${key}' holds ${String(n)}`);
    }
    return n;
  });
}

export function badState(detector: string, why: string): ModelError {
  return new ModelError(
    'bad-state',
    `the saved fit of ${detector} cannot be used: ${why}; learn the baseline anew`,
    {
      facts: { detector },
    },
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
