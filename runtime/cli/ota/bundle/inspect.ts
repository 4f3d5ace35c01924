/** `vigie ota bundle inspect`: what a bundle holds and asks of a node. */

import { parseArgs } from 'node:util';
import type { VerifiedBundle } from '../../../../ota/bundle/bundle.ts';
import { UsageError } from '../../../core/errors.ts';
import { size, table } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';

export const bundleInspect: OtaAction = {
  help: `Usage: vigie ota bundle inspect BUNDLE [--json]

Prints what bundle.json says; its files are not read ('vigie ota bundle verify' reads all of them).

  --json   print { digest, bundle }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [directory] = positionals;
    if (directory === undefined || positionals.length > 1) throw new UsageError('usage', 'name one bundle');
    const { openBuilt } = await import('../../../../ota/publish/bundle/built.ts');
    const { bundleDigest } = await import('../../../../ota/bundle/read-bundle.ts');
    const { bundle, bytes } = openBuilt(directory);
    const digest = bundleDigest(bytes);
    process.stdout.write(values.json ? `${JSON.stringify({ digest, bundle })}\n` : text(bundle, digest));
    return 0;
  },
};

function text(bundle: VerifiedBundle, digest: string): string {
  const { name, release, version, files, deltas, requires, selftest, health, trial, provenance } = bundle;
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
provenance: ${provenance ?? 'none'}
`,
  ];
  return parts.join('\n');
}
