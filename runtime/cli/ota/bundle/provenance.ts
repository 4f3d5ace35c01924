/** The OpenSSF model-signing file of a bundle, for `inspect` and `verify`. */

import type { BuiltBundle } from '../../../../ota/publish/bundle/built.ts';
import type { ProvenanceReport } from '../../../../ota/publish/bundle/provenance.ts';
import { InputError } from '../../../core/errors.ts';

/** @param keyFile whose signature it must have. @throws as checkProvenance; InputError `ota-provenance-key`, `ota-no-provenance` */
export async function provenanceFor(
  built: BuiltBundle,
  keyFile: string | undefined,
): Promise<ProvenanceReport | undefined> {
  const { provenanceOf } = await import('../../../../ota/publish/bundle/built.ts');
  const { readProvenanceKey } = await import('../../../../ota/publish/bundle/provenance.ts');
  const key = keyFile === undefined ? undefined : readProvenanceKey(keyFile);
  const report = provenanceOf(built, key);
  if (report || !key) return report;
  const { name, release } = built.bundle;
  throw new InputError('ota-no-provenance', `${name} ${release} has no model-signing file to verify`);
}

export async function provenanceLine(report: ProvenanceReport): Promise<string> {
  const { provenanceText } = await import('../../../../ota/publish/bundle/provenance.ts');
  return provenanceText(report);
}
