/** `vigie ota repo export`: drafts as one file, for keys that are elsewhere. */

import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../../../core/atomic-file.ts';
import { UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { draftRoles } from './words.ts';

export const repoExport: OtaAction = {
  help: `Usage: vigie ota repo export REPO -o FILE [--role ROLE]… [--json]

Writes the drafts to a file that 'vigie ota repo sign' signs on another machine, such as one that was
never on a network. It holds nothing secret.

  -o, --output FILE   the file to write
  --role ROLE         only these: root, targets, release, deploy
  --json              print { output, roles }

Example:
  vigie ota repo export fleet --role root -o /media/stick/request.json
  (there) vigie ota repo sign /media/stick/request.json --key root-2.key
  vigie ota repo import fleet /media/stick/request.json
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        output: { type: 'string', short: 'o' },
        role: { type: 'string', multiple: true },
        json: { type: 'boolean' },
      },
    });
    const [path] = positionals;
    const { output } = values;
    if (path === undefined || positionals.length > 1 || output === undefined)
      throw new UsageError('usage', 'name one repository, and the file to write with -o');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { exportDrafts } = await import('../../../../ota/publish/repository/offline.ts');
    const folder = RepositoryFolder.open(path);
    const roles = (await draftRoles(values.role)).filter((role) => folder.draft(role));
    writeFileAtomic(output, exportDrafts(folder, roles), 0o644);
    if (values.json) process.stdout.write(`${JSON.stringify({ output, roles })}\n`);
    else process.stdout.write(`${output}: ${roles.join(', ')}\n`);
    return 0;
  },
};
