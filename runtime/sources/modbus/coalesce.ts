/** Merges what is read from one table of one unit at one period into the fewest requests. Pure. */

/** `length` registers (or coils) from `start`. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

export interface Limits {
  /** Unused registers a request may read across. */
  readonly maxGap: number;
  /** Registers (or coils) per request; no span is longer. */
  readonly maxLength: number;
}

/** One request; `spans` lie inside it whole, by ascending start. */
export interface Merged<S extends Span> extends Span {
  readonly spans: readonly S[];
}

/**
 * Greedy from the left: each request takes every span that it can reach. That is the fewest there can be: a span
 * that fits into the leftmost request ends before all those that do not, so it is no bridge to anything later.
 */
export function coalesce<S extends Span>(spans: readonly S[], limits: Limits): Merged<S>[] {
  const merged: Merged<S>[] = [];
  const sorted = [...spans].sort((a, b) => a.start - b.start || a.length - b.length);
  const done = new Uint8Array(sorted.length);
  for (let first = 0; first < sorted.length; first++) {
    if (done[first]) continue;
    const { start } = sorted[first]!;
    const taken: S[] = [];
    let end = start;
    for (let i = first; i < sorted.length; i++) {
      const span = sorted[i]!;
      // Out of reach, and with it all that start further right.
      if (span.start - end > limits.maxGap || span.start - start >= limits.maxLength) break;
      const spanEnd = span.start + span.length;
      if (done[i] || spanEnd - start > limits.maxLength) continue;
      done[i] = 1;
      taken.push(span);
      end = Math.max(end, spanEnd);
    }
    merged.push({ start, length: end - start, spans: taken });
  }
  return merged;
}

/** Two requests for one that the device refused, cut at the widest gap (else in the middle), each without slack. */
export function split<S extends Span>(request: Merged<S>): [Merged<S>, Merged<S>] {
  const { spans } = request;
  const middle = spans.length / 2;
  let [at, best] = [1, -1];
  for (let i = 1, end = request.start; i < spans.length; i++) {
    end = Math.max(end, spans[i - 1]!.start + spans[i - 1]!.length);
    const gap = Math.max(0, spans[i]!.start - end);
    if (gap > best || (gap === best && Math.abs(i - middle) < Math.abs(at - middle))) [at, best] = [i, gap];
  }
  return [tight(spans.slice(0, at)), tight(spans.slice(at))];
}

function tight<S extends Span>(spans: readonly S[]): Merged<S> {
  const start = spans[0]!.start;
  const end = Math.max(...spans.map((span) => span.start + span.length));
  return { start, length: end - start, spans };
}
