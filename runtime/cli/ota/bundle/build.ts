/** `vigie ota bundle build`: from a model to a bundle. */

import { extname } from 'node:path';
import { parseArgs } from 'node:util';
import type { BuildReport } from '../../../../ota/publish/bundle/build.ts';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import { size } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { Progress } from '../progress.ts';
import { bundleParts, LONE_OPTIONS, PART_OPTIONS, type PartValues } from './parts.ts';

export const bundleBuild: OtaAction = {
  help: `Usage: vigie ota bundle build MODEL.onnx --name NAME --release N --threshold X [OPTIONS]
       vigie ota bundle build MANIFEST.json --release N [OPTIONS]

Makes a bundle: one release of one model. The first form is for a model that gives an anomaly score, or
classes of a picture; the manifest is made for it. Any other model has a manifest (docs/manifest.md).

  --release N             whole number, higher than any before under this name: what nodes compare
  -o, --output FOLDER     what to make (default: NAME-N)
  --delta-from BUNDLE     a bundle that nodes may have: files that differ are also kept as the difference
                          (may come several times)
  --provenance FILE       an OpenSSF model-signing file: it is held against the files, and travels along for
                          whoever asks where the model is from; nodes do not look at it
  --provenance-key FILE   public key, PEM, of whoever signed it: its signature must be right

Of a lone model:
  --name NAME             a-z, 0-9, '.', '-'; the same in all its releases
  --threshold X           a score above it is an anomaly; a class counts from it on
  --task TASK             anomaly (default) or classification
  --model-output NAME     which output counts, where there are several
  --model-version V       for people (default: 1.0.N)
  --precision P           float32 (default), float16 or int8
  --plan FILE             a plan that 'vigie model compile' made of it (may come several times)

Golden vectors, which each node runs before it lets the model serve:
  --input FILE            inputs, as for 'vigie model run' (may come several times; default: made up)
  --samples N             how many to make up (default 3)
  --tolerance X           how far an output may be off, as a share of its largest value (default 0.02)
  --no-selftest           none: nodes only see whether the model loads

Which nodes may have it:
  --runtime RANGE         versions of vigie: '>=0.4 <1'
  --board NAME, --arch NAME   device profiles, processors such as arm64 (may come several times)
  --ram BYTES, --disk BYTES   what the model needs beside what the node uses

When a node keeps it (during the trial; the previous model comes back otherwise):
  --window SECONDS        how long it is watched (default 300)
  --min-inferences N      fewer are no evidence: the trial goes on (default 20)
  --max-error-rate X      share of inferences that may fail (default 0.01)
  --max-p95 MS            latency that 95 of 100 inferences must keep to
  --max-rss BYTES         memory of the node's process
  --max-shift X           how far the distribution of its answers may be from the previous model's
  --attempts N            how often a trial may begin: crashes and power cuts count (default 3)

  --json                  print { name, release, digest, output, files, deltas }

Every artifact that this machine can run is held to the golden vectors.

Examples:
  vigie ota bundle build score.onnx --name pump-score --release 1 --threshold 3
  vigie ota bundle build yolox.manifest.json --release 7 --board raspberry-pi-5 --delta-from yolox-6
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...PART_OPTIONS,
        ...LONE_OPTIONS,
        output: { type: 'string', short: 'o' },
        json: { type: 'boolean' },
      },
    });
    const [source] = positionals;
    if (source === undefined || positionals.length > 1)
      throw new UsageError('usage', 'name one ONNX model or one manifest');
    if (!['.onnx', '.json'].includes(extname(source).toLowerCase()))
      throw new UsageError('usage', `${source} is neither an ONNX model (.onnx) nor a manifest (.json)`);
    const say = (text: string) => void (values.json || process.stderr.write(`${text}\n`));
    const parts = await bundleParts(source, values as PartValues, say);
    const { manifest, release } = parts;
    const output = values.output ?? `${manifest.name}-${release}`;
    const { buildBundle } = await import('../../../../ota/publish/bundle/build.ts');
    const clock = new SystemClock();
    const progress = new Progress({ label: 'hashing', total: parts.bytes, now: () => clock.mono() });
    const report = await buildBundle({
      ...parts,
      ...{ output, onBytes: progress.add },
      onStep: (text) => {
        progress.end();
        say(text);
      },
    });
    process.stdout.write(values.json ? `${JSON.stringify(facts(report))}\n` : text(report));
    return 0;
  },
};

function facts({ bundle, digest, directory, deltas }: BuildReport) {
  const { name, release, files } = bundle;
  return { name, release, digest, output: directory, files, deltas };
}

function text({ bundle, digest, directory, deltas }: BuildReport): string {
  const bytes = bundle.files.reduce((sum, { length }) => sum + length, 0);
  const saved = deltas.map(
    ({ path, length, of }) =>
      `delta for ${path}: ${size(length)}, ${Math.round((length / of) * 100)} % of the file\n`,
  );
  return `${directory}: ${bundle.name} ${bundle.release}, ${bundle.files.length} files, ${size(bytes)}
digest ${digest}
${saved.join('')}Next: vigie ota repo add REPO ${directory}
`;
}
