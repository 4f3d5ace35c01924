/** `vigie ota repo prune` and `remove`: old releases leave the repository. */

import { parseArgs } from 'node:util';
import type { Swept } from '../../../../ota/publish/repository/prune.ts';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import { size } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { wholeNumber } from './words.ts';

const KEPT = `A release stays while a group is assigned it, while a rollout of it is open, and while it is the
newest of its name.`;

export const repoPrune: OtaAction = {
  help: `Usage: vigie ota repo prune REPO [--keep N] [--dry-run] [--json]

Drops old releases from the draft of release: all but the newest N of each name. ${KEPT}
Once the draft is signed and published, the same command removes from REPO/public/blobs what nothing
that is public, and no draft, leads to. Nodes that run a release go on with it.

  --keep N     newest releases of each name that stay (2)
  --dry-run    say what would be done, and change nothing
  --json       print { removed: [NAME/RELEASE], draft, blobs, bytes }

Then: vigie ota repo sign REPO --key release.key ; vigie ota repo publish REPO --key … ;
      vigie ota repo prune REPO
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        keep: { type: 'string', default: '2' },
        'dry-run': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('usage', 'name one repository');
    const keep = wholeNumber(values.keep, '--keep');
    const dryRun = values['dry-run'] === true;
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { oldReleases, removeReleases, sweepBlobs } = await import(
      '../../../../ota/publish/repository/prune.ts'
    );
    const folder = RepositoryFolder.open(path);
    const { removed, draft, swept } = await folder.locked(async () => {
      const old = oldReleases(folder, keep);
      const version =
        old.length > 0 && !dryRun ? removeReleases(folder, old, new SystemClock().wall()) : null;
      return { removed: old, draft: version, swept: await sweepBlobs(folder, dryRun) };
    });
    const names = removed.map(({ name, release }) => `${name}/${release}`);
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ removed: names, draft, ...swept })}\n`
        : text(path, names, swept, dryRun),
    );
    return 0;
  },
};

export const repoRemove: OtaAction = {
  help: `Usage: vigie ota repo remove REPO NAME/RELEASE… [--json]

Drops releases from the draft of release. ${KEPT}
To take a release back from nodes, assign another one or abort its rollout, which blocks it.

  --json   print { removed: [NAME/RELEASE], draft }

Then: vigie ota repo sign REPO --key release.key ; vigie ota repo publish REPO --key … ;
      vigie ota repo prune REPO
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [path, ...names] = positionals;
    if (path === undefined || names.length === 0)
      throw new UsageError('usage', 'name a repository and releases, such as pump-score/1');
    const releases = names.map((text) => {
      const [, name, release] = /^([a-z0-9][a-z0-9.-]*)\/(\d+)$/.exec(text) ?? [];
      if (name === undefined)
        throw new UsageError('usage', `'${text}' is no NAME/RELEASE, such as pump-score/1`);
      return { name, release: Number(release) };
    });
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { removeReleases } = await import('../../../../ota/publish/repository/prune.ts');
    const folder = RepositoryFolder.open(path);
    const draft = await folder.locked(async () => removeReleases(folder, releases, new SystemClock().wall()));
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ removed: names, draft })}\n`
        : `${names.join(', ')} left the draft of release (version ${draft})\nNext: vigie ota repo sign ${path} --key …\n`,
    );
    return 0;
  },
};

function text(path: string, removed: readonly string[], { blobs, bytes }: Swept, dryRun: boolean): string {
  const would = dryRun ? 'would be' : 'were';
  const next = dryRun ? '' : `Next: vigie ota repo sign ${path} --key …, publish, and this again\n`;
  const drafted =
    removed.length > 0
      ? `${removed.join(', ')}: ${would} dropped from the draft of release\n${next}`
      : 'no release is to be dropped\n';
  return `${drafted}${blobs} files that nothing leads to (${size(bytes)}) ${would} removed\n`;
}
