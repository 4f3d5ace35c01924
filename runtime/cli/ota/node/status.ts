/** `vigie ota node status`: what serves, what is on its way, what was refused and why. */

import { askNode } from '../../ask-node.ts';
import type { OtaAction } from '../../ota.ts';
import { type StatusAnswer, statusText } from './answers.ts';
import { parseTarget, print, TARGET_HELP } from './target.ts';

export const nodeStatus: OtaAction = {
  help: `Usage: vigie ota node status [--data-dir DIR] [--json]

Asks the node that runs on this machine what it serves, what is on its way, and what it refused.

${TARGET_HELP}`,
  async run(args) {
    const { dataDir, json } = parseTarget(args, []);
    const answer = (await askNode(dataDir, 'ota-status')) as unknown as StatusAnswer;
    print(json, answer, statusText);
    return 0;
  },
};
