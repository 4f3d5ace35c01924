/** `vigie ota repo status`: versions, expiry, keys, and what waits for signatures. */

import { parseArgs } from 'node:util';
import type { SignedDraft } from '../../../../ota/publish/repository/drafts.ts';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import { table } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { timeLeft } from '../progress.ts';
import { draftTable } from './words.ts';

export const repoStatus: OtaAction = {
  help: `Usage: vigie ota repo status REPO [--json]

Prints what is public, until when it holds and whose signatures it takes; then the drafts and the
signatures that they lack; then the bundles and what each group is to run.

  --json   print { roles, drafts, bundles, groups }
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
    const { statusOf } = await import('../../../../ota/publish/repository/status.ts');
    const status = statusOf(RepositoryFolder.open(path));
    if (values.json) process.stdout.write(`${JSON.stringify(status)}\n`);
    else process.stdout.write(text(status, new SystemClock().wall()));
    return 0;
  },
};

type Status = ReturnType<typeof import('../../../../ota/publish/repository/status.ts').statusOf>;

function text({ roles, drafts, bundles, groups }: Status, now: number): string {
  const rows = roles.map(({ role, version, expires, threshold, keyids }) => [
    role,
    version ?? '-',
    expires ? `${expires} (${left(expires, now)})` : '-',
    `${threshold} of ${keyids.map((id) => id.slice(0, 12)).join(', ')}`,
  ]);
  const parts = [table(['role', 'version', 'holds until', 'keys'], rows)];
  if (drafts.length > 0) parts.push(draftTable(drafts as SignedDraft[]));
  if (bundles.length > 0) parts.push(table(['bundle', 'release', 'digest'], bundles.map(bundleRow)));
  for (const { group, releases, blocked } of groups) {
    const list = releases.map(({ name, release, percent }) => `${name} ${release} on ${percent} %`);
    const more = blocked.length > 0 ? `; ${blocked.length} blocked` : '';
    parts.push(`group ${group}: ${list.join(', ') || 'nothing'}${more}\n`);
  }
  return parts.join('\n');
}

const bundleRow = ({ name, release, digest }: Status['bundles'][number]) => [
  name,
  release,
  digest.slice(0, 16),
];

function left(expires: string, now: number): string {
  const seconds = (Date.parse(expires) - now) / 1000;
  if (seconds <= 0) return 'EXPIRED';
  const days = Math.floor(seconds / 86_400);
  return days > 0 ? `${days} days` : timeLeft(seconds);
}
