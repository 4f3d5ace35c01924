/** `vigie evaluate intrusion`: model, tracker and zones together, on a recording whose events are known. */

import { parseArgs } from 'node:util';
import type { FoundEvent, IntrusionEvaluation } from '../../../evaluation/detection/intrusion.ts';
import { UsageError } from '../../core/errors.ts';
import type { Evaluate } from '../evaluate.ts';
import { wholeNumber } from '../model/shapes.ts';
import { MODEL_HELP, MODEL_OPTIONS, openDetector } from './model.ts';

export const intrusion: Evaluate = {
  help: `Usage: vigie evaluate intrusion --video FILE --expect FILE --model MODEL
                                [--manifest FILE] [--backend NAME] [--every N] [--json]

Plays the recording through the model, the tracker and the zones of the node, with the times of
the recording, and compares the events with those that are right.

Options:
  --video FILE     animated GIF or WebP, or a folder of pictures (--fps tells how fast)
  --expect FILE    YAML or JSON (docs/detection.md):
                     detection: as in a camera's configuration: zones, tripwires …
                     events: [{ zone: floor, at: 1.6s, within: 2s }]   the right starts and crossings
                     open: { floor: 3 }                                intrusions at the end
${MODEL_HELP}
  --every N        look at every N-th frame only, as a slow board would (1)
  --fps N          of a folder of pictures (10)
  --json           print { model, backend, right, found, missed, false, meanDelayMs, open, … }

Exit status: 0 scored, 1 the data or the model cannot be used, 2 the command line was not understood.

Example:
  vigie evaluate intrusion --video door.gif --expect door.yaml --model yolox_nano.xnn
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        video: { type: 'string' },
        expect: { type: 'string' },
        every: { type: 'string', default: '1' },
        fps: { type: 'string', default: '10' },
        json: { type: 'boolean', default: false },
        ...MODEL_OPTIONS,
      },
    });
    const { video, expect } = values;
    if (video === undefined) throw new UsageError('usage', 'name the recording with --video FILE');
    if (expect === undefined) throw new UsageError('usage', 'name what should happen with --expect FILE');
    const every = wholeNumber('every', values.every, 1, 1000);
    const fps = wholeNumber('fps', values.fps, 1, 240);
    // Workstation code: a node that never evaluates never loads it.
    const { readExpectation } = await import('../../../evaluation/detection/expectation.ts');
    const { evaluateIntrusion } = await import('../../../evaluation/detection/intrusion.ts');
    const { videoFrames } = await import('../../../evaluation/detection/video-frames.ts');
    const expectation = readExpectation(expect);
    const { lowScore } = expectation.detection.tracker;
    const model = await openDetector(values, (threshold) => threshold * lowScore);
    try {
      const { identity, backend, threshold, detector } = model;
      const result = await evaluateIntrusion({
        frames: videoFrames(video, fps),
        expectation,
        model: identity,
        threshold,
        every,
        detect: (frame) => detector.detect(frame),
      });
      process.stdout.write(
        values.json ? `${JSON.stringify({ model: identity, backend, ...result })}\n` : text(result),
      );
      return 0;
    } finally {
      await model.close();
    }
  },
};

function text(result: IntrusionEvaluation): string {
  const { frames, looks, seconds, found, missed, lookMs, open, right } = result;
  const said = ({ zone, kind, label, track, atMs, delayMs }: FoundEvent) => {
    const late = delayMs === undefined ? '' : `, ${delayMs} ms after the moment`;
    return `${(atMs / 1000).toFixed(2).padStart(8)} s  ${kind} of ${label} ${track} in '${zone}'${late}`;
  };
  const lines = [
    ...found.map((event) => `found   ${said(event)}`),
    ...result.false.map((event) => `false   ${said(event)}`),
    ...missed.map(
      ({ zone, kind, atMs }) => `missed  ${(atMs / 1000).toFixed(2).padStart(8)} s  ${kind} in '${zone}'`,
    ),
    ...Object.entries(open).map(([zone, count]) => `open at the end in '${zone}': ${count}`),
    `${found.length} found, ${missed.length} missed, ${result.false.length} false: ${right ? 'right' : 'not right'}`,
    `${looks} looks at ${frames} frames of ${seconds} s, ${lookMs.toFixed(1)} ms each`,
  ];
  return `${lines.join('\n')}\n`;
}
