/** The Modbus source: one bus or endpoint, its units and their tags. */

import type { Registry } from 'prom-client';
import type { ModbusSourceConfig } from '../../config/schema/modbus.ts';
import type { Clock } from '../../core/clock.ts';
import type { Health, Source } from '../../core/component.ts';
import { InputError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Emit, Tag, Value } from '../../core/messages.ts';
import { Bus } from './bus.ts';
import { encode, wholeNumberOf } from './encode.ts';
import { busMetrics } from './metrics.ts';
import type { Point } from './plan.ts';
import { Poller } from './poller.ts';
import { Unit } from './unit.ts';
import { perform } from './write.ts';

export interface ModbusSourceOptions {
  readonly config: ModbusSourceConfig;
  /** All tags of the node by name; the source takes its own. */
  readonly tags: ReadonlyMap<string, Tag>;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

export class ModbusSource implements Source {
  readonly name: string;
  readonly tags: readonly Tag[];
  readonly #options: ModbusSourceOptions;
  readonly #units: readonly Unit[];
  readonly #bus: Bus;
  readonly #poller: Poller;
  readonly #metrics: ReturnType<typeof busMetrics>;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #run: Promise<void> = Promise.resolve();

  /** @throws InputError `modbus-address` for a tag that no request can read. */
  constructor(options: ModbusSourceOptions) {
    const { config, tags, clock, log, registry } = options;
    this.#options = options;
    this.name = config.name;
    this.#units = config.units.map((unit, index) => new Unit(index, config, unit, tags));
    this.tags = this.#units.flatMap((unit) => unit.points.map((point) => point.tag));
    this.#metrics = busMetrics(registry, config.name);
    this.#bus = new Bus({
      config,
      units: this.#units,
      clock,
      log,
      metrics: this.#metrics,
      onUp: () => this.#poller.resume(this.#units.filter((unit) => unit.breaker.state === 'closed')),
      onProbed: () => this.#poller.wake(),
      onUnitBack: (unit) => this.#poller.resume([unit]),
    });
    this.#poller = new Poller({
      ...options,
      source: config.name,
      bus: this.#bus,
      units: this.#units,
      metrics: this.#metrics,
    });
  }

  /** Resolves at once: the device may be absent for days. The first poll follows as soon as it is connected. */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#state !== 'new') return;
    this.#state = 'running';
    for (const unit of this.#units) this.#metrics.breaker(unit.name, 'closed');
    this.#run = this.#bus.start().then(() => this.#poller.run());
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#poller.stop();
    await this.#bus.stop();
    await this.#run;
  }

  health(): Health {
    if (this.#state !== 'running')
      return { state: this.#state === 'new' ? 'starting' : 'stopped', detail: '' };
    const down = this.#bus.health();
    if (down) return down;
    const now = this.#options.clock.mono();
    const parts = Object.fromEntries(this.#units.map((unit) => [unit.name, unit.health(now)]));
    const wrong = Object.keys(parts).filter((name) => parts[name]!.state !== 'ok');
    if (wrong.length === 0) return { state: 'ok', detail: '', parts };
    const detail = `${wrong.length} of ${this.#units.length} units in trouble: ${wrong.slice(0, 5).join(', ')}`;
    return { state: 'degraded', detail, parts };
  }

  /**
   * Writes one value, in engineering units, between two polls. Resolves when the unit has confirmed it.
   * @throws InputError `tag-unknown`, `tag-not-writable`, `write-type`, `write-range`; DeviceError `bus-offline`,
   * `unit-offline`, `write-queue-full`, `write-exception-<name>`, `write-timeout`, `write-bad-frame`,
   * `write-checksum`, `write-disconnected`.
   */
  async write(tagName: string, given: Value): Promise<void> {
    const [unit, point] = this.#find(tagName);
    if (!point.config.writable) {
      const fix = `set 'writable: true' at the tag to allow it`;
      throw new InputError('tag-not-writable', `tag ${tagName} must not be written; ${fix}`);
    }
    const value = wholeNumberOf(point.config.type, given);
    const { range } = point.tag;
    if (range && typeof value !== 'string' && (Number(value) < range.low || Number(value) > range.high)) {
      const text = `${value} is outside the range of ${tagName}: ${range.low} to ${range.high} ${point.tag.unit}`;
      throw new InputError('write-range', text.trimEnd());
    }
    const encoded = encode(point.config, value);
    const { log } = this.#options;
    try {
      await this.#poller.write(unit, (send) => perform(encoded, point.start, unit, send));
    } catch (error) {
      this.#metrics.write('failed');
      throw error;
    }
    this.#metrics.write('done');
    log.info(
      { event: 'modbus.tag.written', source: this.name, unit: unit.id, tag: tagName, value: String(value) },
      `wrote ${tagName}`,
    );
  }

  #find(tagName: string): [Unit, Point] {
    for (const unit of this.#units) {
      const point = unit.points.find(({ tag }) => tag.name === tagName);
      if (point) return [unit, point];
    }
    throw new InputError('tag-unknown', `source ${this.name} has no tag '${tagName}'`);
  }
}
