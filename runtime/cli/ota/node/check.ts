/** `vigie ota node check`: look for updates now. */

import { askNode } from '../../ask-node.ts';
import type { OtaAction } from '../../ota.ts';
import { type CheckAnswer, checkText } from './answers.ts';
import { outcomeOf } from './outcome.ts';
import { parseTarget, print, TARGET_HELP } from './target.ts';

export const nodeCheck: OtaAction = {
  help: `Usage: vigie ota node check [--data-dir DIR] [--json]

Makes the node look for updates now instead of in its own time, and waits until what is assigned to
it is fetched, verified and tested. The trial follows by itself, in the hours of the assignment.

${TARGET_HELP}`,
  async run(args) {
    const { dataDir, json } = parseTarget(args, []);
    const answer = (await askNode(dataDir, 'ota-check')) as unknown as CheckAnswer;
    print(json, answer, checkText);
    return outcomeOf(answer);
  },
};
