/** `vigie ota key gen`: new signing keys. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS, passphraseFrom } from '../passphrase.ts';

export const keyGen: OtaAction = {
  help: `Usage: vigie ota key gen FILE [--passphrase-file FILE] [--json]
       vigie ota key gen --all FOLDER [--passphrase-file FILE] [--json]

Makes a signing key: FILE.key, sealed with a passphrase of at least 8 characters and readable by you
alone, and FILE.pub. An existing file is never overwritten.

  --all FOLDER            one key for every place that a repository has: root-1 to root-3, targets-1 to
                          targets-3, release, deploy, snapshot, timestamp, time; all under one passphrase.
                          Good for a first try; for a fleet, each holder makes a key of their own
${PASSPHRASE_HELP}
  --json                  print { keys: [{ name, keyid, file }] }

There is no way back without the passphrase: lose two keys of root, and every node has to be set up
again by hand.

Examples:
  vigie ota key gen root-1
  vigie ota key gen --all keys --passphrase-file passphrase.txt
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { all: { type: 'string' }, json: { type: 'boolean' }, ...PASSPHRASE_OPTIONS },
    });
    if (positionals.length !== (values.all === undefined ? 1 : 0))
      throw new UsageError('usage', 'name one file for the key, or --all FOLDER');
    const { makeKey, refuseExisting } = await import('../../../../ota/publish/keys/key-folder.ts');
    const stems = values.all === undefined ? positionals : await allStems(values.all);
    // Before anybody types a passphrase twice.
    for (const stem of stems) refuseExisting(stem);
    const ask = passphraseFrom(values);
    const what = values.all === undefined ? stems[0]! : `all keys in ${values.all}`;
    const passphrase = await ask({ what, fresh: true });
    const keys: { name: string; keyid: string; file: string }[] = [];
    for (const stem of stems) {
      const { name, keyId } = await makeKey(stem, passphrase);
      const file = `${stem.replace(/\.key$/, '')}.key`;
      keys.push({ name, keyid: keyId, file });
      if (!values.json) process.stdout.write(`${file}  KEYID ${keyId}\n`);
    }
    if (values.json) process.stdout.write(`${JSON.stringify({ keys })}\n`);
    else if (values.all !== undefined) process.stdout.write(ADVICE);
    return 0;
  },
};

const ADVICE = `
Before you trust a fleet to these: move the keys of root, targets and release to media that are kept
apart and offline; the hub needs deploy, snapshot, timestamp and time alone.
`;

async function allStems(folder: string): Promise<string[]> {
  const { ROLE_RULES, ROLES } = await import('../../../../ota/publish/repository/roles.ts');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return ROLES.flatMap((role) => {
    const { keys } = ROLE_RULES[role];
    const names = Array.from({ length: keys }, (_, at) => (keys === 1 ? role : `${role}-${at + 1}`));
    return names.map((name) => join(folder, name));
  });
}
