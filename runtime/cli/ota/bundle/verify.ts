/** `vigie ota bundle verify`: every byte of a bundle, and with --run what its model answers. */

import { parseArgs } from 'node:util';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import { size } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { Progress } from '../progress.ts';
import { provenanceFor, provenanceLine } from './provenance.ts';

export const bundleVerify: OtaAction = {
  help: `Usage: vigie ota bundle verify BUNDLE [--run] [--provenance-key FILE] [--json]

Hashes every file, block map and delta of a bundle against bundle.json. Says nothing of signatures: a
bundle is signed once it is in a repository.

An OpenSSF model-signing file in it is held against the files that it speaks of.

  --run                  also run the golden vectors, with every artifact that this machine can run
  --provenance-key FILE  public key, PEM, of whoever signed that file: its signature must be right
  --json                 print { name, release, blobs, artifacts: [{ path, backend, why }], provenance }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { run: { type: 'boolean' }, 'provenance-key': { type: 'string' }, json: { type: 'boolean' } },
    });
    const [directory] = positionals;
    if (directory === undefined || positionals.length > 1) throw new UsageError('usage', 'name one bundle');
    const { bytesOf, openBuilt, verifyBuilt } = await import('../../../../ota/publish/bundle/built.ts');
    const clock = new SystemClock();
    const total = bytesOf(openBuilt(directory).bundle);
    const progress = new Progress({ label: 'hashing', total, now: () => clock.mono() });
    const built = await verifyBuilt(directory, progress.add).finally(() => progress.end());
    const { name, release } = built.bundle;
    const provenance = await provenanceFor(built, values['provenance-key']);
    const { runVectors } = await import('../../../../ota/publish/bundle/golden.ts');
    const artifacts = values.run ? await runVectors(built) : [];
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ name, release, blobs: built.blobs.length, artifacts, provenance: provenance ?? null })}\n`,
      );
      return 0;
    }
    process.stdout.write(`${name} ${release}: ${built.blobs.length} blobs, ${size(total)}, all as listed\n`);
    if (provenance) process.stdout.write(`provenance: ${await provenanceLine(provenance)}\n`);
    for (const { path, backend, why } of artifacts)
      process.stdout.write(`${path} on ${backend}: ${why ?? 'answers as the golden vectors say'}\n`);
    return 0;
  },
};
