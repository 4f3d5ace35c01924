/** OpenSSF model-signing files, as its command writes them with a key pair. */

import { createHash, type KeyObject, sign } from 'node:crypto';

export interface SigningOptions {
  readonly privateKey: KeyObject;
  /** Name to content. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** The hash that goes with the curve. */
  readonly hash?: string;
  readonly hint?: string;
  readonly statement?: (statement: Record<string, unknown>) => Record<string, unknown>;
}

const TYPE = 'application/vnd.in-toto+json';

export function modelSignature({
  privateKey,
  files,
  hash = 'sha256',
  hint,
  statement,
}: SigningOptions): Buffer {
  const whole = createHash('sha256');
  const resources = Object.keys(files)
    .sort()
    .map((name) => {
      const digest = createHash('sha256').update(files[name]!).digest();
      whole.update(digest);
      return { name, digest: digest.toString('hex'), algorithm: 'sha256' };
    });
  const plain = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'pump-model', digest: { sha256: whole.digest('hex') } }],
    predicateType: 'https://model_signing/signature/v1.0',
    predicate: {
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ignore_paths: ['.git'] },
      resources,
    },
  };
  const payload = Buffer.from(JSON.stringify(statement ? statement(plain) : plain, undefined, 2));
  const data = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);
  const sig = sign(hash, data, privateKey).toString('base64');
  return Buffer.from(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: hint ?? '' }, tlogEntries: [] },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType: TYPE,
        signatures: [{ sig, keyid: '' }],
      },
    }),
  );
}
