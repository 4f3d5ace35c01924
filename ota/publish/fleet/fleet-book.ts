/**
 * What nodes say of themselves, and whether to believe it: the first key that a node signs with is its key from then on,
 * and its counter only rises.
 */

import { readJsonFile, writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { decodeReport, type NodeReport } from '../../protocol/report.ts';

/** Why a report was not believed. */
export type Doubt =
  /** No report, or its signature is not good. */
  | 'unsigned'
  /** A good report of another node. */
  | 'misplaced'
  /** Signed with another key than before: the node was set up anew, or somebody speaks in its place. */
  | 'other-key'
  /** Older than one that was seen. */
  | 'replayed';

export interface KnownNode {
  readonly key: string;
  readonly counter: number;
}

export interface NodeView {
  readonly node: string;
  /** The last one that was believed. */
  readonly report: NodeReport | undefined;
  readonly doubts: readonly Doubt[];
}

const MODE = 0o644;

export class FleetBook {
  readonly #known: Map<string, KnownNode>;
  readonly #views = new Map<string, NodeView>();

  constructor(known: Readonly<Record<string, KnownNode>> = {}) {
    this.#known = new Map(Object.entries(known));
  }

  /** @throws StorageError `state-read`; InputError `ota-fleet-invalid` */
  static load(path: string): FleetBook {
    const json = readJsonFile(path);
    if (json === undefined) return new FleetBook();
    const { v, nodes } = json as { v?: unknown; nodes?: Record<string, KnownNode> };
    const right =
      v === 1 &&
      typeof nodes === 'object' &&
      nodes !== null &&
      Object.values(nodes).every((one) => typeof one?.key === 'string' && Number.isSafeInteger(one.counter));
    if (right) return new FleetBook(nodes);
    throw new InputError(
      'ota-fleet-invalid',
      `${path} is damaged: remove it to trust the keys that nodes have now`,
    );
  }

  save(path: string): void {
    const nodes = Object.fromEntries([...this.#known].sort(byName));
    writeFileAtomic(path, `${JSON.stringify({ v: 1, nodes }, undefined, 1)}\n`, MODE);
  }

  /** By name. */
  get nodes(): readonly NodeView[] {
    return [...this.#views].sort(byName).map(([, view]) => view);
  }

  /** Those that were believed. */
  get reports(): readonly NodeReport[] {
    return this.nodes.flatMap(({ report }) => report ?? []);
  }

  /** A message from the topic of `node`. An empty one takes the node off the list: so retained ones are removed. */
  take(node: string, bytes: Uint8Array): void {
    if (bytes.length === 0) {
      this.#views.delete(node);
      return;
    }
    const report = decodeReport(bytes);
    const before = this.#views.get(node);
    const doubt = this.#doubt(node, report);
    if (doubt) {
      const doubts = [...new Set([...(before?.doubts ?? []), doubt])];
      this.#views.set(node, { node, report: before?.report, doubts });
      return;
    }
    this.#known.set(node, { key: report!.key, counter: report!.counter });
    this.#views.set(node, { node, report, doubts: before?.doubts ?? [] });
  }

  /** The key that the node signs with next is its key, whatever it was: for one that was set up anew. */
  forget(node: string): boolean {
    return this.#known.delete(node);
  }

  #doubt(node: string, report: NodeReport | undefined): Doubt | undefined {
    if (!report) return 'unsigned';
    if (report.node !== node) return 'misplaced';
    const known = this.#known.get(node);
    if (known && known.key !== report.key) return 'other-key';
    return known && report.counter < known.counter ? 'replayed' : undefined;
  }
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
  one < other ? -1 : 1;
