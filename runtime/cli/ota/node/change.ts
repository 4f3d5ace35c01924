/** `vigie ota node install | rollback | pin | unblock`: one request each. */

import type { ParseArgsConfig } from 'node:util';
import { askNode } from '../../ask-node.ts';
import type { OtaAction } from '../../ota.ts';
import { parseTarget, print, TARGET_HELP } from './target.ts';

export const nodeInstall: OtaAction = {
  help: `Usage: vigie ota node install NAME [--data-dir DIR] [--json]

Begins the trial of what is staged under NAME now, whatever hours its assignment names. A node that
knows no trusted time still refuses, unless the assignment lets it.

${TARGET_HELP}`,
  run: (args) => change(args, ['NAME'], 'ota-install', (name) => `the trial of '${name}' has begun`),
};

export const nodeRollback: OtaAction = {
  help: `Usage: vigie ota node rollback NAME [--reason TEXT] [--data-dir DIR] [--json]

Puts the release before in the place of what serves under NAME, or ends its trial. What served is
blocked on this node until it is unblocked. The floor stays: only a higher release follows.

  --reason TEXT    for the log, the events and the report to the hub
${TARGET_HELP}`,
  run: (args) => change(args, ['NAME'], 'ota-rollback', (name) => `'${name}' is back on the release before`),
};

export const nodePin: OtaAction = {
  help: `Usage: vigie ota node pin NAME [--off] [--data-dir DIR] [--json]

Keeps what serves under NAME, whatever is assigned. With --off the node follows its assignment again.

${TARGET_HELP}`,
  async run(args) {
    const off = args.includes('--off');
    const rest = args.filter((arg) => arg !== '--off');
    const said = off ? 'follows its assignment again' : 'stays with what serves';
    return change(rest, ['NAME'], 'ota-pin', (name) => `'${name}' ${said}`, { pinned: !off });
  },
};

export const nodeUnblock: OtaAction = {
  help: `Usage: vigie ota node unblock NAME DIGEST [--data-dir DIR] [--json]

Lets a release that was rolled back or failed its test be tried again at the next look.
'vigie ota node status' prints the digests that are blocked.

${TARGET_HELP}`,
  run: (args) =>
    change(args, ['NAME', 'DIGEST'], 'ota-unblock', (name) => `'${name}' may try it again at the next look`),
};

async function change(
  args: readonly string[],
  names: readonly string[],
  command: string,
  said: (name: string) => string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  const options: ParseArgsConfig['options'] =
    command === 'ota-rollback' ? { reason: { type: 'string' } } : {};
  const { dataDir, json, positionals, values } = parseTarget(args, names, options);
  const [name, digest] = positionals;
  const { reason } = values;
  const answer = await askNode(dataDir, command, {
    name,
    ...(digest !== undefined && { digest }),
    ...(reason !== undefined && { reason }),
    ...more,
  });
  print(json, answer, () => `${said(name!)}\n`);
  return 0;
}
