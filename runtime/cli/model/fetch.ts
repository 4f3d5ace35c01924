/** `vigie model fetch`: a known-good public model, with its manifest, from its release or from a stick. */

import { parseArgs } from 'node:util';
import { ModelError, UsageError } from '../../core/errors.ts';
import type { ModelAction } from '../model.ts';
import { addPlan, planOf } from './fetch/add-plan.ts';
import type { Companion } from './fetch/companions.ts';
import { type Fetched, fetchModel } from './fetch/fetch-model.ts';
import { findModel, type IndexedModel, loadIndex } from './fetch/model-index.ts';
import { Progress } from './fetch/progress.ts';
import { withProxy } from './fetch/proxy.ts';
import { size, table } from './table.ts';

export const fetch: ModelAction = {
  help: `Usage: vigie model fetch [--json]
       vigie model fetch NAME [--from DIR] [--out DIR] [--compile xnnpack] [--json]

Without NAME it lists the public models that Vigie knows, with what they detect and their licence.
With NAME it downloads the model from its public release, by HTTPS, and puts its manifest and
labels beside it. Size and SHA-256 stand in the index: any other file is refused, and nothing of
it is kept. A model that is there already is checked and left alone.

Options:
  --from DIR  no network: look for the file in this folder and below, on a stick perhaps, by its
              checksum, whatever it is called; the file itself may be named too
  --out DIR   where to put it (default: this folder)
  --compile xnnpack
              make a plan of it besides, compared with ONNX Runtime as 'vigie model compile' does,
              and name it in the manifest: a node that takes the manifest runs the plan
  --json      print { name, file, state, license, manifest, labels, plan, next }, or the list

HTTPS_PROXY and NO_PROXY are heeded; NODE_EXTRA_CA_CERTS=FILE adds certificates to trust.

Exit status: 0 it is there, 1 it could not be had, 2 the command line was not understood.

Example:
  vigie model fetch yolox-nano --out models --compile xnnpack
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        from: { type: 'string' },
        out: { type: 'string' },
        compile: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [name, ...more] = positionals;
    if (more.length > 0) throw new UsageError('usage', 'name one model');
    const { from, out = '.', json = false } = values;
    if (values.compile !== undefined && values.compile !== 'xnnpack')
      throw new UsageError('usage', '--compile takes xnnpack: what other backends run is made on the board');
    const index = loadIndex();
    if (name === undefined) {
      if ((from ?? values.out ?? values.compile) !== undefined)
        throw new UsageError('usage', 'name the model to fetch');
      process.stdout.write(json ? `${JSON.stringify(index.models)}\n` : listText(index.models));
      return 0;
    }
    const model = findModel(index, name);
    const bring = () => watched(model, json, (hooks) => fetchModel(index, model, { out, from, ...hooks }));
    const fetched = await (from === undefined ? withProxy(bring) : bring());
    const plan = values.compile === undefined ? undefined : await addPlan(fetched, json);
    const all = { ...fetched, plan };
    process.stdout.write(json ? `${JSON.stringify(report(model, all))}\n` : text(model, all));
    return values.compile !== undefined && plan === undefined ? 1 : 0;
  },
};

function listText(models: readonly IndexedModel[]): string {
  const rows = models.map(({ name, detects, license, bytes, use }) => [
    name,
    detects,
    license,
    size(bytes),
    use,
  ]);
  return `${table(['name', 'detects', 'licence', 'size', 'use'], rows)}
Get one: vigie model fetch ${models[0]?.name}
`;
}

interface Hooks {
  readonly signal: AbortSignal;
  readonly onSource: (source: string) => void;
  readonly onBytes: (done: number) => void;
}

/** Ctrl-C ends it in good order, so that no half file is left. */
async function watched<T>(
  model: IndexedModel,
  silent: boolean,
  work: (hooks: Hooks) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => stop.abort(new ModelError('model-stopped', 'stopped; nothing was kept'));
  for (const name of SIGNALS) process.once(name, onSignal);
  const progress = new Progress(model.bytes, silent ? { write: () => {} } : process.stderr);
  try {
    return await work({
      signal: stop.signal,
      onSource: (source) => void (silent || process.stderr.write(`${size(model.bytes)} from ${source}\n`)),
      onBytes: (done) => progress.show(done),
    });
  } finally {
    progress.clear();
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** With the plan that was made of it. */
interface Here extends Fetched {
  readonly plan: Companion | undefined;
}

/** The commands that come next. */
function next({ file, plan }: Here): readonly string[] {
  const run = `vigie model run ${quoted(planOf(file))} photo.jpg`;
  return plan ? [run] : [`vigie model compile ${quoted(file)}`, run];
}

const quoted = (path: string) => (/^[\w./+@%-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

function report(model: IndexedModel, fetched: Here): unknown {
  const { name, license, trainedOn, source, bytes, sha256 } = model;
  const { file, state, manifest, labels, plan } = fetched;
  return {
    name,
    state,
    file,
    bytes,
    sha256,
    license,
    trainedOn,
    source,
    manifest,
    labels,
    plan,
    next: next(fetched),
  };
}

const STATES: Readonly<Record<Fetched['state'], string>> = {
  present: 'is there already, and right',
  copied: 'copied',
  downloaded: 'downloaded',
};

function text({ license, trainedOn }: IndexedModel, fetched: Here): string {
  const { file, state, manifest, labels, plan } = fetched;
  const companion = ({ path, state }: Companion) =>
    `${path}: ${state === 'kept' ? 'differs from what comes with the model; left as it is' : state}\n`;
  return `${file}: ${STATES[state]}; ${license}, trained on ${trainedOn}
${companion(manifest)}${labels ? companion(labels) : ''}${plan ? companion(plan) : ''}
Next:
${next(fetched)
  .map((command) => `  ${command}\n`)
  .join('')}`;
}
