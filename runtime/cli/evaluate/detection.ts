/** `vigie evaluate detection`: a detection model on pictures with true boxes. */

import { parseArgs } from 'node:util';
import type { DetectionEvaluation } from '../../../evaluation/detection/detection.ts';
import { UsageError } from '../../core/errors.ts';
import type { Evaluate } from '../evaluate.ts';
import { MODEL_HELP, MODEL_OPTIONS, openDetector } from './model.ts';

export const detection: Evaluate = {
  help: `Usage: vigie evaluate detection --images DIR --annotations FILE --model MODEL
                                [--manifest FILE] [--backend NAME] [--label NAME]… [--json]

Runs the model over the pictures as the node does and compares with the true boxes.

Options:
  --images DIR        folder of the pictures (JPEG, PNG)
  --annotations FILE  COCO's instances JSON, or { images: [{ file, person_boxes_xyxy }] }
${MODEL_HELP}
  --label NAME        only this class; may be repeated (default: all annotated ones)
  --json              print { model, backend, pictures, threshold, ap50, ap50to95, ms, labels }

AP is COCO's: the mean precision at 101 recalls, for an overlap of 0.5 (ap50), and the mean over
overlaps of 0.5 to 0.95 (ap50to95). Crowd boxes are left out. Precision and recall are those at
the manifest's threshold. ms is the time of one picture from pixels to boxes.

Exit status: 0 scored, 1 the data or the model cannot be used, 2 the command line was not understood.

Example:
  vigie evaluate detection --images photos --annotations photos.json --model yolox_nano.xnn
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        images: { type: 'string' },
        annotations: { type: 'string' },
        label: { type: 'string', multiple: true },
        json: { type: 'boolean', default: false },
        ...MODEL_OPTIONS,
      },
    });
    const { images, annotations, label: labels } = values;
    if (images === undefined) throw new UsageError('usage', 'name the folder of pictures with --images DIR');
    if (annotations === undefined)
      throw new UsageError('usage', 'name the true boxes with --annotations FILE');
    // Workstation code: a node that never evaluates never loads it.
    const { evaluateDetection, LEAST_SCORE } = await import('../../../evaluation/detection/detection.ts');
    const model = await openDetector(values, () => LEAST_SCORE);
    try {
      const result = await evaluateDetection({
        images,
        annotations,
        known: model.detector.labels,
        threshold: model.threshold,
        ...(labels ? { labels } : {}),
        detect: (frame) => model.detector.detect(frame),
      });
      const { identity, backend } = model;
      process.stdout.write(
        values.json ? `${JSON.stringify({ model: identity, backend, ...result })}\n` : text(result),
      );
      return 0;
    } finally {
      await model.close();
    }
  },
};

function text({ pictures, threshold, labels, ms }: DetectionEvaluation): string {
  const figure = (value: number | null) => (value === null ? '-' : value.toFixed(3)).padStart(9);
  const rows = labels.map(({ label, boxes, ap50, ap50to95, precision, recall }) => {
    const figures = [ap50, ap50to95, precision, recall].map(figure).join(' ');
    return `${label.padEnd(16)} ${String(boxes).padStart(6)} ${figures}`;
  });
  const header = `${'label'.padEnd(16)}  boxes      AP50  AP50:95 precision    recall`;
  const times = `p50 ${ms.p50.toFixed(1)} ms, p95 ${ms.p95.toFixed(1)} ms a picture`;
  return `${header}\n${rows.join('\n')}\n${pictures} pictures; precision and recall at ${threshold}; ${times}\n`;
}
