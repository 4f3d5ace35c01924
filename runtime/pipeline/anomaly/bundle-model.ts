/**
 * A model that comes as a signed bundle, as one more detector of its group. It is silent until a release serves, and
 * follows the slot from release to release. Models answer later than the step that asked: a step gives the score of the
 * answer before, one row behind.
 */

import type { AnomalyConfig } from '../../config/schema/anomaly.ts';
import { ModelError } from '../../core/errors.ts';
import type { Tag } from '../../core/messages.ts';
import type { Session, Tensor } from '../inference/session.ts';
import type { LoadedModel, ModelSlot, Serving } from '../models/slot.ts';
import { TreeSession } from '../models/tree-session.ts';
import type { Detector, Rows } from './detector.ts';
import { type InputLayout, layoutOf, RowWindow } from './model-input.ts';
import { packState, unpackState } from './state.ts';

type ModelConfig = AnomalyConfig['models'][number];
/** One that comes as a bundle. */
export type BundleModelConfig = ModelConfig & { readonly bundle: string };

export const isFromBundle = (model: ModelConfig): model is BundleModelConfig => model.bundle !== undefined;

/** Calls on their way; more rows than this are skipped, and counted, until one comes back. */
const MOST_PENDING = 4;
/** Deviations below this are none: a tag that hardly moves is no reason. */
const LEAST_DEVIATION = 1e-9;

/** What it found in a serving release, once. */
interface Fitted {
  readonly serving: Serving;
  readonly layout: InputLayout;
  /** Calls on their way: those of a release that hangs must not keep its successor from being asked. */
  pending: number;
}

/** @throws ModelError `model-inputs`, `model-task` for a release that this configuration cannot use. */
export function checkBundleModel({ name, inputs }: BundleModelConfig, model: LoadedModel): void {
  if (model.manifest.task !== 'anomaly')
    throw new ModelError(
      'model-task',
      `'${name}' scores tags: it takes models of the task anomaly, not ${model.manifest.task}`,
    );
  layoutOf(name, model.session.describe().inputs, inputs.length);
}

export class BundleModelDetector implements Detector {
  readonly name: string;
  readonly columns: readonly Tag[];
  readonly #config: BundleModelConfig;
  readonly #slot: ModelSlot;
  readonly #onSkipped: () => void;
  /** Column of the group for each input of the model; -1 for a tag that has never had a value. */
  readonly #sources: readonly number[];
  readonly #row: Float64Array<ArrayBuffer>;
  readonly #mean: Float64Array<ArrayBuffer>;
  readonly #scale: Float64Array<ArrayBuffer>;
  readonly #window: RowWindow;
  #fitted: Fitted | undefined;
  #score = Number.NaN;
  #failure: unknown;
  #ready = false;

  /** @param columns tags of the model's group. */
  constructor(
    config: BundleModelConfig,
    slot: ModelSlot,
    columns: readonly Tag[],
    onSkipped: () => void = () => {},
  ) {
    const width = config.inputs.length;
    this.name = config.name;
    this.columns = columns;
    this.#config = config;
    this.#slot = slot;
    this.#onSkipped = onSkipped;
    this.#sources = config.inputs.map((input) => columns.findIndex(({ name }) => name === input));
    this.#row = new Float64Array(width);
    this.#mean = new Float64Array(width);
    this.#scale = new Float64Array(width).fill(1);
    this.#window = new RowWindow(width);
  }

  /** The model was taught elsewhere; the baseline only says how far a tag usually moves, for the explanation. */
  get ready(): boolean {
    return this.#ready;
  }

  /** For a group that has not learned yet. */
  useUnfitted(): this {
    this.#ready = true;
    return this;
  }

  fit(rows: Rows): void {
    for (const [input, column] of this.#sources.entries()) {
      let count = 0;
      let mean = 0;
      let squares = 0;
      for (let at = column; column >= 0 && at < rows.data.length; at += rows.width) {
        const value = rows.data[at]!;
        if (Number.isNaN(value)) continue;
        const delta = value - mean;
        mean += delta / ++count;
        squares += delta * (value - mean);
      }
      this.#mean[input] = mean;
      this.#scale[input] = Math.max(LEAST_DEVIATION, count > 1 ? Math.sqrt(squares / (count - 1)) : 1);
    }
    this.#ready = true;
  }

