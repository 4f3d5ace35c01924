/** RAUC, which checks bundles and writes them into slots. */

import { spawn } from 'node:child_process';
import { UpdateError } from '../core/errors.ts';

/** What a bundle says of itself, its signature being good. */
export interface BundleInfo {
  readonly compatible: string;
  /** Empty when the bundle names none. */
  readonly version: string;
  readonly images: readonly { readonly slotClass: string; readonly bytes: number }[];
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param config RAUC's system.conf, which names the keyring.
 * @throws UpdateError `system-no-rauc`; `system-signature` for what no trusted key signed.
 */
export async function bundleInfo(file: string, config: string): Promise<BundleInfo> {
  const { code, stdout, stderr } = await rauc(['--conf', config, 'info', '--output-format=json', file]);
  if (code !== 0) throw refused(file, stderr || stdout);
  const { compatible, version, images } = JSON.parse(stdout) as RaucInfo;
  return {
    compatible,
    version: version ?? '',
    images: images.flatMap((image) =>
      Object.entries(image).map(([slotClass, { size }]) => ({ slotClass, bytes: Number(size) })),
    ),
  };
}

interface RaucInfo {
  readonly compatible: string;
  readonly version?: string;
  readonly images: readonly Readonly<Record<string, { readonly size: number | string }>>[];
}

/**
 * Writes the bundle into the slots that do not run.
 * @param progress is given what RAUC says, as it says it.
 * @throws UpdateError `system-install-failed`: nothing that starts was changed.
 */
export async function installBundle(file: string, progress: (text: string) => void): Promise<void> {
  const { code, stdout, stderr } = await rauc(['install', file], progress);
  if (code === 0) return;
  const why = lastLine(`${stdout}\n${stderr}`);
  throw new UpdateError(
    'system-install-failed',
    `the bundle was not installed; the running system is untouched and starts as before. RAUC says: ${why}`,
    { facts: { file } },
  );
}

function rauc(args: readonly string[], progress?: (text: string) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn('rauc', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        out[name] += text;
        progress?.(text);
      });
    }
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') return reject(cause);
      const hint = 'an image has it; on any other Debian: apt install rauc rauc-service';
      reject(new UpdateError('system-no-rauc', `the program rauc is not installed: ${hint}`));
    });
    child.once('close', (code) => resolve({ code, ...out }));
  });
}

/** RAUC's own words for a signature that is there and not to be trusted; for anything else, there is none. */
const FOREIGN = /verif|certificate|issuer|expired|signing time/i;

function refused(file: string, said: string): UpdateError {
  const why = lastLine(said);
  const text = FOREIGN.test(why)
    ? `${file} is not signed by a key that this system trusts (/etc/rauc/keyring.pem)`
    : `${file} is no signed system bundle, or is damaged`;
  return new UpdateError('system-signature', `${text}. RAUC says: ${why}`, { facts: { file } });
}

/** Without the stamps and the telling of its steps. */
const lastLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1) ?? 'nothing';
