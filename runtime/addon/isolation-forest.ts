/** Isolation forests: fitted on the node from its own rows. */

import { ModelError } from '../core/errors.ts';
import { binding, calling } from './binding.ts';
import { nativeFromBytes, TreeEnsemble } from './tree-ensemble.ts';

export interface IsolationForestOptions {
  /** Row-major, `width` columns; NaN is missing, infinities count as the largest float32. At least two rows. */
  readonly rows: Float64Array;
  /** 1 … 32,767 */
  readonly width: number;
  /** Whole number from 0 to 2 ** 53 - 1; with the rows and the options it decides every byte of the forest. */
  readonly seed: number;
  /** 1 … 10,000; 50 by default. */
  readonly trees?: number;
  /** Rows each tree is grown from, 2 … 65,536; 256 by default, all rows where there are fewer. */
  readonly samples?: number;
  /** Levels below the root at which a tree stops, 1 … 32; log2 of the samples by default. */
  readonly maxDepth?: number;
}

/**
 * `score(row)` is additive over the trees: minus the mean path length over the path length expected of `sampleSize`
 * rows. It is negative, higher is more anomalous, and `anomalyScore` turns it into the classical score.
 * In a node whose feature is missing, a row goes the way more of the training rows went.
 */
export class IsolationForest extends TreeEnsemble {
  /**
   * @throws ModelError `fit-failed` when there are fewer than two rows or every column is constant.
   * @throws InputError `bad-argument` naming the option.
   */
  static fit(options: IsolationForestOptions): IsolationForest {
    const { rows, width, seed, trees = 50, samples = 256 } = options;
    const { maxDepth = defaultDepth(samples) } = options;
    return new IsolationForest(
      calling(() => binding().fitIsolationForest({ rows, width, seed, trees, samples, maxDepth })),
    );
  }

  static override deserialize(bytes: Uint8Array): IsolationForest {
    const forest = new IsolationForest(nativeFromBytes(bytes));
    if (forest.facts.sampleSize >= 2) return forest;
    throw new ModelError('bad-model', 'the saved tree ensemble is no isolation forest');
  }

  /** The score of Liu, Ting and Zhou (2008) in (0, 1): 0.5 is ordinary, towards 1 is anomalous. */
  static anomalyScore(score: number): number {
    return 2 ** score;
  }
}

/** The addon names `samples` where it is no number: the default must not fail before. */
function defaultDepth(samples: unknown): number {
  return typeof samples === 'number' ? Math.max(1, Math.ceil(Math.log2(samples))) : 1;
}
