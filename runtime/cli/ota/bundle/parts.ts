/** From the command line of `vigie ota bundle build` to what a bundle is made of. */

import { readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import type { Manifest } from '../../../../ota/bundle/manifest.ts';
import type { BuildOptions } from '../../../../ota/publish/bundle/build.ts';
import { InputError, UsageError } from '../../../core/errors.ts';
import { goldenInputs } from '../../model/differences.ts';
import { wholeNumber } from '../repo/words.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

export const PART_OPTIONS = {
  release: { type: 'string' },
  'delta-from': { type: 'string', multiple: true },
  provenance: { type: 'string' },
  'provenance-key': { type: 'string' },
  input: { type: 'string', multiple: true },
  samples: { type: 'string', default: '3' },
  tolerance: { type: 'string', default: '0.02' },
  'no-selftest': { type: 'boolean' },
  runtime: { type: 'string' },
  board: { type: 'string', multiple: true },
  arch: { type: 'string', multiple: true },
  ram: { type: 'string' },
  disk: { type: 'string' },
  window: { type: 'string', default: '300' },
  'min-inferences': { type: 'string', default: '20' },
  'max-error-rate': { type: 'string', default: '0.01' },
  'max-p95': { type: 'string' },
  'max-rss': { type: 'string' },
  'max-shift': { type: 'string' },
  attempts: { type: 'string', default: '3' },
} as const satisfies Options;

/** For a model without a manifest alone. */
export const LONE_OPTIONS = {
  name: { type: 'string' },
  threshold: { type: 'string' },
  task: { type: 'string' },
  'model-output': { type: 'string' },
  'model-version': { type: 'string' },
  precision: { type: 'string' },
  plan: { type: 'string', multiple: true },
} as const satisfies Options;

type Values<T extends Options> = {
  readonly [K in keyof T]?: T[K] extends { type: 'boolean' }
    ? boolean | undefined
    : T[K] extends { multiple: true }
      ? string[] | undefined
      : string | undefined;
};
export type PartValues = Values<typeof PART_OPTIONS & typeof LONE_OPTIONS>;

/** All but where the bundle goes and who is told of it; `bytes`: what will be hashed, about. */
export type BundleParts = Omit<BuildOptions, 'output' | 'onBytes' | 'onStep'> & { readonly bytes: number };

/** @throws UsageError; InputError `manifest-invalid`, `ota-manifest-needed`. */
export async function bundleParts(
  source: string,
  values: PartValues,
  say: (text: string) => void,
): Promise<BundleParts> {
  if (values.release === undefined) throw new UsageError('usage', 'give the release with --release N');
  const release = wholeNumber(values.release, '--release');
  const lone = extname(source).toLowerCase() === '.onnx';
  const { manifest, manifestBytes } = lone
    ? await loneManifest(source, values, release)
    : await writtenManifest(source, values);
  const folder = dirname(source);
  const { contentPaths } = await import('../../../../ota/publish/bundle/built.ts');
  const sizes = contentPaths(manifest).map(
    (path) => statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0,
  );
  return {
    ...{ manifest, manifestBytes, folder, release },
    bytes: sizes.reduce((sum, one) => sum + one, 0),
    requires: requirements(values),
    health: health(values),
    attempts: wholeNumber(values.attempts!, '--attempts'),
    ...(values['no-selftest'] ? {} : { selftest: selftest(manifest, values, say) }),
    deltaFrom: values['delta-from'] ?? [],
    ...(await provenance(values)),
  };
}

/** @throws UsageError; InputError `ota-provenance-key` */
async function provenance(values: PartValues): Promise<Pick<BuildOptions, 'provenance' | 'provenanceKey'>> {
  const { provenance: file, 'provenance-key': key } = values;
  if (key !== undefined && file === undefined)
    throw new UsageError('usage', '--provenance-key is for the file that --provenance names');
  const { readProvenanceKey } = await import('../../../../ota/publish/bundle/provenance.ts');
  return {
    ...(file !== undefined && { provenance: file }),
    ...(key !== undefined && { provenanceKey: readProvenanceKey(key) }),
  };
}

interface GivenManifest {
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
}

async function writtenManifest(path: string, values: PartValues): Promise<GivenManifest> {
  const odd = Object.keys(LONE_OPTIONS).find((name) => values[name as 'name'] !== undefined);
  if (odd)
    throw new UsageError('usage', `--${odd} is for a model without a manifest; ${path} says it itself`);
  const { manifestSchema } = await import('../../../../ota/bundle/manifest.ts');
  let bytes: Buffer;
  let json: unknown;
  try {
    bytes = readFileSync(path);
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new InputError('manifest-invalid', `cannot read the manifest ${path}`, { cause, facts: { path } });
  }
  const { data, error } = manifestSchema.safeParse(json);
  if (data) return { manifest: data, manifestBytes: bytes };
  const problems = error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
  throw new InputError('manifest-invalid', `${path}: ${problems.join('; ')}`, { facts: { path, problems } });
}

const TASKS = ['anomaly', 'classification'] as const;
const PRECISIONS = ['float32', 'float16', 'int8'] as const;

async function loneManifest(model: string, values: PartValues, release: number): Promise<GivenManifest> {
  const { name, threshold, task = 'anomaly', precision = 'float32' } = values;
  if (name === undefined || threshold === undefined)
    throw new UsageError('usage', `a model without a manifest needs --name NAME and --threshold X`);
  const { makeManifest } = await import('../../../../ota/publish/bundle/make-manifest.ts');
  const { 'model-output': output, plan } = values;
  const manifest = await makeManifest({
    ...{ model, name, version: values['model-version'] ?? `1.0.${release}` },
    task: oneOf(TASKS, task, '--task'),
    precision: oneOf(PRECISIONS, precision, '--precision'),
    threshold: number(threshold, '--threshold', Number.NEGATIVE_INFINITY),
    ...(output === undefined ? {} : { output }),
    ...(plan && { plans: plan }),
  });
  return { manifest, manifestBytes: Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`) };
}

function selftest(manifest: Manifest, values: PartValues, say: (text: string) => void) {
  const tolerance = number(values.tolerance!, '--tolerance');
  const samples = wholeNumber(values.samples!, '--samples');
  const inputs = values.input && goldenInputs(values.input, manifest.inputs, {});
  return {
    tolerance,
    vectors: async (artifact: (path: string) => string) => {
      const { goldenVectors } = await import('../../../../ota/publish/bundle/golden.ts');
      const onSkipped = (path: string, why: string) => say(`not compared: ${path} (${why})`);
      return goldenVectors({ manifest, artifact, samples, tolerance, onSkipped, ...(inputs && { inputs }) });
    },
  };
}

function requirements({ runtime, board, arch, ram, disk }: PartValues): BuildOptions['requires'] {
  return {
    ...(runtime === undefined ? {} : { runtime }),
    ...(board && { boards: board }),
    ...(arch && { architectures: arch }),
    ...(ram === undefined ? {} : { ramBytes: wholeNumber(ram, '--ram', 0) }),
    ...(disk === undefined ? {} : { diskBytes: wholeNumber(disk, '--disk', 0) }),
  };
}

function health(values: PartValues): BuildOptions['health'] {
  const { 'max-p95': p95, 'max-rss': rss, 'max-shift': shift } = values;
  return {
    windowSeconds: number(values.window!, '--window'),
    minInferences: wholeNumber(values['min-inferences']!, '--min-inferences', 0),
    maxErrorRate: number(values['max-error-rate']!, '--max-error-rate'),
    ...(p95 === undefined ? {} : { latencyP95Ms: number(p95, '--max-p95') }),
    ...(rss === undefined ? {} : { maxRssBytes: wholeNumber(rss, '--max-rss') }),
    ...(shift === undefined ? {} : { maxOutputShift: number(shift, '--max-shift') }),
  };
}

function number(text: string, option: string, least = 0): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
  throw new UsageError('usage', `${option} takes a number, not '${text}'`);
}

function oneOf<T extends string>(choices: readonly T[], text: string, option: string): T {
  if ((choices as readonly string[]).includes(text)) return text as T;
  throw new UsageError('usage', `${option} takes one of ${choices.join(', ')}, not '${text}'`);
}