  /** @returns NaN while nothing serves. @throws (once each) what the model failed with since the last step. */
  step(row: Float64Array): number {
    for (let i = 0; i < this.#row.length; i++) this.#row[i] = row[this.#sources[i]!] ?? Number.NaN;
    const fitted = this.#follow();
    this.#window.push(this.#row);
    if (fitted) this.#ask(fitted);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return this.#score;
  }

  /** Trees: their SHAP values, negative where a tag looks normal. Other models: how far each tag is from its usual value. */
  explain(into: Float64Array): void {
    into.fill(0);
    const session: Session | undefined = this.#fitted?.serving.session;
    const parts = new Float64Array(this.#row.length);
    if (session instanceof TreeSession && this.#fitted?.layout.rows === 1) session.explain(this.#row, parts);
    else for (let i = 0; i < parts.length; i++) parts[i] = this.#deviation(i);
    for (const [input, column] of this.#sources.entries()) if (column >= 0) into[column]! += parts[input]!;
  }

  reset(): void {
    this.#window.clear();
    this.#score = Number.NaN;
  }

  takeOver(before: Detector): void {
    if (before instanceof BundleModelDetector && before.#row.length === this.#row.length)
      this.#window.copy(before.#window);
  }

  save(): unknown {
    return packState(this.name, this.columns, { mean: this.#mean, scale: this.#scale });
  }

  load(state: unknown): void {
    unpackState(state, this.name, this.columns, { mean: this.#mean, scale: this.#scale });
    this.#ready = true;
  }

  #deviation(input: number): number {
    const value = this.#row[input]!;
    return Number.isNaN(value) ? 0 : Math.abs(value - this.#mean[input]!) / this.#scale[input]!;
  }

  #follow(): Fitted | undefined {
    const { serving } = this.#slot;
    if (serving === this.#fitted?.serving) return this.#fitted;
    this.#score = Number.NaN;
    this.#fitted = undefined;
    if (!serving) return undefined;
    const layout = layoutOf(this.name, serving.session.describe().inputs, this.#row.length);
    this.#window.reserve(layout.rows);
    this.#fitted = { serving, layout, pending: 0 };
    return this.#fitted;
  }

  #ask(fitted: Fitted): void {
    const { serving, layout } = fitted;
    if (fitted.pending >= MOST_PENDING) {
      this.#onSkipped();
      return;
    }
    const input = this.#window.tensor(layout, serving.session instanceof TreeSession);
    if (!input) {
      this.#score = Number.NaN;
      return;
    }
    fitted.pending += 1;
    void this.#infer(serving, layout.name, input).finally(() => {
      fitted.pending -= 1;
    });
  }

  async #infer(serving: Serving, name: string, input: Tensor): Promise<void> {
    try {
      const outputs = await this.#slot.infer({ [name]: input });
      const { decoding, thresholds } = serving.manifest as Extract<Serving['manifest'], { task: 'anomaly' }>;
      const value = scoreOf(this.name, outputs[decoding.output], serving);
      serving.measures.scored(value);
      // The answer of a release that was replaced meanwhile says nothing of the one that serves.
      if (this.#fitted?.serving === serving)
        this.#score = scaled(serving, value, this.#config.limit ?? thresholds.score);
    } catch (error) {
      if (this.#fitted?.serving !== serving) return;
      this.#failure = error;
      this.#score = Number.NaN;
    }
  }
}

/** The most anomalous of the output's elements: a model may score each row of its window. */
function scoreOf(name: string, output: Tensor | undefined, { measures }: Serving): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of output?.data ?? []) most = Math.max(most, Number(value));
  if (Number.isFinite(most)) return most;
  measures.spoilt();
  throw new ModelError(
    'model-run',
    `'${name}': the model's score is ${output ? most : 'missing'}, expected a number`,
  );
}

/** 0 at what the model usually says, 1 at the limit. */
function scaled({ measures }: Serving, value: number, limit: number): number {
  const usual = measures.medianScore!;
  if (!(usual < limit)) return value > limit ? 1 : 0;
  return Math.max(0, (value - usual) / (limit - usual));
}
