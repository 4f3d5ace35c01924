/** S-TRIAL: what the measures of a model on trial say. Pure. */

import type { HealthGate } from '../../bundle/bundle.ts';
import type { ServingMeasures } from '../host.ts';

export type Verdict =
  | { readonly verdict: 'wait' }
  | { readonly verdict: 'commit' }
  | { readonly verdict: 'roll-back'; readonly reason: string };

/** Milliseconds: an inference that has not come back then never will. */
export const HANGS_AFTER = 10_000;
/** Whatever the rate of errors: once may be chance, and each end leaves a camera blind for seconds. */
const MOST_ENDS = 2;

/**
 * A limit that is broken ends the trial at once; only the whole window passes it. Rates and quantiles are judged from
 * `minInferences` on, except errors that no later success could make up for.
 * @param measures undefined where nothing serves.
 * @param elapsed milliseconds since the model began to serve.
 */
export function judge(gate: HealthGate, measures: ServingMeasures | undefined, elapsed: number): Verdict {
  if (!measures) return rollBack('it does not serve');
  const { inferences, errors, ends = 0, latencyP95, rss, outputShift, waiting } = measures;
  const last = measures.lastError === undefined ? '' : ` (the last: ${measures.lastError})`;
  const { minInferences, maxErrorRate, latencyP95Ms, maxRssBytes, maxOutputShift } = gate;
  if (waiting >= HANGS_AFTER) return rollBack(hangs(waiting));
  if (ends >= MOST_ENDS) return rollBack(`its process ended ${ends} times${last}`);
  const counted = Math.max(inferences, minInferences, 1);
  if (errors > maxErrorRate * counted) {
    return rollBack(
      `${errors} of ${inferences} inferences failed${last}; at most ${percent(maxErrorRate)} may`,
    );
  }
  if (maxRssBytes !== undefined && rss > maxRssBytes) {
    return rollBack(`the node holds ${mib(rss)} of memory; at most ${mib(maxRssBytes)} were granted`);
  }
  if (inferences < minInferences) return { verdict: 'wait' };
  if (latencyP95Ms !== undefined && latencyP95 !== undefined && latencyP95 > latencyP95Ms) {
    return rollBack(`P95 of latency is ${latencyP95.toFixed(1)} ms; at most ${latencyP95Ms} ms were granted`);
  }
  if (maxOutputShift !== undefined && outputShift !== undefined && outputShift > maxOutputShift) {
    return rollBack(
      `its output lies ${outputShift.toFixed(2)} from that of the model before; at most ${maxOutputShift} may`,
    );
  }
  return { verdict: elapsed >= gate.windowSeconds * 1000 ? 'commit' : 'wait' };
}

/** For a person. @param waiting milliseconds. */
export function hangs(waiting: number): string {
  return `it hangs: an inference has not come back for ${Math.floor(waiting / 1000)} s`;
}

function rollBack(reason: string): Verdict {
  return { verdict: 'roll-back', reason };
}

function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(3))} %`;
}

function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
