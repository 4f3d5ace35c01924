/** `vigie model verify`: a plan beside the model it was compiled from. */

import { parseArgs } from 'node:util';
import { InputError, UsageError } from '../../core/errors.ts';
import type { ModelAction } from '../model.ts';
import { assertSame, differencesText, goldenInputs, pictureRanges } from './differences.ts';
import { kindOf } from './kind.ts';
import { wholeNumber } from './shapes.ts';

export const verify: ModelAction = {
  help: `Usage: vigie model verify PLAN --against MODEL.onnx [INPUT…] [--samples N] [--seed N]
                          [--manifest FILE] [--json]

Runs the plan on XNNPACK and the model on ONNX Runtime, on the same inputs, and prints the largest
differences of each output. Floating-point models must agree within rounding; of quantised ones
at least 95 % of the elements must be at most one quantisation step apart.

INPUT is a file as for 'vigie model run', except pictures; without one, inputs are seeded noise,
in the range of pixels where there is a manifest for pictures.

Options:
  --against FILE  the ONNX model that the plan was compiled from
  --samples N     sets of noise (default: 3)
  --seed N        of the noise (default: 1)
  --manifest FILE how pictures are prepared (default: a manifest beside the model that names it)
  --json          print { plan, model, passed, samples, outputs: [{ name, worstAbsolute, … }] }

Exit status: 0 they agree, 1 they differ or cannot be run, 2 the command line was not understood.

Example:
  vigie model verify yolox_nano.xnn --against yolox_nano.onnx
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        against: { type: 'string' },
        samples: { type: 'string', default: '3' },
        seed: { type: 'string', default: '1' },
        manifest: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [plan, ...files] = positionals;
    const { against: model } = values;
    if (plan === undefined) throw new UsageError('usage', 'name a plan');
    if (model === undefined) throw new UsageError('usage', 'name the ONNX model of the plan with --against');
    const samples = wholeNumber('samples', values.samples, 1, 1000);
    const seed = wholeNumber('seed', values.seed, 0, 2 ** 31);
    if (kindOf(plan) !== 'plan')
      throw new InputError('model-kind', `${plan} is no plan: vigie model compile makes one`);
    // Workstation code: a node never verifies.
    const { readPlan } = await import('../../../ota/model/plan/read.ts');
    const { verifyPlan } = await import('../../../ota/model/verify.ts');
    const golden = files.length > 0 && { inputs: goldenInputs(files, readPlan(plan).plan.inputs, {}) };
    const report = await verifyPlan({
      plan,
      onnx: model,
      samples,
      seed,
      ranges: pictureRanges(model, values.manifest),
      ...golden,
    });
    if (values.json) process.stdout.write(`${JSON.stringify({ plan, model, ...report })}\n`);
    else process.stdout.write(differencesText(report));
    if (!values.json) assertSame(plan, report, '; compile it again from this model');
    return report.passed ? 0 : 1;
  },
};
