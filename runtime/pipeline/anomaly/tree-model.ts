/** A tree ensemble somebody trained elsewhere (ONNX `ai.onnx.ml`), as one more detector of its group. */

import { readFile } from 'node:fs/promises';
import { loadOnnxTrees, type OnnxTrees } from '../../addon/onnx-trees.ts';
import type { AnomalyConfig } from '../../config/schema/anomaly.ts';
import { ModelError } from '../../core/errors.ts';
import type { Tag } from '../../core/messages.ts';
import type { Detector, Rows } from './detector.ts';
import { packState, unpackState } from './state.ts';
import { quantile } from './statistics.ts';

type ModelConfig = AnomalyConfig['models'][number];
/** One that comes from a file. */
export type TreeModelConfig = ModelConfig & { readonly file: string; readonly limit: number };

export const isFromFile = (model: ModelConfig): model is TreeModelConfig => model.file !== undefined;

export interface TreeModel {
  readonly config: TreeModelConfig;
  readonly trees: OnnxTrees;
}

/** @throws ModelError `model-unreadable`, `bad-model`, `unsupported-model`, `model-inputs`, naming the file. */
export async function loadTreeModel(config: TreeModelConfig): Promise<TreeModel> {
  const { file, inputs } = config;
  try {
    const trees = await loadOnnxTrees(await readFile(file));
    const { width } = trees.ensemble;
    if (width === inputs.length) return { config, trees };
    throw new ModelError(
      'model-inputs',
      `it reads ${width} columns, its configuration names ${inputs.length} tags`,
    );
  } catch (cause) {
    const code = cause instanceof ModelError ? cause.code : 'model-unreadable';
    throw new ModelError(code, `model '${config.name}' (${file}) cannot be used`, { cause, facts: { file } });
  }
}

/**
 * The score is scaled by what the model says of the baseline: 0 at its median there, 1 at the configured limit. A
 * value that is missing goes the way the trees were taught for missing values.
 */
export class TreeModelDetector implements Detector {
  readonly name: string;
  readonly columns: readonly Tag[];
  readonly #model: TreeModel;
  /** Column of the group for each input of the model. */
  readonly #sources: readonly number[];
  readonly #inputs: Float64Array<ArrayBuffer>;
  readonly #contributions: Float64Array<ArrayBuffer>;
  readonly #median = new Float64Array(1).fill(Number.NaN);
  /** 1 where a larger tree score means a larger output, else -1. */
  readonly #direction: number;

  /** @param columns the tags of the model's group; its inputs are among them. */
  constructor(model: TreeModel, columns: readonly Tag[]) {
    const { config, trees } = model;
    this.name = config.name;
    this.columns = columns;
    this.#model = model;
    this.#sources = config.inputs.map((input) => columns.findIndex(({ name }) => name === input));
    this.#inputs = new Float64Array(config.inputs.length);
    this.#contributions = new Float64Array(config.inputs.length);
    this.#direction = trees.output(0) > trees.output(-1) ? 1 : -1;
  }

  get ready(): boolean {
    return !Number.isNaN(this.#median[0]!);
  }

  fit(rows: Rows): void {
    const outputs = Float64Array.from({ length: rows.count }, (_, i) =>
      this.#output(rows.data.subarray(i * rows.width, (i + 1) * rows.width)),
    );
    const median = quantile(outputs, 0.5);
    const { limit } = this.#model.config;
    if (!(median < limit)) {
      const wrong = `its median over the baseline is ${median}, and the limit ${limit}`;
      throw new ModelError(
        'fit-failed',
        `model '${this.name}' calls what is normal here anomalous: ${wrong}`,
      );
    }
    this.#median[0] = median;
  }

  step(row: Float64Array): number {
    if (!this.ready) return Number.NaN;
    const median = this.#median[0]!;
    return Math.max(0, (this.#output(row) - median) / (this.#model.config.limit - median));
  }

  /** SHAP values of the trees' score, signed so that positive raises the output; negative where a tag looks normal. */
  explain(into: Float64Array): void {
    into.fill(0);
    this.#model.trees.ensemble.explain(this.#inputs, this.#contributions);
    this.#sources.forEach((column, i) => {
      into[column]! += this.#direction * this.#contributions[i]!;
    });
  }

  /** The model looks at one row at a time: there is no running state. */
  reset(): void {}

  save(): unknown {
    return packState(this.name, this.columns, { median: this.#median });
  }

  load(state: unknown): void {
    unpackState(state, this.name, this.columns, { median: this.#median });
  }

  #output(row: Float64Array): number {
    for (let i = 0; i < this.#inputs.length; i++) this.#inputs[i] = row[this.#sources[i]!]!;
    const { ensemble, output } = this.#model.trees;
    return output(ensemble.score(this.#inputs));
  }
}
