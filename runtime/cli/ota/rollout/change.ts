/** `vigie ota rollout status | pause | resume | abort`. */

import { parseArgs } from 'node:util';
import type { Rollout } from '../../../../ota/publish/rollout/rollout.ts';
import { UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { KEY_HELP, KEY_OPTIONS } from '../signers.ts';
import { openPublisher, openRollout, rolloutLine } from './words.ts';

const show = (rollout: Rollout, json: boolean | undefined) =>
  process.stdout.write(json ? `${JSON.stringify(rollout)}\n` : `${rolloutLine(rollout)}\n`);

export const rolloutStatus: OtaAction = {
  help: `Usage: vigie ota rollout status REPO [--json]

Prints every rollout of a repository: group, release, wave, and why it is as it is. What each node says
is in 'vigie ota fleet list'.

  --json   print { rollouts }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('usage', 'name one repository');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { listRollouts } = await import('../../../../ota/publish/rollout/rollout.ts');
    const rollouts = listRollouts(RepositoryFolder.open(path));
    if (values.json) process.stdout.write(`${JSON.stringify({ rollouts })}\n`);
    else process.stdout.write(rollouts.map((one) => `${rolloutLine(one)}\n`).join('') || 'no rollout\n');
    return 0;
  },
};

const pausing = (paused: boolean, help: string): OtaAction => ({
  help,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const { folder, rollout } = await openRollout(positionals);
    const { setPaused } = await import('../../../../ota/publish/rollout/drive.ts');
    show(await setPaused(folder, rollout.id, paused), values.json);
    return 0;
  },
});

export const rolloutPause = pausing(
  true,
  `Usage: vigie ota rollout pause REPO [ROLLOUT] [--json]

Stops the waves. Nodes of the waves so far keep the release. ROLLOUT is GROUP.NAME.RELEASE, and may be
left out where one is under way.
`,
);

export const rolloutResume = pausing(
  false,
  `Usage: vigie ota rollout resume REPO [ROLLOUT] [--json]

Lets the waves of a paused rollout go on. 'vigie ota rollout start' has to run, or be started again.
`,
);

export const rolloutAbort: OtaAction = {
  help: `Usage: vigie ota rollout abort REPO [ROLLOUT] --key FILE… [--reason TEXT] [--json]

Takes a release back: it is no longer assigned, and blocked, so that no node starts it any more. To bring
an older model back to nodes that kept this one, build it again as a higher release.

${KEY_HELP}
                          Needed: deploy, snapshot, timestamp
  --reason TEXT           for those who ask later
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...KEY_OPTIONS, reason: { type: 'string' }, json: { type: 'boolean' } },
    });
    const { path, rollout } = await openRollout(positionals);
    const publisher = await openPublisher(path, values);
    const { abortRollout } = await import('../../../../ota/publish/rollout/drive.ts');
    show(await abortRollout(publisher, rollout.id, values.reason ?? 'aborted by hand'), values.json);
    return 0;
  },
};
