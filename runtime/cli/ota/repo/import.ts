/** `vigie ota repo import`: signatures that were made elsewhere. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InputError, UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { draftTable } from './words.ts';

export const repoImport: OtaAction = {
  help: `Usage: vigie ota repo import REPO REQUEST… [--json]

Takes signatures from signing requests into the drafts that they were made for. Nothing else of the
file is believed: it must be over the draft as it is here, and a signature counts only if it is good.

  --json   print { drafts: [{ role, version, states }] }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [path, ...files] = positionals;
    if (path === undefined || files.length === 0)
      throw new UsageError('usage', 'name a repository and signing requests');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { importSignatures, parseRequests } = await import('../../../../ota/publish/repository/offline.ts');
    const folder = RepositoryFolder.open(path);
    const drafts = await folder.locked(async () => {
      const states = files.flatMap((file) => importSignatures(folder, parseRequests(read(file), file)));
      return [...new Map(states.map((state) => [state.role, state])).values()];
    });
    process.stdout.write(values.json ? `${JSON.stringify({ drafts })}\n` : draftTable(drafts));
    return 0;
  },
};

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError('ota-request-invalid', `cannot read ${path}`, { cause, facts: { path } });
  }
}
