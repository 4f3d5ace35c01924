/** Plays a CSV recording: its columns become tags, its timestamps the samples' wall time, its rhythm the pace. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplaySourceConfig } from '../../config/schema/replay.ts';
import type { Clock } from '../../core/clock.ts';
import type { Health, Source } from '../../core/component.ts';
import { describeError, InputError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Emit, Sample, Stamp, Tag } from '../../core/messages.ts';
import { Counter, type Registry, sharedFamily } from '../../core/prometheus.ts';
import { judged, unread } from '../../core/quality.ts';
import { type RecordingHeader, type RecordingRow, readRecording } from '../../core/recording.ts';
import { type Millis, millis } from '../../core/units.ts';

export interface ReplaySourceOptions {
  readonly config: ReplaySourceConfig;
  /** By name; every tag of the configuration is in it. */
  readonly tags: ReadonlyMap<string, Tag>;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

/** A pause longer than this in the recording (a night without data) is not waited for. */
const LONGEST_WAIT = 60_000;

export class ReplaySource implements Source {
  readonly name: string;
  readonly tags: readonly Tag[];
  readonly #options: ReplaySourceOptions;
  readonly #rows;
  readonly #abort = new AbortController();
  #health: Health = { state: 'starting', detail: 'no row was played yet' };
  #playing: Promise<void> | undefined;

  constructor(options: ReplaySourceOptions) {
    const { config, tags, registry } = options;
    this.name = config.name;
    this.tags = config.tags.map(({ name }) => tags.get(name) as Tag);
    this.#options = options;
    this.#rows = replayedRows(registry).labels(config.name);
  }

  async start(): Promise<void> {
    this.#playing ??= this.#play();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#playing;
    this.#health = { state: 'stopped', detail: '' };
  }

  health(): Health {
    return this.#health;
  }

  async #play(): Promise<void> {
    const { config, log } = this.#options;
    try {
      for (let pause = await this.#playOnce(); config.loop; pause = await this.#playOnce()) {
        await this.#wait(pause);
      }
      this.#health = { state: 'ok', detail: 'the recording is played to its end' };
      log.info({ event: 'replay.ended', component: this.name }, `${config.file} is played to its end`);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#health = { state: 'failed', detail: describeError(error) };
      log.error(
        { event: 'replay.failed', component: this.name, error: describeError(error) },
        'the recording cannot be played',
      );
    }
  }

  /** @returns how long the last row lasts before another round: as long as the one before it. */
  async #playOnce(): Promise<Millis> {
    const { config, clock } = this.#options;
    let step = this.tags[0]!.period * config.speed;
    let last: number | undefined;
    const layout = { ...(config.time === undefined ? {} : { time: config.time }) };
    let pace: Pace | undefined;
    let columns: readonly number[] = [];
    for await (const { header, row } of readRecording(config.file, layout)) {
      if (!pace) {
        columns = columnsOf(config, header);
        pace = new Pace(row.time, clock.mono(), config.speed);
      }
      await this.#wait(pace.delay(row.time, clock.mono()));
      this.#emitRow(row, columns);
      if (last !== undefined && row.time > last) step = row.time - last;
      last = row.time;
    }
    return millis(Math.min(step / config.speed, LONGEST_WAIT));
  }

  async #wait(delay: Millis): Promise<void> {
    this.#abort.signal.throwIfAborted();
    if (delay > 0) await sleep(delay, undefined, { signal: this.#abort.signal });
  }

  #emitRow(row: RecordingRow, columns: readonly number[]): void {
    const { clock, emit } = this.#options;
    const stamp = { mono: clock.mono(), wall: row.time, timeQuality: 'synced' as const };
    emit(this.tags.map((tag, index) => played(tag, row.values[columns[index]!]!, stamp)));
    this.#rows.inc();
    this.#health = { state: 'ok', detail: '' };
  }
}

/** Keeps the rhythm of the recording without drifting; a long gap is shortened, and the rhythm starts anew after it. */
export class Pace {
  #recorded: number;
  #mono: number;
  readonly #speed: number;

  /** @param speed recorded time per real time. */
  constructor(recorded: number, mono: Millis, speed: number) {
    this.#recorded = recorded;
    this.#mono = mono;
    this.#speed = speed;
  }

  /** How long to wait before playing the row recorded at `recorded`; 0 when it is due. */
  delay(recorded: number, now: Millis): Millis {
    const due = this.#mono + (recorded - this.#recorded) / this.#speed;
    const wait = Math.min(Math.max(0, due - now), LONGEST_WAIT);
    if (due - now <= LONGEST_WAIT) return millis(wait);
    this.#recorded = recorded;
    this.#mono = now + wait;
    return millis(wait);
  }
}

/** A missing cell is no value; everything else is judged as a live reading. */
function played(tag: Tag, value: number, at: Stamp): Sample {
  return Number.isNaN(value) ? unread(tag, 'no-data', at) : judged(tag, value, at);
}

/** @throws InputError `recording-column` naming the column that is not there, and those that are. */
function columnsOf(config: ReplaySourceConfig, header: RecordingHeader): number[] {
  const names = header.columns.map(({ name }) => name);
  return config.tags.map((tag) => {
    const wanted = tag.column ?? tag.name;
    const index = names.indexOf(wanted);
    if (index >= 0) return index;
    throw new InputError(
      'recording-column',
      `tag '${tag.name}': ${config.file} has no numeric column '${wanted}'; there are: ${names.join(', ')}`,
    );
  });
}

function replayedRows(registry: Registry): Counter<'source'> {
  const name = 'vigie_replay_rows_total';
  return sharedFamily(
    registry,
    name,
    () =>
      new Counter({
        name,
        help: 'Rows of recordings played.',
        labelNames: ['source'],
        registers: [registry],
      }),
  );
}
