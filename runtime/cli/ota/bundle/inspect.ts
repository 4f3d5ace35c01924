/** `vigie ota bundle inspect`: what a bundle holds and asks of a node. */

import { parseArgs } from 'node:util';
import type { VerifiedBundle } from '../../../../ota/bundle/bundle.ts';
import { UsageError } from '../../../core/errors.ts';
import { size, table } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { provenanceFor, provenanceLine } from './provenance.ts';

export const bundleInspect: OtaAction = {
  help: `Usage: vigie ota bundle inspect BUNDLE [--provenance-key FILE] [--json]

Prints what bundle.json says; of its files only an OpenSSF model-signing file is read, and held against
what bundle.json lists ('vigie ota bundle verify' reads all of them).

  --provenance-key FILE  public key, PEM, of whoever signed that file: its signature must be right
  --json                 print { digest, bundle, provenance }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { 'provenance-key': { type: 'string' }, json: { type: 'boolean' } },
    });
    const [directory] = positionals;
    if (directory === undefined || positionals.length > 1) throw new UsageError('usage', 'name one bundle');
    const { openBuilt } = await import('../../../../ota/publish/bundle/built.ts');
    const { bundleDigest } = await import('../../../../ota/bundle/read-bundle.ts');
    const built = openBuilt(directory);
    const { bundle, bytes } = built;
    const digest = bundleDigest(bytes);
    const provenance = await provenanceFor(built, values['provenance-key']);
    const said = provenance ? await provenanceLine(provenance) : 'none';
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ digest, bundle, provenance: provenance ?? null })}\n`
        : text(bundle, digest, said),
    );
    return 0;
  },
};

function text(bundle: VerifiedBundle, digest: string, provenance: string): string {
  const { name, release, version, files, deltas, requires, selftest, health, trial } = bundle;
  const rows = files.map(({ path, length, sha256 }) => [path, size(length), sha256.slice(0, 16)]);
  const deltaRows = deltas.map((delta) => [delta.path, size(delta.length), delta.from.slice(0, 16)]);
  const wanted = Object.entries(requires).map(([what, value]) => `${what} ${[value].flat().join(' or ')}`);
  const gate = Object.entries(health).map(([what, value]) => `${what} ${value}`);
  const parts = [
    `${name} ${release} (version ${version})\ndigest ${digest}\n`,
    table(['file', 'size', 'sha256'], rows),
    ...(deltas.length > 0 ? [table(['delta for', 'size', 'from sha256'], deltaRows)] : []),
    `for: ${wanted.join(', ') || 'any node'}
self-test: ${selftest ? `${selftest.vectors}, outputs may be off by ${selftest.tolerance} of their range` : 'none'}
health gate: ${gate.join(', ')}
trial: ${trial.attempts} attempts
provenance: ${provenance}
`,
  ];
  return parts.join('\n');
}
