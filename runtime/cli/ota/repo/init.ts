/** `vigie ota repo init`: a new repository. */

import { parseArgs } from 'node:util';
import type { NamedKey } from '../../../../ota/publish/keys/key-folder.ts';
import type { MetadataRole, Role } from '../../../../ota/publish/repository/roles.ts';
import { SystemClock } from '../../../core/clock.ts';
import { InputError, UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { pairs, wholeNumber } from './words.ts';

export const repoInit: OtaAction = {
  help: `Usage: vigie ota repo init REPO [--keys FOLDER] [--ROLE FILE.pub]… [--expires ROLE=DAYS]… [--threshold ROLE=N]…

Makes the folder REPO with drafts of its first files. Public keys are enough: nothing is signed yet.

  --keys FOLDER           takes ROLE.pub and ROLE-….pub from a folder: root-1.pub, deploy.pub
  --root FILE … --time FILE   a public key of that role (may come several times); roles are root,
                          targets, release, deploy, snapshot, timestamp, time
  --threshold ROLE=N      how many keys must sign (default: 2 of root and targets, 1 of the others)
  --expires ROLE=DAYS     for how long files hold from the day they are made (default: root and targets
                          365, release 180, deploy and snapshot 30, timestamp 7). A site that only
                          gets sticks wants timestamp=90
  --json                  print { path, drafts }

Then: vigie ota repo sign REPO --key … with enough keys of every role, and vigie ota repo publish.
Nodes are set up with REPO/public/metadata/1.root.json.

Example:
  vigie ota repo init fleet --keys keys
`,
  async run(args) {
    const { isRole, METADATA_ROLES, ROLES } = await import('../../../../ota/publish/repository/roles.ts');
    const byRole = Object.fromEntries(
      ROLES.map((role) => [role, { type: 'string', multiple: true } as const]),
    );
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        keys: { type: 'string' },
        expires: { type: 'string', multiple: true },
        threshold: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        ...byRole,
      },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('usage', 'name one folder');
    const given = values as Readonly<Record<string, unknown>>;
    const named = ROLES.map((role) => [role, (given[role] ?? []) as string[]] as const);
    const roles = <T extends string>(list: readonly T[], option: string, name: string): T => {
      if (list.includes(name as T)) return name as T;
      throw new UsageError('usage', `--${option}: '${name}' is none of ${list.join(', ')}`);
    };
    const thresholds = pairs(values.threshold as string[], 'threshold').map(
      ([role, text]) => [roles<Role>(ROLES, 'threshold', role), wholeNumber(text, '--threshold')] as const,
    );
    const expires = pairs(values.expires as string[], 'expires').map(
      ([role, text]) =>
        [roles<MetadataRole>(METADATA_ROLES, 'expires', role), wholeNumber(text, '--expires')] as const,
    );
    const { initRepository } = await import('../../../../ota/publish/repository/init.ts');
    const folder = initRepository({
      path,
      keys: await keysOf(named, values.keys as string | undefined),
      thresholds: Object.fromEntries(thresholds.filter(([role]) => isRole(role))),
      expires: Object.fromEntries(expires),
      now: new SystemClock().wall(),
    });
    const drafts = ['root', 'targets', 'release', 'deploy'];
    if (values.json) process.stdout.write(`${JSON.stringify({ path, public: folder.public, drafts })}\n`);
    else
      process.stdout.write(
        `${path}: drafts of ${drafts.join(', ')}\nNext: vigie ota repo sign ${path} --key … ; vigie ota repo publish ${path} --key …\n`,
      );
    return 0;
  },
};

type Keys = Record<Role, NamedKey[]>;

/** @throws InputError `ota-key-missing` naming the first role without one. */
async function keysOf(
  named: readonly (readonly [role: Role, files: readonly string[]])[],
  folder: string | undefined,
): Promise<Keys> {
  const { keyPaths, readPublicKey } = await import('../../../../ota/publish/keys/key-folder.ts');
  const { roleOfKeyName } = await import('../../../../ota/publish/repository/roles.ts');
  const keys = Object.fromEntries(named.map(([role, files]) => [role, files.map(readPublicKey)])) as Keys;
  for (const path of folder === undefined ? [] : keyPaths([folder], 'pub')) {
    const key = readPublicKey(path);
    const role = roleOfKeyName(key.name);
    if (role) keys[role].push(key);
  }
  for (const [role] of named) {
    if (keys[role].length > 0) continue;
    const text = `no public key for the role ${role}: put ${role}.pub into ${folder ?? 'a folder'} and name it with --keys, or name a file with --${role}`;
    throw new InputError('ota-key-missing', text, { facts: { role } });
  }
  return keys;
}
