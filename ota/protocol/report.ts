/** What a node says of itself on `state/NODE` (retained): signed with its own key, so that no other node can say it. */

import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Sha256 } from '../bundle/bundle.ts';
import { canonicalBytes } from '../client/tuf/canonical-json.ts';
import { fieldsOf, textIn } from '../client/tuf/fields.ts';
import { type JsonObject, readStrictJson } from '../client/tuf/strict-json.ts';
import { readReport } from './read-report.ts';

export type TimeTrust = 'NONE' | 'FLOOR' | 'SIGNED' | 'NTP';

export interface ReportedRelease {
  readonly release: number;
  readonly digest: Sha256;
}

export interface ReportedModel {
  readonly name: string;
  readonly active: ReportedRelease | null;
  readonly previous: ReportedRelease | null;
  readonly trial: (ReportedRelease & { readonly attemptsLeft: number }) | null;
  readonly staged: ReportedRelease | null;
  /** The highest release that was committed here: below it nothing is installed from outside. 0: none was. */
  readonly floor: number;
  /** What runs now where that is not `active`: a trial, or an earlier release since `active` does not load; null: nothing. */
  readonly serving: ReportedRelease | null;
  /** Why it does not serve as it should; null when it does. */
  readonly trouble: string | null;
  readonly blocked: readonly Sha256[];
  readonly pinned: boolean;
  /** The last release that was rolled back or refused, and why; null after a commit. */
  readonly refused: (ReportedRelease & { readonly code: string; readonly reason: string }) | null;
}

export interface NodeReport {
  readonly _type: 'vigie-node-state';
  readonly v: 1;
  readonly node: string;
  /** Whose assignment it follows. */
  readonly group: string;
  /** The ed25519 public key that signed this, 64 hexadecimal digits. */
  readonly key: string;
  /** Rises with every report, also over restarts: an older one is a replay. */
  readonly counter: number;
  /** Milliseconds since 1970 by the clock that `timeTrust` speaks of. */
  readonly time: number;
  readonly timeTrust: TimeTrust;
  readonly runtime: string;
  readonly models: readonly ReportedModel[];
  /** Of the configuration that was pushed and is in use; null when none was. */
  readonly configuration: Sha256 | null;
  /** Versions of trusted metadata by role. */
  readonly metadata: Readonly<Record<string, number>>;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  /** Something was refused that no honest repository or broker sends. */
  readonly attack: boolean;
}

const MOST_BYTES = 65_536;

/** @param key the node's private ed25519 key, whose public half `report.key` is. */
export function encodeReport(report: NodeReport, key: KeyObject): Uint8Array {
  const signed = report as unknown as JsonObject;
  const signature = sign(null, withDomain(canonicalBytes(signed)), key).toString('hex');
  return canonicalBytes({ signed, signature });
}

/**
 * @returns undefined for what is no report, or is not signed by the key that it names. Whether that key is the node's,
 *   and the counter higher than the last one's, is for the reader to know.
 */
export function decodeReport(bytes: Uint8Array): NodeReport | undefined {
  try {
    const { signed, signature } = fieldsOf(
      readStrictJson(bytes, { what: 'a report', mostBytes: MOST_BYTES, fractions: true }),
      'a report',
    );
    const report = fieldsOf(signed, 'a report');
    if (typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) return undefined;
    const data = withDomain(canonicalBytes(report));
    const key = publicKeyOf(textIn(report, 'key', 'a report'));
    return verify(null, data, key, Buffer.from(signature, 'hex')) ? readReport(report) : undefined;
  } catch {
    return undefined;
  }
}

/** 64 hexadecimal digits. @param key public or private. */
export function publicKeyText(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
}

function publicKeyOf(text: string): KeyObject {
  const x = Buffer.from(text, 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** No other message that an ed25519 key may sign starts like this. */
function withDomain(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('vigie-node-state/1\0', 'latin1'), bytes]);
}
