/** `vigie ota repo verify`: a public folder as a node sees it, and all of it. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SystemClock } from '../../../core/clock.ts';
import { InputError, UsageError } from '../../../core/errors.ts';
import { size } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { Progress } from '../progress.ts';

export const repoVerify: OtaAction = {
  help: `Usage: vigie ota repo verify FOLDER [--root FILE] [--json]

Refreshes from FOLDER as a node does, then follows everything that is signed down to the last byte:
bundles, files, block maps, deltas, assignments. FOLDER is a repository, its public folder, or a
copy of that, such as a stick.

  --root FILE   begin with this root, such as the one that nodes were set up with (default: the
                folder's own first root, which then vouches for itself)
  --json        print { versions, bundles, groups, blobs, bytes }

Example:
  vigie ota repo verify /media/stick --root fleet-root.json
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { root: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('usage', 'name one folder');
    const inside = join(path, 'public');
    const directory = existsSync(inside) ? inside : path;
    const { verifyTree } = await import('../../../../ota/publish/repository/verify.ts');
    const { totalBytes } = await import('../../../../ota/publish/blobs.ts');
    const clock = new SystemClock();
    const progress = new Progress({
      label: 'hashing',
      total: totalBytes(directory),
      now: () => clock.mono(),
    });
    const root = values.root === undefined ? undefined : readRoot(values.root);
    const report = await verifyTree({
      ...{ directory, now: clock.wall(), onBytes: progress.add },
      ...(root && { root }),
    }).finally(() => progress.end());
    const bundles = report.bundles.map(({ name, release, version }) => ({ name, release, version }));
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ ...report, bundles })}\n`);
      return 0;
    }
    const versions = Object.entries(report.versions).map(([role, version]) => `${role} ${version}`);
    const list = bundles.map(({ name, release }) => `${name} ${release}`).join(', ') || 'none';
    process.stdout.write(`good: ${versions.join(', ')}
bundles: ${list}
groups: ${report.groups.join(', ') || 'none'}
${report.blobs} blobs, ${size(report.bytes)}, all as signed
`);
    return 0;
  },
};

function readRoot(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InputError('ota-key-missing', `cannot read the root ${path}`, { cause, facts: { path } });
  }
}
