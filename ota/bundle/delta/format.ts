/**
 * bsub1+gzip: how a file is made out of an earlier one. Of retrained weights most bytes differ a little or not at all:
 * their differences, byte by byte modulo 256, compress where the weights themselves do not. The gzip stream holds,
 * big-endian,
 *
 *   8 bytes "VGBSUB1\0" · u64 bytes of the file · segments, one after the other, until the file is complete
 *
 *   COPY  u8 1 · u32 length · u64 offset in the base                      those bytes of the base
 *   SUB   u8 2 · u32 length · u64 offset in the base · length bytes       those bytes of the base plus these
 *   NEW   u8 3 · u32 length · length bytes                                these
 *
 * Nothing in it is trusted: what it makes is checked block by block against hashes that were signed.
 */

export const DELTA_MAGIC = Buffer.from('VGBSUB1\0', 'latin1');
export const DELTA_HEADER_BYTES = 16;
export const COPY = 1;
export const SUB = 2;
export const NEW = 3;
/** Of one segment's length. */
export const MOST_SEGMENT = 2 ** 32 - 1;
/** A segment costs a reader more than its bytes do. */
export const MOST_SEGMENTS = 1_000_000;

export interface SegmentHead {
  readonly kind: typeof COPY | typeof SUB | typeof NEW;
  /** Bytes of the file that it makes, at least 1. */
  readonly length: number;
  /** In the base; 0 for NEW. */
  readonly from: number;
}

/** Bytes of a head, by its first byte; undefined where there is no such kind. */
export function headBytes(kind: number): number | undefined {
  if (kind === COPY || kind === SUB) return 13;
  return kind === NEW ? 5 : undefined;
}

export function encodeHead({ kind, length, from }: SegmentHead): Uint8Array {
  const head = Buffer.alloc(headBytes(kind)!);
  head[0] = kind;
  head.writeUInt32BE(length, 1);
  if (kind !== NEW) head.writeBigUInt64BE(BigInt(from), 5);
  return head;
}

/** @param head as long as `headBytes` says. */
export function decodeHead(head: Buffer): SegmentHead {
  const kind = head[0] as SegmentHead['kind'];
  return {
    kind,
    length: head.readUInt32BE(1),
    from: kind === NEW ? 0 : Number(head.readBigUInt64BE(5)),
  };
}
