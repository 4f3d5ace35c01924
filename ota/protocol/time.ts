/**
 * The time by MQTT: a node sends a nonce, whoever holds the time key signs nonce and time. The key's own trust comes
 * from root; who verifies is the client's clock.
 *
 *   request   u8 version · 16 bytes of nonce
 *   reply     u8 version · 16 bytes of nonce · u64 milliseconds since 1970 · 32 bytes of KEYID · 64 bytes of signature
 */

import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { type EpochMillis, epochMillis } from '../../runtime/core/units.ts';

export const NONCE_BYTES = 16;
const VERSION = 1;
const REQUEST_BYTES = 1 + NONCE_BYTES;
const UNSIGNED_BYTES = REQUEST_BYTES + 8;
const KEY_ID_BYTES = 32;
const REPLY_BYTES = UNSIGNED_BYTES + KEY_ID_BYTES + 64;
/** No other message that an ed25519 key may sign starts like this. */
const DOMAIN = Buffer.from('vigie-time/1\0', 'latin1');
/** Year 9999: what a date can still print. */
const MOST_MILLIS = 253_402_300_799_999;

export interface TimeReply {
  readonly nonce: Uint8Array;
  readonly time: EpochMillis;
  /** KEYID of TUF, lower-case hexadecimal: which key claims to have signed. */
  readonly keyId: string;
  /** Of ed25519, over `signed`. */
  readonly signature: Uint8Array;
  readonly signed: Uint8Array;
}

export interface TimeKey {
  readonly keyId: string;
  /** Private, ed25519. */
  readonly key: KeyObject;
}

export const newNonce = (): Uint8Array => randomBytes(NONCE_BYTES);

export function encodeTimeRequest(nonce: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(VERSION), nonce]);
}

/** @returns the nonce; undefined for what is no request. */
export function decodeTimeRequest(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === REQUEST_BYTES && bytes[0] === VERSION ? bytes.slice(1) : undefined;
}

export function encodeTimeReply(nonce: Uint8Array, time: EpochMillis, { keyId, key }: TimeKey): Uint8Array {
  const unsigned = Buffer.alloc(UNSIGNED_BYTES);
  unsigned[0] = VERSION;
  unsigned.set(nonce, 1);
  unsigned.writeBigUInt64BE(BigInt(Math.trunc(time)), REQUEST_BYTES);
  return Buffer.concat([unsigned, Buffer.from(keyId, 'hex'), sign(null, withDomain(unsigned), key)]);
}

/** @returns what the reply claims, nothing of it verified; undefined for what is no reply. */
export function decodeTimeReply(bytes: Uint8Array): TimeReply | undefined {
  if (bytes.length !== REPLY_BYTES || bytes[0] !== VERSION) return undefined;
  const reply = Buffer.from(bytes);
  const time = Number(reply.readBigUInt64BE(REQUEST_BYTES));
  if (time > MOST_MILLIS) return undefined;
  return {
    nonce: reply.subarray(1, REQUEST_BYTES),
    time: epochMillis(time),
    keyId: reply.toString('hex', UNSIGNED_BYTES, UNSIGNED_BYTES + KEY_ID_BYTES),
    signature: reply.subarray(UNSIGNED_BYTES + KEY_ID_BYTES),
    signed: withDomain(reply.subarray(0, UNSIGNED_BYTES)),
  };
}

function withDomain(unsigned: Uint8Array): Uint8Array {
  return Buffer.concat([DOMAIN, unsigned]);
}
