/** From the configuration of a unit to the requests that read it. Pure. */

import type { ModbusSourceConfig, ModbusTagConfig, ModbusUnitConfig } from '../../config/schema/modbus.ts';
import { InputError, VigieError } from '../../core/errors.ts';
import type { Sample, Stamp, Tag } from '../../core/messages.ts';
import { judged } from '../../core/quality.ts';
import { type Millis, millis } from '../../core/units.ts';
import { coalesce, type Merged, type Span, split } from './coalesce.ts';
import { compileReader, isBitTable, type Reader, spanOf } from './decode.ts';
import type { Job } from './schedule.ts';

const READ_FUNCTION = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;
const ADDRESSES = 65_536;
/** Function 16 has room for fewer registers than a read. */
const MAX_WRITTEN = 123;

/** A tag and where it lies. */
export interface Point extends Span {
  readonly tag: Tag;
  readonly config: ModbusTagConfig;
}

/** One request that is sent again and again. */
export interface ReadJob extends Job {
  readonly request: { readonly fn: 1 | 2 | 3 | 4; readonly address: number; readonly count: number };
  readonly merged: Merged<Point>;
  /** One per point, in their order. */
  readonly readers: readonly Reader[];
  /** The unit refuses this request of a single tag; it is tried again at `retryAt` only. */
  refused: { readonly code: number; readonly retryAt: Millis } | undefined;
}

export interface UnitPlan {
  readonly points: readonly Point[];
  readonly jobs: readonly ReadJob[];
}

/**
 * @throws InputError `modbus-address` when a tag reaches beyond address 65535 or takes more registers than one
 * request may read; VigieError `modbus-tag-unknown` when `tags` lacks one of the unit's.
 */
export function planUnit(
  source: ModbusSourceConfig,
  unit: ModbusUnitConfig,
  tags: ReadonlyMap<string, Tag>,
): UnitPlan {
  const points = unit.tags.map((config) => pointOf(source, config, tags));
  const groups = Map.groupBy(points, (point) => `${point.config.register} ${point.tag.period}`);
  const jobs = [...groups.values()].flatMap((group) =>
    coalesce(group, limitsOf(source, group[0]!.config.register)).map(jobOf),
  );
  return { points, jobs };
}

/** Two jobs for one whose request was refused. */
export function splitJob(job: ReadJob): [ReadJob, ReadJob] {
  const [left, right] = split(job.merged);
  return [jobOf(left), jobOf(right)];
}

/** All samples of one response: decoded, scaled, judged. */
export function readSamples(job: ReadJob, data: Uint8Array, at: Stamp): Sample[] {
  const { readers } = job;
  const { spans } = job.merged;
  const samples = new Array<Sample>(spans.length);
  for (let i = 0; i < spans.length; i++) samples[i] = judged(spans[i]!.tag, readers[i]!(data), at);
  return samples;
}

function jobOf(merged: Merged<Point>): ReadJob {
  const { tag, config } = merged.spans[0]!;
  return {
    period: millis(tag.period),
    request: { fn: READ_FUNCTION[config.register], address: merged.start, count: merged.length },
    merged,
    readers: merged.spans.map((point) => compileReader(point.config, point.start - merged.start)),
    refused: undefined,
  };
}

function limitsOf(source: ModbusSourceConfig, register: ModbusTagConfig['register']) {
  const maxLength = isBitTable(register) ? source.maxCoils : source.maxRegisters;
  return { maxGap: source.maxGap, maxLength };
}

function pointOf(source: ModbusSourceConfig, config: ModbusTagConfig, tags: ReadonlyMap<string, Tag>): Point {
  const tag = tags.get(config.name);
  if (!tag) {
    throw new VigieError('modbus-tag-unknown', `source ${source.name} was not given its tag ${config.name}`);
  }
  const length = spanOf(config);
  const { maxLength } = limitsOf(source, config.register);
  const unwritable = config.writable && length > MAX_WRITTEN;
  if (config.address + length > ADDRESSES || length > maxLength || unwritable) {
    const bound = unwritable
      ? `a request writes at most ${MAX_WRITTEN}`
      : `a request reads at most ${maxLength}`;
    const why = length > maxLength || unwritable ? bound : 'the last address is 65535';
    throw new InputError(
      'modbus-address',
      `tag ${config.name} takes ${length} registers from ${config.register} ${config.address}, but ${why}`,
      { facts: { tag: config.name, address: config.address, length } },
    );
  }
  return { start: config.address, length, tag, config };
}
