/**
 * What a fuzzer calls with any bytes in the place of any metadata file: they are refused with one of our errors, or say,
 * under good signatures, just what the honest file says. See scripts/fuzz.sh.
 */

import { canonicalJson } from '../../../../../ota/client/tuf/canonical-json.ts';
import { TufClient } from '../../../../../ota/client/tuf/client.ts';
import { readEnvelope } from '../../../../../ota/client/tuf/signed.ts';
import { VigieError } from '../../../../../runtime/core/errors.ts';
import { epochMillis } from '../../../../../runtime/core/units.ts';
import { MemoryTrustStore } from '../../../../support/memory-trust-store.ts';
import { NOW, signer, TufRepository } from '../../../../support/tuf-repository.ts';

/** Honest, with something new for a node that was there before. */
function honest(): TufRepository {
  const repository = new TufRepository();
  repository.delegate('release', { paths: ['bundles/*/*'], terminating: true });
  repository.addTarget('bundles/a/1.json', 'content', 'release');
  repository.says.timestamp['x-issued'] = '2026-12-01T00:00:00Z';
  repository.publish('release', 'targets');
  repository.setKeys('root', [...repository.signers.root!, signer('root-d')], 2);
  repository.publishRoot();
  return repository;
}

const REPOSITORY = honest();
/** Paths that a node asks for, and files of its store, which a bad sector may change in any way. */
export const PLACES = [...REPOSITORY.served.keys()].filter(
  (path) => !/^1\.(root|snapshot|targets)/.test(path),
);
export const SEEDS: readonly Uint8Array[] = PLACES.map((path) => REPOSITORY.served.get(path)!);
const SEEN = await seenStore();

async function seenStore(): Promise<ReadonlyMap<string, Uint8Array>> {
  const store = new MemoryTrustStore();
  await visit(REPOSITORY.served, store);
  return store.files;
}

async function visit(served: ReadonlyMap<string, Uint8Array>, store: MemoryTrustStore): Promise<unknown> {
  const source = { metadata: async (path: string) => served.get(path) };
  const client = new TufClient({ source, store, factoryRoot: REPOSITORY.factoryRoot });
  const trusted = await client.refresh(epochMillis(NOW), new AbortController().signal);
  const target = await trusted.target('bundles/a/1.json');
  return { versions: trusted.versions, target, issued: client.issued };
}

const WANTED = JSON.stringify(await visit(REPOSITORY.served, new MemoryTrustStore()));
const saysTheSame = (a: Uint8Array, b: Uint8Array) => {
  const [said, known] = [a, b].map((bytes) => canonicalJson(readEnvelope(bytes, 'x', 'listed').signed));
  return said === known;
};

/** @returns whether the bytes were trusted. @throws RangeError when they should not have been; whatever is not ours */
export async function fuzz(bytes: Uint8Array, place: string): Promise<boolean> {
  const served = new Map([...REPOSITORY.served, [place, bytes]]);
  const store = new MemoryTrustStore();
  try {
    const seen = JSON.stringify(await visit(served, store));
    if (seen !== WANTED || !saysTheSame(bytes, REPOSITORY.served.get(place)!))
      throw new RangeError(`a changed ${place} was trusted: ${seen}`);
    return true;
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
    const name = place.replace(/^\d+\./, '');
    const kept = store.read(name);
    if (kept && Buffer.compare(kept, bytes) === 0 && !saysTheSame(bytes, REPOSITORY.served.get(place)!))
      throw new RangeError(`a changed ${place} was stored`);
    return false;
  }
}

/** The same bytes in the node's own store: it recovers, whatever they are. */
export async function fuzzStore(bytes: Uint8Array, name: string): Promise<void> {
  const store = new MemoryTrustStore();
  for (const [file, content] of SEEN) store.files.set(file, content);
  store.files.set(name, bytes);
  const seen = JSON.stringify(await visit(REPOSITORY.served, store));
  if (seen !== WANTED)
    throw new RangeError(`a changed ${name} in the store changed what is trusted: ${seen}`);
}

export const STORED: readonly string[] = [...SEEN.keys()];
export const STORED_SEEDS: readonly Uint8Array[] = [...SEEN.values()];
