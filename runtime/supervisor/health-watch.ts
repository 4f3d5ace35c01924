/** Finds what changed between two looks at the components' health. Pure. */

import { HEALTHY, type Health, type HealthState } from '../core/component.ts';

export interface HealthChange {
  readonly component: string;
  /** Set when it is about a part of the component, such as a unit of a bus. */
  readonly part?: string;
  readonly previous: HealthState;
  readonly state: HealthState;
  readonly detail: string;
}

export class HealthWatch {
  #seen = new Map<string, HealthState>();

  /** A first look at `ok` or `starting` is no change; anything else is news at once. */
  update(components: Readonly<Record<string, Health>>): HealthChange[] {
    const changes: HealthChange[] = [];
    const seen = new Map<string, HealthState>();
    for (const [component, part, health] of entries(components)) {
      const key = JSON.stringify([component, part]);
      const previous = this.#seen.get(key) ?? 'starting';
      seen.set(key, health.state);
      if (health.state === previous || (previous === 'starting' && health.state === 'ok')) continue;
      changes.push({
        component,
        ...(part === undefined ? {} : { part }),
        previous,
        state: health.state,
        detail: health.detail,
      });
    }
    this.#seen = seen;
    return changes;
  }
}

/** Worst first. `starting` outranks `ok`: a node that has not begun is not well yet. */
const SEVERITY: readonly HealthState[] = ['failed', 'degraded', 'stopped', 'starting', 'ok'];

export function worstOf(components: Readonly<Record<string, Health>>): Health {
  for (const state of SEVERITY.slice(0, -1)) {
    const names = Object.keys(components).filter((name) => components[name]?.state === state);
    if (names.length === 0) continue;
    const details = names.map((name) => `${name}: ${components[name]?.detail || state}`);
    return { state: state === 'failed' ? 'degraded' : state, detail: details.join('; ') };
  }
  return HEALTHY;
}

function* entries(
  components: Readonly<Record<string, Health>>,
): Generator<[string, string | undefined, Health]> {
  for (const [component, health] of Object.entries(components)) {
    yield [component, undefined, health];
    for (const [part, partHealth] of Object.entries(health.parts ?? {})) yield [component, part, partHealth];
  }
}
