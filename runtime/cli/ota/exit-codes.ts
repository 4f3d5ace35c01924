/** How `vigie ota` ends, so that a script can tell what went wrong without reading what was printed. */

import { UsageError, VigieError } from '../../core/errors.ts';

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  noUpdate: 10,
  signature: 20,
  expired: 21,
  rollback: 22,
  mismatch: 23,
  incompatible: 24,
  transport: 30,
  disk: 31,
  health: 40,
} as const;

export const EXIT_HELP = `Exit status: 0 done, 1 failure, 2 the command line was not understood; 10 there is no update;
refused because of 20 a signature or key, 21 expiry or time, 22 an older version, 23 content that
is not what was signed, 24 not for this node; 30 broker or network, 31 disk, 40 the model failed
its test or trial (on a node: it was rolled back).
`;

const CODES: Readonly<Record<string, number>> = {
  'ota-no-update': EXIT.noUpdate,
  'ota-not-staged': EXIT.noUpdate,
  // Signatures and keys.
  'ota-signature': EXIT.signature,
  'ota-threshold': EXIT.signature,
  'ota-no-root': EXIT.signature,
  'ota-passphrase': EXIT.signature,
  'ota-key-role': EXIT.signature,
  'ota-key-missing': EXIT.signature,
  'ota-key-invalid': EXIT.signature,
  'ota-key-twice': EXIT.signature,
  'ota-key-unknown': EXIT.signature,
  'ota-keys-few': EXIT.signature,
  // Expiry and time.
  'ota-expired': EXIT.expired,
  'ota-untrusted-time': EXIT.expired,
  'ota-time-reply': EXIT.expired,
  'ota-outside-hours': EXIT.expired,
  // Older than what was there.
  'ota-rollback': EXIT.rollback,
  'ota-no-previous': EXIT.rollback,
  'ota-blocked': EXIT.rollback,
  // Content.
  'ota-mismatch': EXIT.mismatch,
  'ota-malformed': EXIT.mismatch,
  'ota-missing': EXIT.mismatch,
  'ota-incomplete': EXIT.mismatch,
  'ota-too-long': EXIT.mismatch,
  'ota-bad-hash': EXIT.mismatch,
  'ota-bad-delta': EXIT.mismatch,
  'ota-bad-block-map': EXIT.mismatch,
  'ota-blob-missing': EXIT.mismatch,
  'ota-blob-gone': EXIT.mismatch,
  'ota-no-target': EXIT.mismatch,
  'ota-no-blob': EXIT.mismatch,
  'ota-request-other': EXIT.mismatch,
  'vectors-invalid': EXIT.mismatch,
  'manifest-invalid': EXIT.mismatch,
  // Not for this node.
  'ota-incompatible': EXIT.incompatible,
  'manifest-newer': EXIT.incompatible,
  'model-newer': EXIT.incompatible,
  'bundle-no-backend': EXIT.incompatible,
  // Broker and network.
  'ota-transport': EXIT.transport,
  'node-unreachable': EXIT.transport,
  // Disk.
  'ota-disk-full': EXIT.disk,
  'ota-disk-lies': EXIT.disk,
  'ota-repository-read': EXIT.disk,
  'ota-repository-busy': EXIT.disk,
  'ota-store-busy': EXIT.disk,
  'state-read': EXIT.disk,
  'state-write': EXIT.disk,
  // The model itself.
  'ota-vectors-differ': EXIT.health,
  'ota-rolled-back': EXIT.health,
  'ota-unhealthy': EXIT.health,
  'ota-rollout-aborted': EXIT.health,
  'no-backend': EXIT.health,
  'bad-model': EXIT.health,
  'model-unsupported': EXIT.health,
  'model-inputs': EXIT.health,
  'model-outputs': EXIT.health,
  'model-task': EXIT.health,
  'model-run': EXIT.health,
  'serve-timeout': EXIT.health,
};

/** All of a self-test's codes say the same to a script: this model is not good. */
const SELFTEST = /^selftest-/;

/** The exit status that an error of `vigie ota` ends with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof VigieError)) return EXIT.failure;
  const { code } = error;
  if (Object.hasOwn(CODES, code)) return CODES[code]!;
  return SELFTEST.test(code) ? EXIT.health : EXIT.failure;
}
