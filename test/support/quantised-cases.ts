/** Tests of one quantised operator each, with random scales, against what ONNX defines. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Plan } from '../../ota/model/plan/plan.ts';
import { type Activation, QdqWriter } from './qdq-writer.ts';
import { inSteps, random, sideBySide } from './side-by-side.ts';

interface Built {
  readonly writer: QdqWriter;
  /** Of the output. */
  readonly scale: number;
}
/** Writes the model. @returns the scale of its output */
export type Build = (writer: QdqWriter) => number;

const RUNS = 2;
const TYPES: readonly Activation[] = ['int8', 'uint8'];

/** The operator runs on int8: nothing in the plan is float32 in between. */
function isQuantised({ values }: Plan): boolean {
  return values.every(({ type, data }) => type !== 'f32' || data !== undefined);
}

export interface Expected {
  /** Share of the elements that are the very same step. */
  readonly least?: number;
  /** The model asks for an operator that float32 alone does as it says. */
  readonly inFloat?: boolean;
}

export function cases(name: string, build: Build, { least = 0.9, inFloat = false }: Expected = {}): void {
  test(`${name} in int8 gives what ONNX says within one step`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(...TYPES), async (seed, type) => {
        const { writer, scale } = built(type, seed, build);
        const next = random(seed + 1);
        const { outputs, plan } = await sideBySide(writer.model(), { fill: () => 4 * next() - 2 });
        if (!inFloat) assert.ok(isQuantised(plan), `float32 in ${JSON.stringify(plan.nodes)}`);
        const { worst, equal } = inSteps(outputs[0]!, scale);
        assert.ok(worst < 1.01, `${worst} steps off`);
        assert.ok(equal >= least, `${equal} of the elements are equal`);
      }),
      { numRuns: RUNS, seed: 7 },
    );
  });
}

function built(type: Activation, seed: number, build: Build): Built {
  const writer = new QdqWriter(type, random(seed));
  return { writer, scale: build(writer) };
}
