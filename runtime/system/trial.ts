/**
 * When a system on trial is good: its node did, for a while without a break, at least as well as the node did before the
 * update. A sensor that was dead before does not speak against it; a broker that was reached and is not any more does.
 * Pure: time comes as an argument.
 */

import type { HealthState } from '../core/component.ts';
import type { Millis } from '../core/units.ts';
import type { Baseline } from './record.ts';

export interface TrialRules {
  readonly baseline: Baseline;
  /** How long the node has to do well without a break. */
  readonly window: Millis;
  /** From the first look on; then it is over. */
  readonly limit: Millis;
}

/** One look at the node. */
export interface Look {
  readonly mono: Millis;
  readonly node: NodeLook | { readonly silent: string };
}

export interface NodeLook {
  /** Another one with each start of the node. */
  readonly bootId: string;
  readonly components: Readonly<Record<string, { readonly state: HealthState; readonly detail: string }>>;
}

export type Verdict =
  | { readonly verdict: 'wait'; readonly trouble: string | null }
  | { readonly verdict: 'keep' }
  | { readonly verdict: 'go-back'; readonly reason: string };

/** Worse with each step. What has not begun yet is not well yet. */
const RANK: Readonly<Record<HealthState, number>> = {
  ok: 0,
  starting: 1,
  degraded: 2,
  stopped: 3,
  failed: 4,
};

export class Trial {
  readonly #rules: TrialRules;
  #began: Millis | undefined;
  #wellSince: Millis | undefined;
  #bootId: string | undefined;
  #lastTrouble: string | null = null;
  #starts = 0;

  constructor(rules: TrialRules) {
    this.#rules = rules;
  }

  look(look: Look): Verdict {
    const { window, limit } = this.#rules;
    this.#began ??= look.mono;
    const trouble = this.#troubleOf(look.node);
    if (trouble !== null) {
      this.#lastTrouble = trouble;
      this.#wellSince = undefined;
    } else {
      this.#wellSince ??= look.mono;
      if (look.mono - this.#wellSince >= window) return { verdict: 'keep' };
    }
    if (look.mono - this.#began < limit) return { verdict: 'wait', trouble };
    const minutes = (length: Millis) => `${Math.round(length / 6000) / 10} min`;
    const last = this.#lastTrouble ?? 'it was looked at too seldom';
    const reason = `not well for ${minutes(window)} on end within ${minutes(limit)}: ${last}`;
    return { verdict: 'go-back', reason };
  }

  #troubleOf(node: Look['node']): string | null {
    const { baseline } = this.#rules;
    if ('silent' in node) return baseline.answered ? `the node does not answer: ${node.silent}` : null;
    const isOther = this.#bootId !== undefined && this.#bootId !== node.bootId;
    this.#bootId = node.bootId;
    if (isOther) return `the node ended and was started again (${++this.#starts} times)`;
    const worse = Object.entries(node.components).flatMap(([name, { state, detail }]) => {
      const before = baseline.components[name];
      // What was not there before may take its time; what failed is no good.
      const allowed = before === undefined ? RANK.stopped : RANK[before];
      return RANK[state] > allowed
        ? [`${name} is ${state}${before ? `, was ${before}` : ''}: ${detail || state}`]
        : [];
    });
    // As in safe mode: it answers, and does nothing of what it is for.
    const gone = Object.keys(baseline.components).filter(
      (name) => baseline.components[name] === 'ok' && !(name in node.components),
    );
    const troubles = [...worse, ...gone.map((name) => `${name} is gone, was ok`)];
    return troubles.length > 0 ? troubles.join('; ') : null;
  }
}
