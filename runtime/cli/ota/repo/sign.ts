/** `vigie ota repo sign`: drafts of a repository, or a signing request on a machine without one. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { SigningRequest } from '../../../../ota/publish/repository/offline.ts';
import { writeFileAtomic } from '../../../core/atomic-file.ts';
import { InputError, UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { givenKeyIds, KEY_HELP, KEY_OPTIONS, type KeyValues, signersFrom } from '../signers.ts';
import { draftRoles, draftTable } from './words.ts';

export const repoSign: OtaAction = {
  help: `Usage: vigie ota repo sign REPO --key FILE… [--role ROLE]… [--json]
       vigie ota repo sign REQUEST --key FILE… [-o FILE] [--json]

Signs every draft that the keys may sign. REQUEST is a file that 'vigie ota repo export' wrote: with it
keys never have to be where the repository is. What is signed is printed first; read it.

${KEY_HELP}
  --role ROLE             only these drafts: root, targets, release, deploy
  -o, --output FILE       where the signed request goes (default: over REQUEST)
  --json                  print { signed: [{ role, version, states }] }

Examples:
  vigie ota repo sign fleet --key root-1.key
  vigie ota repo sign request.json --key /media/root-2/root-2.key
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...KEY_OPTIONS,
        role: { type: 'string', multiple: true },
        output: { type: 'string', short: 'o' },
        json: { type: 'boolean' },
      },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1)
      throw new UsageError('usage', 'name one repository or one signing request');
    if (!existsSync(path)) throw new InputError('ota-repository-missing', `there is no ${path}`);
    const isRequest = statSync(path).isFile();
    if (isRequest && values.role) throw new UsageError('usage', '--role is for repositories');
    if (!isRequest && values.output) throw new UsageError('usage', '--output is for signing requests');
    const { output = path, json = false } = values;
    return isRequest
      ? signRequest(path, output, json, values)
      : signRepository(path, values.role, json, values);
  },
};

async function signRepository(
  path: string,
  names: readonly string[] | undefined,
  json: boolean,
  keys: KeyValues,
): Promise<number> {
  const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
  const { allowedBy, demandsFor, signDrafts } = await import('../../../../ota/publish/repository/drafts.ts');
  const folder = RepositoryFolder.open(path);
  const roles = (await draftRoles(names)).filter((role) => folder.draft(role));
  if (roles.length === 0) throw new InputError('ota-no-draft', `${path} has nothing to sign`);
  const requests = roles.map((role) => {
    return { role, envelope: folder.draft(role)!, allowed: [...allowedBy(demandsFor(folder, role))] };
  });
  if (!json) await show(requests, keys);
  const wanted = new Set(requests.flatMap(({ allowed }) => allowed));
  const signers = await signersFrom(keys, wanted, 'the drafts');
  const signed = await folder.locked(async () => signDrafts(folder, signers, roles));
  process.stdout.write(json ? `${JSON.stringify({ signed })}\n` : draftTable(signed));
  return 0;
}

async function signRequest(path: string, output: string, json: boolean, keys: KeyValues): Promise<number> {
  const { parseRequests, requestText, signRequests } = await import(
    '../../../../ota/publish/repository/offline.ts'
  );
  const requests = parseRequests(readFileSync(path, 'utf8'), path);
  if (!json) await show(requests, keys);
  const wanted = new Set(requests.flatMap(({ allowed }) => allowed));
  const signers = await signersFrom(keys, wanted, path);
  const result = signRequests(requests, signers);
  writeFileAtomic(output, requestText(result.requests), 0o644);
  const signed = result.signed.map((role) => ({ role }));
  if (json) process.stdout.write(`${JSON.stringify({ signed, output })}\n`);
  else
    process.stdout.write(
      `signed ${result.signed.join(', ')} in ${output}; 'vigie ota repo import' takes it back\n`,
    );
  return 0;
}

/** What the keys given would sign. */
async function show(requests: readonly SigningRequest[], keys: KeyValues): Promise<void> {
  const { describe } = await import('../../../../ota/publish/repository/offline.ts');
  const ids = await givenKeyIds(keys);
  for (const request of requests) {
    if (!request.allowed.some((keyId) => ids.has(keyId))) continue;
    process.stderr.write(`${describe(request).join('\n')}\n`);
  }
}
