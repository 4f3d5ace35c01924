/** `vigie ota key info`: what a key file says without its passphrase. */

import { parseArgs } from 'node:util';
import { UsageError } from '../../../core/errors.ts';
import { table } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';

export const keyInfo: OtaAction = {
  help: `Usage: vigie ota key info FILE… [--json]

Prints KEYID and public key of .key and .pub files, or of all of them in a folder, and how the
private ones are sealed. No passphrase is needed.

  --json   print { keys: [{ file, name, keyid, public, sealed }] }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    if (positionals.length === 0) throw new UsageError('usage', 'name a key file or a folder');
    const { keyPaths, readKeyFile, readPublicKey } = await import(
      '../../../../ota/publish/keys/key-folder.ts'
    );
    const files = [...new Set([...keyPaths(positionals, 'key'), ...keyPaths(positionals, 'pub')])].sort();
    const keys = files.map((file) => {
      const { name, keyId, key } = readPublicKey(file);
      const sealing = file.endsWith('.key') ? readKeyFile(file) : undefined;
      const sealed = sealing && `scrypt N=${sealing.kdf.N}, ${sealing.cipher.name}`;
      return { file, name, keyid: keyId, public: key.keyval.public, sealed: sealed ?? null };
    });
    if (values.json) process.stdout.write(`${JSON.stringify({ keys })}\n`);
    else {
      const rows = keys.map(({ file, keyid, sealed }) => [file, keyid, sealed ?? 'public']);
      process.stdout.write(table(['file', 'KEYID', 'sealed'], rows));
    }
    return 0;
  },
};
