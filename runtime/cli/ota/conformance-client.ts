/** `vigie ota conformance-client`: the update client as the TUF conformance suite drives it, over HTTP. Not for nodes. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TufClient } from '../../../ota/client/tuf/client.ts';
import { type Hashes, requireContent } from '../../../ota/client/tuf/hashes.ts';
import type { TargetFile } from '../../../ota/client/tuf/metadata.ts';
import { ANY_REPOSITORY } from '../../../ota/client/tuf/policy.ts';
import type { TrustedRepository } from '../../../ota/client/tuf/trusted-repository.ts';
import { readTrustedRoot } from '../../../ota/client/tuf/trusted-set.ts';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { SystemClock } from '../../core/clock.ts';
import { describeError, UpdateError, UsageError } from '../../core/errors.ts';
import type { OtaAction } from '../ota.ts';
import { DirectoryTrustStore } from './directory-trust-store.ts';
import { EXIT } from './exit-codes.ts';
import { HttpMetadataSource, httpGet } from './http-metadata-source.ts';

/** Beside root.json, which later roots replace. Not .json: the suite takes every such file for metadata. */
const FACTORY_ROOT = 'factory-root';

export const conformanceClient: OtaAction = {
  help: `Usage: vigie ota conformance-client --metadata-dir DIR init ROOT
       vigie ota conformance-client --metadata-dir DIR --metadata-url URL refresh
       vigie ota conformance-client --metadata-dir DIR --metadata-url URL --target-name PATH…
                          --target-base-url URL --target-dir DIR download

The commands that the conformance suite of The Update Framework asks of a client
(docs/tuf-conformance.md). It takes keys and names that nodes refuse. Not for nodes. Whatever
is refused ends with 1, as the suite wants it, and not with the numbers below.
`,
  async run(args) {
    const job = readArguments(args);
    try {
      await job();
      return EXIT.ok;
    } catch (error) {
      process.stderr.write(`vigie: ${describeError(error)}\n`);
      return EXIT.failure;
    }
  },
};

/** @returns what is to be done. @throws UsageError, and as node:util's parseArgs */
function readArguments(args: readonly string[]): () => Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'metadata-dir': { type: 'string' },
      'metadata-url': { type: 'string' },
      'target-name': { type: 'string', multiple: true },
      'target-base-url': { type: 'string' },
      'target-dir': { type: 'string' },
    },
  });
  const [command, file] = positionals;
  const folder = needed(values['metadata-dir'], '--metadata-dir');
  if (command === 'init') {
    const root = needed(file, 'ROOT');
    return async () => init(folder, root);
  }
  if (command !== 'refresh' && command !== 'download')
    throw new UsageError('usage', 'name one of init, refresh, download');
  const url = needed(values['metadata-url'], '--metadata-url');
  if (command === 'refresh') return async () => void (await refresh(folder, url));
  const baseUrl = needed(values['target-base-url'], '--target-base-url');
  const targetFolder = needed(values['target-dir'], '--target-dir');
  const names = values['target-name'] ?? [];
  return async () => {
    const repository = await refresh(folder, url);
    for (const name of names) await download(repository, name, baseUrl, targetFolder);
  };
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new UsageError('usage', `${name} is missing`);
  return value;
}

function init(folder: string, file: string): void {
  const root = readFileSync(file);
  readTrustedRoot(root, ANY_REPOSITORY);
  mkdirSync(folder, { recursive: true });
  const store = new DirectoryTrustStore(folder);
  store.write(FACTORY_ROOT, root);
  store.write('root.json', root);
}

function refresh(folder: string, url: string): Promise<TrustedRepository> {
  const store = new DirectoryTrustStore(folder);
  const factoryRoot = store.read(FACTORY_ROOT) ?? new Uint8Array();
  const source = new HttpMetadataSource(url);
  const client = new TufClient({ source, store, factoryRoot, policy: ANY_REPOSITORY });
  return client.refresh(new SystemClock().wall(), new AbortController().signal);
}

async function download(
  repository: TrustedRepository,
  path: string,
  baseUrl: string,
  folder: string,
): Promise<void> {
  const target = await repository.targetFile(path);
  if (!target) throw new UpdateError('ota-no-target', `no role that speaks for ${path} lists it`);
  const place = join(folder, encodeURIComponent(path));
  if (isThere(place, target)) return;
  const bytes = await httpGet(targetUrl(baseUrl, path, target.hashes), target.length);
  if (!bytes) throw new UpdateError('ota-missing', `the repository does not have ${path}`);
  requireContent(bytes, target, path);
  writeFileAtomic(place, bytes);
}

function isThere(place: string, target: TargetFile): boolean {
  try {
    requireContent(readFileSync(place), target, target.path);
    return true;
  } catch {
    return false;
  }
}

/** §5.7.3: `a/HASH.name`, as every repository of the suite is consistent. */
function targetUrl(baseUrl: string, path: string, { sha256, sha512 }: Hashes): string {
  const parts = path.split('/').map(encodeURIComponent);
  const name = `${sha256 ?? sha512}.${parts.pop()}`;
  return `${baseUrl.replace(/\/?$/, '/')}${[...parts, name].join('/')}`;
}
