/** `vigie evaluate anomaly`: how good the detectors are, on recordings whose truth is known. */

import { parseArgs } from 'node:util';
import type { AnomalyEvaluation } from '../../../evaluation/anomaly.ts';
import { UsageError } from '../../core/errors.ts';
import type { Evaluate } from '../evaluate.ts';

const DEFAULT_TRAIN_ROWS = 400;

export const anomaly: Evaluate = {
  help: `Usage: vigie evaluate anomaly --data DIR [--detector NAME] [--tune] [--train N] [--json]
       vigie evaluate anomaly --data DIR --predictions DIR [--json]

Learns the head of each recording, runs the rest through the detectors once, in order,
and compares with the labels. A recording is a CSV file with a time column, a column per
sensor, 'anomaly' (0 or 1) and optionally 'changepoint'; folders are groups.

Options:
  --data DIR         folder of recordings, searched through all its folders
  --detector NAME    fused (default: the decision a node makes), always-alarm, skab-t2q,
                     skab-isolation-forest, a detector of the node such as mewma, or all
  --predictions DIR  score predictions made elsewhere: DIR holds a file of the same path for
                     each recording, with columns 'anomaly' and optionally 'changepoint'
  --tune             choose the fused decision's settings anew for each group of recordings
                     on the other groups alone, and say how it does with them
  --train N          rows that teach (${DEFAULT_TRAIN_ROWS})
  --json             print { detector, f1, far, mar, nab, trainRows, rows, files: [...] };
                     with 'all' { detectors: [...] }; with --tune also leaveOneGroupOut

F1 counts rows. FAR (false alarm rate) and MAR (missed alarm rate) are percent. NAB is the
standard profile on changepoints, 0 for silence to 100 for perfect, window 60 s.
Read F1 beside FAR: where much is anomalous, an alarm that never ends has a high F1.

Exit status: 0 scored, 1 the data cannot be used, 2 the command line was not understood.

Example:
  vigie evaluate anomaly --data ../shared/data/skab --detector all
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        detector: { type: 'string', default: 'fused' },
        predictions: { type: 'string' },
        tune: { type: 'boolean', default: false },
        train: { type: 'string', default: String(DEFAULT_TRAIN_ROWS) },
        json: { type: 'boolean', default: false },
      },
    });
    const { data, detector, predictions } = values;
    if (data === undefined) throw new UsageError('usage', 'name the folder of recordings with --data DIR');
    const trainRows = Number(values.train);
    if (!Number.isInteger(trainRows) || trainRows < 10 || trainRows > 1e6) {
      throw new UsageError('usage', '--train takes a whole number from 10 to 1000000');
    }
    // Workstation code: a node that never evaluates never loads it.
    const { evaluateAnomaly } = await import('../../../evaluation/anomaly.ts');
    const result = evaluateAnomaly({
      data,
      detector,
      trainRows,
      tune: values.tune,
      ...(predictions === undefined ? {} : { predictions }),
    });
    process.stdout.write(values.json ? `${JSON.stringify(asJson(result))}\n` : result.text);
    return 0;
  },
};

function asJson({ evaluations, tunings }: AnomalyEvaluation): object {
  const scores = evaluations.length === 1 ? evaluations[0]! : { detectors: evaluations };
  return tunings.length > 0 ? { ...scores, leaveOneGroupOut: tunings } : scores;
}
