/** One device on a bus: its plan, its breaker, and what is wrong with it. */

import type { ModbusSourceConfig, ModbusUnitConfig } from '../../config/schema/modbus.ts';
import { HEALTHY, type Health } from '../../core/component.ts';
import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import { Breaker } from './breaker.ts';
import { exceptionName, type Outcome } from './exchange.ts';
import { type Point, planUnit, type ReadJob } from './plan.ts';

export class Unit {
  readonly index: number;
  readonly id: number;
  readonly name: string;
  readonly timeout: Millis;
  readonly points: readonly Point[];
  readonly breaker: Breaker;
  /** The plan as configured, and the jobs in use: other ones once a merged request was refused. */
  readonly planned: readonly ReadJob[];
  jobs: readonly ReadJob[];
  /** Function 22 is optional; a unit that lacks it has bit fields written by read, change, write. */
  lacksMaskWrite = false;
  #trouble = '';

  constructor(
    index: number,
    source: ModbusSourceConfig,
    config: ModbusUnitConfig,
    tags: ReadonlyMap<string, Tag>,
  ) {
    this.index = index;
    this.id = config.id;
    this.name = config.name ?? `unit-${config.id}`;
    this.timeout = config.timeout ?? source.timeout;
    this.breaker = new Breaker(source.breaker);
    const plan = planUnit(source, config, tags);
    this.points = plan.points;
    this.planned = plan.jobs;
    this.jobs = plan.jobs;
  }

  /** Remembers what the last request told about the unit. */
  note(outcome: Outcome): void {
    this.#trouble = describeTrouble(outcome, this.timeout);
  }

  health(now: Millis): Health {
    const { breaker } = this;
    if (breaker.state !== 'closed') {
      const left = Math.max(0, Math.ceil((breaker.probeAt - now) / 1000));
      const next = breaker.state === 'open' ? `; next probe in ${left} s` : '; being probed';
      return { state: 'failed', detail: this.#trouble + next };
    }
    const refused = this.jobs.filter((job) => job.refused);
    if (refused.length > 0) {
      const list = refused.slice(0, 3).map(describeRefusal).join(', ');
      const more = refused.length > 3 ? ` and ${refused.length - 3} more` : '';
      return {
        state: 'degraded',
        detail: `refuses ${list}${more}: compare address, table and type with the device's manual`,
      };
    }
    return this.#trouble === '' ? HEALTHY : { state: 'degraded', detail: this.#trouble };
  }
}

export function describeRefusal(job: ReadJob): string {
  const { config } = job.merged.spans[0]!;
  return `${config.name} (${config.register} ${config.address}: ${exceptionName(job.refused?.code ?? 0)})`;
}

function describeTrouble(outcome: Outcome, timeout: Millis): string {
  switch (outcome.kind) {
    case 'timeout':
      return `no answer within ${timeout} ms: check power, wiring, unit id and line settings, or raise timeout`;
    case 'bad-frame':
      return 'answers with broken frames: check line settings, wiring, termination, and for a second master';
    case 'checksum':
      return 'answers with wrong checksums: check termination, cable length, shielding and line settings';
    case 'exception':
      return TROUBLE[outcome.code] ?? '';
    default:
      return '';
  }
}

const TROUBLE: Readonly<Record<number, string>> = {
  4: 'reports an internal failure (exception 4): look at the device',
  5: 'is still working on the request (exception 5): raise its period',
  6: 'is busy (exception 6): raise its period, or ask it from one master only',
  10: 'the gateway has no path to it (exception 10): check the routing in the gateway',
  11: 'it does not answer the gateway (exception 11): check power, wiring and unit id behind the gateway',
};
