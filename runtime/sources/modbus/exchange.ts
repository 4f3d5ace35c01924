/** One request and what became of it. */

export type Request =
  | { readonly fn: 1 | 2 | 3 | 4; readonly address: number; readonly count: number }
  | { readonly fn: 5; readonly address: number; readonly on: boolean }
  | { readonly fn: 6; readonly address: number; readonly word: number }
  | { readonly fn: 15; readonly address: number; readonly on: boolean }
  | { readonly fn: 16; readonly address: number; readonly words: readonly number[] }
  | { readonly fn: 22; readonly address: number; readonly and: number; readonly or: number };

/** What a line or a peer can do to a request, apart from answering it. */
export const FAULTS = ['timeout', 'bad-frame', 'checksum', 'disconnected'] as const;
export type Fault = (typeof FAULTS)[number];

export type Outcome =
  /** `data`: the registers or packed coils of a read; empty for a write. */
  | { readonly kind: 'answer'; readonly data: Uint8Array }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: Fault };

const EXCEPTIONS: Readonly<Record<number, string>> = {
  1: 'illegal-function',
  2: 'illegal-address',
  3: 'illegal-value',
  4: 'device-failure',
  5: 'acknowledge',
  6: 'busy',
  7: 'negative-acknowledge',
  8: 'memory-parity',
  10: 'gateway-path',
  11: 'gateway-target',
};

/** `illegal-address` for 2; `code-N` for one the standard does not know. */
export function exceptionName(code: number): string {
  return EXCEPTIONS[code] ?? `code-${code}`;
}

/** The gateway answers for a unit that does not. */
export function isGatewayException(code: number): boolean {
  return code === 10 || code === 11;
}

/** The unit refuses this very request, and will refuse it again. */
export function isRefusal(code: number): boolean {
  return code === 1 || code === 2 || code === 3;
}

/** A smaller request may be accepted: part of the addresses is wrong, or there are too many at once. */
export function isSplittable(code: number): boolean {
  return code === 2 || code === 3;
}

/** A read that only asks whether the unit lives, of another length than `request`: see Bus. */
export function probeFor(request: { fn: 1 | 2 | 3 | 4; address: number; count: number }): Request {
  const { fn, address, count } = request;
  const perAnswerByte = fn < 3 ? 8 : 1;
  const units = Math.ceil(count / perAnswerByte);
  return { fn, address, count: units > 1 ? (units - 1) * perAnswerByte : perAnswerByte + 1 };
}
