/** `vigie ota repo rotate`: other keys for a role. */

import { parseArgs } from 'node:util';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { wholeNumber } from './words.ts';

export const repoRotate: OtaAction = {
  help: `Usage: vigie ota repo rotate REPO ROLE [--add FILE.pub]… [--remove KEYID]… [--threshold N] [--json]

Drafts other keys for a role: a key that was lost or stolen, a person who left, a hub that was broken
into. ROLE is root, targets, release, deploy, snapshot, timestamp or time.

  --add FILE       a public key to add
  --remove KEYID   a key to remove, or at least the first 6 digits of its KEYID ('vigie ota repo status')
  --threshold N    how many keys must sign from now on
  --json           print { drafts, dropped }

What then has to be signed:
  root                       enough keys of the old root and enough of the new one
  targets                    root; and targets itself by its new keys
  snapshot, timestamp, time  root; 'publish' takes the new keys from then on
  release, deploy            targets; and the role's own file by its new keys
All versions of root stay in the repository, so that a node that was off for years finds its way.
New keys for snapshot and timestamp also make nodes forget version numbers that a thief drove up.

Example:
  vigie ota repo rotate fleet snapshot --remove 3f9a1c --add snapshot-2.pub
  vigie ota repo sign fleet --key root-1.key ; vigie ota repo sign fleet --key root-2.key
  vigie ota repo publish fleet --key snapshot-2.key --key timestamp.key
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        add: { type: 'string', multiple: true },
        remove: { type: 'string', multiple: true },
        threshold: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [path, role] = positionals;
    const { isRole, ROLES } = await import('../../../../ota/publish/repository/roles.ts');
    if (path === undefined || role === undefined || positionals.length > 2 || !isRole(role))
      throw new UsageError('usage', `name a repository and one of ${ROLES.join(', ')}`);
    const { add = [], remove = [] } = values;
    const threshold =
      values.threshold === undefined ? undefined : wholeNumber(values.threshold, '--threshold');
    if (add.length + remove.length === 0 && threshold === undefined)
      throw new UsageError('usage', 'say what changes: --add, --remove or --threshold');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { rotate } = await import('../../../../ota/publish/repository/rotate.ts');
    const { readPublicKey } = await import('../../../../ota/publish/keys/key-folder.ts');
    const folder = RepositoryFolder.open(path);
    const rotation = { role, add: add.map(readPublicKey), remove, ...(threshold && { threshold }) };
    const report = await folder.locked(async () => rotate(folder, rotation, new SystemClock().wall()));
    if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else {
      const dropped = report.dropped > 0 ? `; ${report.dropped} earlier signatures no longer count` : '';
      process.stdout.write(
        `drafts to sign: ${report.drafts.join(', ')}${dropped}\nNext: vigie ota repo sign ${path} --key …\n`,
      );
    }
    return 0;
  },
};
