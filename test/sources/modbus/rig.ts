/** A Modbus source with everything it needs, for tests. */

import { Registry } from 'prom-client';
import { type ModbusSourceConfig, modbusSource } from '../../../runtime/config/schema/modbus.ts';
import { SystemClock } from '../../../runtime/core/clock.ts';
import { createLog } from '../../../runtime/core/log.ts';
import type { Sample, Tag } from '../../../runtime/core/messages.ts';
import { ModbusSource } from '../../../runtime/sources/modbus/source.ts';

export interface TagInput {
  name: string;
  address: number;
  [key: string]: unknown;
}

/** Any form the schema takes; `units` as in vigie.yaml. */
export function configure(input: Record<string, unknown>): ModbusSourceConfig {
  return modbusSource.parse({ type: 'modbus', name: 'bus', period: '50ms', timeout: '300ms', ...input });
}

export function tagsOf(config: ModbusSourceConfig): Map<string, Tag> {
  const all = config.units.flatMap((unit) => unit.tags);
  return new Map(
    all.map((tag, index) => [
      tag.name,
      {
        name: tag.name,
        index,
        source: config.name,
        group: tag.group,
        kind: tag.kind,
        unit: tag.unit,
        ...(tag.range ? { range: { low: tag.range[0], high: tag.range[1] } } : {}),
        period: tag.period ?? config.period,
        deadband: tag.deadband,
      },
    ]),
  );
}

export class Rig {
  readonly source: ModbusSource;
  readonly samples: Sample[] = [];
  readonly batches: (readonly Sample[])[] = [];
  readonly log: Record<string, unknown>[] = [];
  readonly registry = new Registry();

  static readonly #running = new Set<Rig>();

  /** After each test: a failed one must not keep the process alive. */
  static async stopAll(): Promise<void> {
    for (const rig of Rig.#running) await rig.source.stop();
    Rig.#running.clear();
  }

  constructor(input: Record<string, unknown>) {
    const config = configure(input);
    this.source = new ModbusSource({
      config,
      tags: tagsOf(config),
      emit: (samples) => {
        this.samples.push(...samples);
        this.batches.push(samples);
      },
      clock: new SystemClock(() => false),
      log: createLog('debug', (line) => this.log.push(JSON.parse(line))),
      registry: this.registry,
    });
  }

  start(): Promise<void> {
    Rig.#running.add(this);
    return this.source.start(new AbortController().signal);
  }

  of(tag: string): Sample[] {
    return this.samples.filter((sample) => sample.tag.name === tag);
  }

  last(tag: string): Sample | undefined {
    return this.samples.findLast((sample) => sample.tag.name === tag);
  }

  good(tag: string): number {
    return this.of(tag).filter((sample) => sample.quality === 'good').length;
  }

  events(id: string): Record<string, unknown>[] {
    return this.log.filter((line) => line.event === id);
  }

  /** Sum over all series of a metric that carry these labels. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const metric = await this.registry.getSingleMetric(name)?.get();
    return (metric?.values ?? [])
      .filter((value) => Object.entries(labels).every(([key, text]) => value.labels[key] === text))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

/** `count` uint16 holding registers from 0, named `<prefix>-<address>`. */
export function holdingTags(prefix: string, count: number, extra: Record<string, unknown> = {}): TagInput[] {
  return Array.from({ length: count }, (_, address) => ({ name: `${prefix}-${address}`, address, ...extra }));
}
