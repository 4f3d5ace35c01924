/** One score for a process group out of the scores of its detectors. Pure and allocation-free. */

export interface FusionOptions {
  /**
   * How much a detector's score counts, by name: 1 takes its own limit as it is, 0.5 lets it raise the alarm
   * alone only at twice its limit, 0 lets it explain but never raise. Absent means 1.
   */
  readonly weights: Readonly<Record<string, number>>;
}

/** The strongest weighted score wins: the alarm then has one detector, and one explanation, that stands for it. */
export class Fusion {
  readonly names: readonly string[];
  readonly #weights: Float64Array;
  #dominant = -1;

  /** @param names the detectors, in the order in which `step` gets their scores. */
  constructor(names: readonly string[], options: FusionOptions) {
    this.names = names;
    this.#weights = Float64Array.from(names, (name) => options.weights[name] ?? 1);
  }

  /** Index of the detector that made the last fused score; -1 when none had a score. */
  get dominant(): number {
    return this.#dominant;
  }

  /**
   * @param scores one per detector, 1 at its limit, NaN where it has none to give.
   * @returns the fused score, 1 at the alarm limit; NaN when no detector that counts has a score.
   */
  step(scores: ArrayLike<number>): number {
    let best = Number.NaN;
    this.#dominant = -1;
    for (let i = 0; i < this.#weights.length; i++) {
      const weight = this.#weights[i]!;
      const score = scores[i]! * weight;
      if (weight > 0 && !Number.isNaN(score) && !(score <= best)) {
        best = score;
        this.#dominant = i;
      }
    }
    return best;
  }
}
