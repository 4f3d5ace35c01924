/**
 * A TUF repository in memory, for tests: honest by itself, and open to every lie. What it says stands in `says` until
 * `publish` signs it; what it serves stands in `served`. Keys follow from their names, so every run has the same bytes.
 */

import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { canonicalBytes } from '../../ota/client/tuf/canonical-json.ts';
import { ed25519KeyJson, type KeyJson, keyIdOf } from '../../ota/client/tuf/keys.ts';
import type { MetadataSource } from '../../ota/client/tuf/parts.ts';
import type { JsonValue } from '../../ota/client/tuf/strict-json.ts';

/** Metadata before it is signed: tests change it as they like. */
// biome-ignore lint/suspicious/noExplicitAny: tests write every shape that metadata must not have
export type Says = any;

export interface Signer {
  readonly keyId: string;
  readonly json: KeyJson;
  readonly key: KeyObject;
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export function signer(name: string): Signer {
  const seed = createHash('sha256').update(name).digest();
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const json = ed25519KeyJson(key);
  return { keyId: keyIdOf(json), json, key };
}

export function signatureOf(signed: JsonValue, { keyId, key }: Signer): { keyid: string; sig: string } {
  return { keyid: keyId, sig: sign(null, canonicalBytes(signed), key).toString('hex') };
}

/** Bytes of a metadata file. */
export function sealed(says: Says, signers: readonly Signer[]): Uint8Array {
  // Without what JSON has no word for.
  const signed = JSON.parse(JSON.stringify(says));
  const signatures = signers.map((by) => signatureOf(signed, by));
  return Buffer.from(JSON.stringify({ signatures, signed }));
}

export interface DelegationOptions {
  readonly paths: readonly string[];
  readonly terminating?: boolean;
  /** Whose delegation; top-level targets by default. */
  readonly by?: string;
  readonly signers?: readonly Signer[];
  readonly threshold?: number;
}

export const EXPIRES = '2030-01-01T00:00:00Z';
/** When tests refresh, milliseconds. */
export const NOW = Date.parse('2027-01-01T00:00:00Z');

export class TufRepository implements MetadataSource {
  /** By role: what it will say when it is published. */
  readonly says: Record<string, Says> = {};
  /** By role: who signs it. */
  readonly signers: Record<string, readonly Signer[]> = {
    root: [signer('root-a'), signer('root-b'), signer('root-c')],
    timestamp: [signer('timestamp')],
    snapshot: [signer('snapshot')],
    targets: [signer('targets-a'), signer('targets-b'), signer('targets-c')],
  };
  /** By path. */
  readonly served = new Map<string, Uint8Array>();
  readonly asked: string[] = [];

  constructor() {
    const role = (name: string, threshold: number) => ({
      keyids: this.signers[name]!.map(({ keyId }) => keyId),
      threshold,
    });
    this.says.root = {
      ...header('root'),
      consistent_snapshot: true,
      keys: keysOf(Object.values(this.signers).flat()),
      roles: {
        root: role('root', 2),
        timestamp: role('timestamp', 1),
        snapshot: role('snapshot', 1),
        targets: role('targets', 2),
      },
    };
    this.says.timestamp = { ...header('timestamp'), meta: {} };
    this.says.snapshot = { ...header('snapshot'), meta: {} };
    this.says.targets = { ...header('targets'), targets: {}, delegations: { keys: {}, roles: [] } };
    this.sign('root');
    this.publish();
  }

  /** The root as a node has it from the factory. */
  get factoryRoot(): Uint8Array {
    return this.served.get('1.root.json')!;
  }

  /** Signs one role as it stands, serves it, and pins it in its parent. */
  sign(role: string): Uint8Array {
    const bytes = sealed(this.says[role], this.signers[role]!);
    const { version } = this.says[role];
    this.served.set(role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`, bytes);
    const parent = { root: undefined, timestamp: undefined, snapshot: 'timestamp' }[role] ?? 'snapshot';
    if (role !== 'root' && role !== 'timestamp') this.says[parent].meta[`${role}.json`] = pin(version, bytes);
    return bytes;
  }

  /** Signs the named roles (targets by default) and those above them, each under its next version after the first time. */
  publish(...roles: readonly string[]): void {
    const first = !this.served.has('timestamp.json');
    for (const role of [...(roles.length > 0 ? roles : ['targets']), 'snapshot', 'timestamp']) {
      if (!first) this.says[role].version++;
      this.sign(role);
    }
  }

  /** A further root: says what `change` makes of it. */
  publishRoot(change: (root: Says) => void = () => {}): Uint8Array {
    this.says.root.version++;
    change(this.says.root);
    return this.sign('root');
  }

  /** Gives a top-level role other keys in the next root, which is for the caller to publish. */
  setKeys(role: string, signers: readonly Signer[], threshold = 1): void {
    this.signers[role] = signers;
    Object.assign(this.says.root.keys, keysOf(signers));
    this.says.root.roles[role] = { keyids: signers.map(({ keyId }) => keyId), threshold };
  }

  addTarget(path: string, content: string | Uint8Array, role = 'targets'): void {
    const bytes = Buffer.from(content);
    this.says[role].targets[path] = { length: bytes.length, hashes: { sha256: sha256(bytes) } };
  }

  /** A delegated role, empty until addTarget; to be published together with who delegates. */
  delegate(role: string, options: DelegationOptions): void {
    const { paths, terminating = false, by = 'targets', threshold = 1 } = options;
    const signers = options.signers ?? [signer(role)];
    this.signers[role] ??= signers;
    this.says[role] ??= {
      ...header('targets'),
      version: 0,
      targets: {},
      delegations: { keys: {}, roles: [] },
    };
    const { delegations } = this.says[by];
    Object.assign(delegations.keys, keysOf(signers));
    const keyids = signers.map(({ keyId }) => keyId);
    delegations.roles.push({ name: role, keyids, threshold, paths: [...paths], terminating });
  }

  async metadata(path: string, _mostBytes: number, _signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.asked.push(path);
    return this.served.get(path);
  }
}

export function keysOf(signers: readonly Signer[]): Record<string, KeyJson> {
  return Object.fromEntries(signers.map(({ keyId, json }) => [keyId, json]));
}

export function pin(version: number, bytes: Uint8Array): Says {
  return { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function header(type: string): Says {
  return { _type: type, spec_version: '1.0.34', version: 1, expires: EXPIRES };
}
