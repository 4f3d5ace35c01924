/** A repository as of one refresh: what it says of targets, its delegated roles fetched as they are needed. */

import type { Delegation, Root, TargetFile, Targets } from './metadata.ts';
import type { MetadataFiles } from './metadata-files.ts';
import type { TrustedTarget } from './parts.ts';
import type { TufPolicy } from './policy.ts';
import { malformed } from './strict-json.ts';
import type { TrustedSet } from './trusted-set.ts';

interface Visit {
  readonly role: string;
  readonly depth: number;
  /** Not known yet where a delegation leads to it. */
  readonly load: () => Promise<Targets>;
}

export class TrustedRepository {
  readonly #trusted: TrustedSet;
  readonly #files: MetadataFiles;
  readonly #policy: TufPolicy;
  /** By who delegated, not by name alone: what one delegator's keys vouch for is nothing to another's. */
  readonly #delegated = new Map<Delegation, Targets>();

  constructor(trusted: TrustedSet, files: MetadataFiles, policy: TufPolicy) {
    this.#trusted = trusted;
    this.#files = files;
    this.#policy = policy;
  }

  get root(): Root {
    return this.#trusted.root;
  }

  /** Of the metadata that is trusted now, by role; delegated ones as the snapshot lists them. */
  get versions(): Readonly<Record<string, number>> {
    const { root, timestamp, snapshot } = this.#trusted;
    const listed = [...snapshot.roles].map(([role, { version }]) => [role, version] as const);
    return Object.fromEntries([
      ...listed,
      ['root', root.version],
      ['timestamp', timestamp.version],
      ['snapshot', snapshot.version],
    ]);
  }

  /** @returns undefined when no role that speaks for `path` lists it. @throws as TufClient.refresh */
  async target(path: string): Promise<TrustedTarget | undefined> {
    const file = await this.targetFile(path);
    if (!file) return undefined;
    const { sha256 } = file.hashes;
    if (sha256 === undefined) throw malformed(path, 'is listed without sha256');
    return { path, length: file.length, sha256 };
  }

  /**
   * §5.6.7: depth first and in order, each role once. Where a terminating delegation covers the path, nothing after it
   * is asked. A role that cannot be had or trusted ends the search: those after it must not speak in its place.
   * @throws as TufClient.refresh
   */
  async targetFile(path: string): Promise<TargetFile | undefined> {
    const { targets } = this.#trusted;
    const visited = new Set<string>();
    const stack: Visit[] = [{ role: 'targets', depth: 0, load: async () => targets }];
    for (let visit = stack.pop(); visit; visit = stack.pop()) {
      const { role, depth, load } = visit;
      if (visited.has(role)) continue;
      // §5.6.7.1: an attacker's delegations must not keep the node busy.
      if (visited.size >= this.#policy.mostRoles) return undefined;
      visited.add(role);
      const found = await load();
      const file = found.targets.get(path);
      if (file) return file;
      if (depth >= this.#policy.mostDepth) continue;
      const below: Visit[] = [];
      for (const delegation of found.delegations) {
        if (!delegation.covers(path)) continue;
        const next = delegation.role;
        below.push({ role: next, depth: depth + 1, load: () => this.#delegatedBy(role, delegation) });
        if (!delegation.terminating) continue;
        stack.length = 0;
        break;
      }
      stack.push(...below.reverse());
    }
    return undefined;
  }

  async #delegatedBy(delegator: string, delegation: Delegation): Promise<Targets> {
    const { role } = delegation;
    const before = this.#delegated.get(delegation);
    if (before) return before;
    const by = { name: `${delegator}.json`, keys: delegation };
    this.#trusted.requireOneDelegator(role, by.name);
    let targets: Targets | undefined;
    await this.#files.load(role, this.#trusted, (bytes) => {
      targets = this.#trusted.readDelegated(role, by, bytes);
    });
    this.#delegated.set(delegation, targets!);
    return targets!;
  }
}
