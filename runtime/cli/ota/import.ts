/** `vigie ota import`: the same update from a directory or a stick. */

import { resolve } from 'node:path';
import { askNode } from '../ask-node.ts';
import type { OtaAction } from '../ota.ts';
import { type CheckAnswer, checkText } from './node/answers.ts';
import { outcomeOf } from './node/outcome.ts';
import { parseTarget, print, TARGET_HELP } from './node/target.ts';

export const importUpdate: OtaAction = {
  help: `Usage: vigie ota import DIR [--data-dir DIR] [--json]

Makes the node that runs on this machine take an update from a copy of a repository's public folder,
such as on a USB stick. All that is checked for an update from the broker is checked here too.

${TARGET_HELP}`,
  async run(args) {
    const { dataDir, json, positionals } = parseTarget(args, ['DIR']);
    const directory = resolve(positionals[0]!);
    const answer = (await askNode(dataDir, 'ota-import', { directory })) as unknown as CheckAnswer;
    print(json, answer, checkText);
    return outcomeOf(answer);
  },
};
