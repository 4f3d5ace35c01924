/** Who this node is, apart from what anybody configures: made once on the card it runs from, of random bytes. */

import { randomBytes } from 'node:crypto';
import { describeError } from '../core/errors.ts';
import { type FileSystem, nodeFileSystem } from '../core/file-system.ts';
import { type Hardware, isSameHardware } from './hardware.ts';
import { DATA } from './places.ts';
import { readBounded } from './read-bounded.ts';
import { type Change, takeOver } from './take-over.ts';

export interface Identity {
  readonly schema: 1;
  /** 16 letters and digits. */
  readonly id: string;
  /** What it was made on. */
  readonly hardware: Hardware;
}

const LIMIT = 64 * 1024;
/** Without letters that are taken for digits, in small letters as host names are. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export function makeIdentity(
  hardware: Hardware,
  random: (size: number) => Uint8Array = randomBytes,
): Identity {
  const id = [...random(16)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return { schema: 1, id, hardware };
}

/** A random UUID of version 4, as systemd makes it. */
function makeMachineId(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex');
}

export const hostNameOf = ({ id }: Pick<Identity, 'id'>): string => `vigie-${id.slice(0, 6)}`;

/** @returns undefined when there is none, or it is damaged: a new one is made then. */
export function readIdentity(data: string, fs: FileSystem = nodeFileSystem): Identity | undefined {
  const bytes = readBounded(fs, `${data}/${DATA.identity}`, LIMIT);
  if (!bytes) return undefined;
  try {
    const identity = JSON.parse(Buffer.from(bytes).toString()) as Identity;
    const valid =
      identity.schema === 1 && /^[0-9a-z]{16}$/.test(identity.id) && Array.isArray(identity.hardware.macs);
    return valid ? identity : undefined;
  } catch {
    return undefined;
  }
}

/** `moved`: the identity was made on another board, and nobody said yet what to make of it. */
export type IdentityState = 'kept' | 'made' | 'moved';

/**
 * @param wish what the person who flashed the card asked for, if anything.
 * @throws StorageError `take-over` when a new one cannot be kept.
 */
export function settleIdentity(
  data: string,
  hardware: Hardware,
  wish: 'new' | 'keep' | undefined,
  fs: FileSystem = nodeFileSystem,
): { identity: Identity; state: IdentityState } {
  const before = readIdentity(data, fs);
  if (before && wish !== 'new') {
    const same = isSameHardware(before.hardware, hardware);
    if (same && isComplete(before.hardware, hardware)) return { identity: before, state: 'kept' };
    if (!same && wish !== 'keep') return { identity: before, state: 'moved' };
    const identity = { ...before, hardware };
    keep(data, identity, [], fs);
    return { identity, state: 'kept' };
  }
  const identity = makeIdentity(hardware);
  keep(data, identity, wish === 'new' ? renewed() : [], fs);
  return { identity, state: 'made' };
}

/** Keys belong to one node: two that share them can stand in for each other. The machine-id counts from the next start. */
function renewed(): Change[] {
  const machineId = Buffer.from(`${makeMachineId(randomBytes(16))}\n`);
  return [
    { path: DATA.sshHostKey },
    { path: `${DATA.sshHostKey}.pub` },
    { path: DATA.machineId, bytes: machineId },
  ];
}

/** A network device that showed up later is known from then on. */
function isComplete(before: Hardware, now: Hardware): boolean {
  return (
    (before.serial ?? now.serial) === before.serial && now.macs.every((mac) => before.macs.includes(mac))
  );
}

function keep(data: string, identity: Identity, also: readonly Change[], fs: FileSystem): void {
  takeOver(data, [{ path: DATA.identity, bytes: Buffer.from(`${JSON.stringify(identity)}\n`) }, ...also], fs);
}

/** Where nothing can be kept (no data partition), one that lasts until the power goes. */
export function settleOrInvent(
  data: string,
  hardware: Hardware,
  wish: 'new' | 'keep' | undefined,
): { identity: Identity; state: IdentityState; problem?: string } {
  try {
    return settleIdentity(data, hardware, wish);
  } catch (error) {
    const problem = `the identity of this node cannot be kept: ${describeError(error)}`;
    return { identity: makeIdentity(hardware), state: 'made', problem };
  }
}
