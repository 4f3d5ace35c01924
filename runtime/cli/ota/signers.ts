/** Private keys that a command was given with --key, unlocked. */

import type { Signer } from '../../../ota/publish/keys/key-file.ts';
import { UpdateError, UsageError } from '../../core/errors.ts';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS, type PassphraseValues, passphraseFrom } from './passphrase.ts';

export const KEY_OPTIONS = { key: { type: 'string', multiple: true }, ...PASSPHRASE_OPTIONS } as const;

export const KEY_HELP = `  --key FILE              a private key, or a folder of them (may come several times); of those given,
                          only the ones that are needed are unlocked, all by one passphrase if it fits
${PASSPHRASE_HELP}`;

export interface KeyValues extends PassphraseValues {
  readonly key?: string[] | undefined;
}

/** KEYIDs of the keys that were given, which takes no passphrase. @throws as signersFrom */
export async function givenKeyIds({ key }: KeyValues): Promise<ReadonlySet<string>> {
  const { keyPaths, readKeyFile } = await import('../../../ota/publish/keys/key-folder.ts');
  return new Set(keyPaths(key ?? [], 'key').map((path) => readKeyFile(path).keyid));
}

/**
 * @param wanted KEYIDs that are of any use; keys beside them stay locked.
 * @param what names them in errors: `the drafts`.
 * @throws UsageError without --key; UpdateError `ota-key-role` when none is wanted, `ota-passphrase`.
 */
export async function signersFrom(
  values: KeyValues,
  wanted: ReadonlySet<string>,
  what: string,
): Promise<Signer[]> {
  if (!values.key) throw new UsageError('usage', 'name the keys to sign with: --key FILE or --key FOLDER');
  const { keyPaths, readKeyFile } = await import('../../../ota/publish/keys/key-folder.ts');
  const files = keyPaths(values.key, 'key').map((path) => ({ path, file: readKeyFile(path) }));
  const useful = files.filter(({ file }) => wanted.has(file.keyid));
  if (useful.length === 0) {
    const given = files.map(({ path }) => path).join(', ') || 'none';
    const text = `none of the keys given may sign ${what}; given: ${given}; it takes one of ${[...wanted].map((id) => id.slice(0, 12)).join(', ')}`;
    throw new UpdateError('ota-key-role', text, { facts: { wanted: [...wanted] } });
  }
  return unlocked(useful, values);
}

async function unlocked(
  files: readonly {
    path: string;
    file: Parameters<typeof import('../../../ota/publish/keys/key-file.ts').unsealKey>[0];
  }[],
  values: PassphraseValues,
): Promise<Signer[]> {
  const { unsealKey } = await import('../../../ota/publish/keys/key-file.ts');
  const ask = passphraseFrom(values);
  const signers: Signer[] = [];
  let last: string | undefined;
  for (const { path, file } of files) {
    const before = last;
    if (before !== undefined && ask.interactive) {
      const signer = await unsealKey(file, before, path).catch(onlyPassphrase);
      if (signer) {
        signers.push(signer);
        continue;
      }
    }
    last = await ask({ what: path });
    signers.push(await unsealKey(file, last, path));
  }
  return signers;
}

function onlyPassphrase(error: unknown): undefined {
  if (error instanceof UpdateError && error.code === 'ota-passphrase') return undefined;
  throw error;
}
