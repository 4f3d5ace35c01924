/** What a group of nodes shall run: assign/GROUP.json, signed by the deploy role. */

import type { Sha256 } from './bundle.ts';

export interface AssignedRelease {
  /** Of the bundle. */
  readonly name: string;
  readonly release: number;
  /** Of the group's nodes, 0 to 100; which ones follows from a hash (see `inWave`). */
  readonly percent: number;
  /** A node that knows no trusted time may try it all the same. */
  readonly offlineOk: boolean;
  /** Trials start only in these hours of the day, UTC: [from, to), which may pass midnight; none given: at any time. */
  readonly window?: { readonly from: number; readonly to: number };
}

export interface Assignment {
  readonly _type: 'vigie-assignment';
  readonly v: 1;
  readonly group: string;
  readonly releases: readonly AssignedRelease[];
  /** Digests of bundle.json that no node may start any more. */
  readonly blocked: readonly Sha256[];
  /** vigie.yaml as the group shall run it, a blob of at most 1 MiB. */
  readonly configuration?: { readonly sha256: Sha256; readonly length: number };
}
