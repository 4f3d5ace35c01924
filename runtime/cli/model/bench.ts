/** `vigie model bench`: how fast a model is on this machine, by backend and threads. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { findDevice } from '../../config/device-profile/device.ts';
import { readBoardFacts } from '../../config/device-profile/facts.ts';
import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import { sessionLimits } from '../../config/device-profile/session-limits.ts';
import { describeError, InputError, UsageError, VigieError } from '../../core/errors.ts';
import { siblingModule } from '../../core/paths.ts';
import { unavailableBackends } from '../../pipeline/inference/choose-backend.ts';
import type { BackendName, SessionOptions } from '../../pipeline/inference/session.ts';
import type { ModelAction } from '../model.ts';
import type { BenchJob, BenchReply, BenchRun } from './bench-process.ts';
import { kindOf } from './kind.ts';
import { BACKENDS, parseBackend } from './open.ts';
import { type NamedShapes, parseShapes, wholeNumber, wholeNumbers } from './shapes.ts';
import { size, table } from './table.ts';
import { compiledPlan, type TemporaryPlan } from './temporary-plan.ts';

export const bench: ModelAction = {
  help: `Usage: vigie model bench MODEL… [--backend NAME]… [--threads 1,2] [--seconds N]
                         [--profile NAME|FILE] [--shape INPUT=1x3x416x416]… [--json]

MODEL is an ONNX model, which is also compiled and measured on XNNPACK, a plan (.xnn), or a
manifest. Each combination runs in a process of its own, on made-up inputs, one call after the
other. Machines are noisy: compare figures of one run.

  load      from opening the file to the end of the first inference
  memory    peak beyond that of the process before, with the backend's libraries
  p50 …     of one call from JavaScript, copies of inputs and outputs included

Options:
  --backend NAME  xnnpack, tensorrt or onnxruntime; repeat it for several (default: all that can)
  --threads 1,2   processor threads to measure with (default: 1)
  --seconds N     how long to measure each combination (default: 3)
  --profile …     device profile, for the memory limit (default: the board's)
  --shape …       shape of an input that the model leaves free (default: 1 for each free dimension)
  --json          print { machine, results: [{ model, backend, threads, p50Ms, … }], passedOver }

Exit status: 0 something was measured, 1 nothing could be, 2 the command line was not understood.

Example:
  vigie model bench yolox_nano.onnx --threads 1,2
`,
  async run(args) {
    const { values, positionals: files } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        backend: { type: 'string', multiple: true },
        threads: { type: 'string', default: '1' },
        seconds: { type: 'string', default: '3' },
        profile: { type: 'string' },
        shape: { type: 'string', multiple: true },
        json: { type: 'boolean' },
      },
    });
    if (files.length === 0) throw new UsageError('usage', 'name one model or more');
    const plan: Plan = {
      backends: values.backend?.map((name) => parseBackend(name)!) ?? BACKENDS,
      asked: values.backend !== undefined,
      threads: wholeNumbers('threads', values.threads, 1, 256),
      seconds: wholeNumber('seconds', values.seconds, 1, 600),
      shapes: parseShapes(values.shape),
      ...limits(values.profile),
    };
    const unavailable = await unavailableBackends();
    const results: Measured[] = [];
    const passedOver: Passed[] = [];
    for (const model of files) await measure(model, plan, unavailable, results, passedOver);
    const { machineName } = await import('../../../bench/bench.ts');
    const report = { machine: machineName(), results, passedOver };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : text(report));
    return results.length > 0 ? 0 : 1;
  },
};

interface Plan {
  readonly backends: readonly BackendName[];
  /** Whether somebody named them: then one that cannot be used is worth a line. */
  readonly asked: boolean;
  readonly threads: readonly number[];
  readonly seconds: number;
  readonly shapes: NamedShapes;
  readonly options: SessionOptions;
  readonly profile: DeviceProfile;
}

interface Measured extends BenchRun {
  readonly model: string;
  readonly backend: BackendName;
  readonly threads: number;
}

interface Passed {
  readonly model: string;
  readonly backend: BackendName;
  readonly code: string;
  readonly reason: string;
}

function limits(reference: string | undefined): Pick<Plan, 'options' | 'profile'> {
  const { profile } = findDevice(reference === undefined ? undefined : { reference, by: '--profile' });
  const { memoryLimitBytes } = sessionLimits(profile, readBoardFacts());
  return { options: { memoryLimitBytes }, profile };
}

async function measure(
  model: string,
  plan: Plan,
  unavailable: ReadonlyMap<BackendName, string>,
  results: Measured[],
  passedOver: Passed[],
): Promise<void> {
  for (const backend of plan.backends) {
    const pass = (code: string, reason: string) => passedOver.push({ model, backend, code, reason });
    const why = unavailable.get(backend);
    if (why !== undefined) {
      if (plan.asked) pass('backend-unavailable', why);
      continue;
    }
    let artifact: Artifact | undefined;
    try {
      artifact = await artifactFor(model, backend, plan.shapes);
      if (!artifact) {
        if (plan.asked) pass('no-artifact', 'there is no file for it');
        continue;
      }
      for (const threads of plan.threads) {
        process.stderr.write(
          `bench ${model}: ${backend}, ${threads} ${threads === 1 ? 'thread' : 'threads'}\n`,
        );
        const reply = await inChild({
          path: artifact.path,
          backend,
          shapes: plan.shapes,
          seconds: plan.seconds,
          options: { ...plan.options, threads },
          profile: plan.profile,
        });
        if ('error' in reply) pass(reply.error.code, reply.error.message);
        else results.push({ model, backend, threads, ...reply.run });
      }
    } catch (error) {
      // A model that cannot be read is no backend's fault.
      if (!(error instanceof VigieError) || error instanceof InputError) throw error;
      // The first line; further ones name every node.
      pass(error.code, describeError(error).split('\n', 1)[0]!);
    } finally {
      artifact?.remove();
    }
  }
}

type Artifact = TemporaryPlan;

/** The file that a backend runs; for an ONNX model and XNNPACK one that is compiled now. */
async function artifactFor(
  model: string,
  backend: BackendName,
  shapes: NamedShapes,
): Promise<Artifact | undefined> {
  const itself = (path: string) => ({ path, remove: () => {} });
  const kind = kindOf(model);
  if (kind === 'plan') return backend === 'xnnpack' ? itself(model) : undefined;
  if (kind === 'onnx') return backend === 'xnnpack' ? compiledPlan(model, shapes) : itself(model);
  const { loadManifest } = await import('../../../ota/bundle/read-manifest.ts');
  const { manifest, folder } = loadManifest(model);
  const path = manifest.artifacts.find((artifact) => artifact.backend === backend)?.path;
  return path === undefined ? undefined : itself(join(folder, path));
}

async function inChild(job: BenchJob): Promise<BenchReply> {
  const script = fileURLToPath(siblingModule(import.meta.url, './bench-process'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--no-warnings',
      script,
      JSON.stringify(job),
    ]);
    return JSON.parse(stdout) as BenchReply;
  } catch (error) {
    // The backend took the process with it; that is worth a line, not an end.
    const { signal, code } = error as { signal?: string; code?: number };
    return { error: { code: 'crashed', message: `the process ended with ${signal ?? `status ${code}`}` } };
  }
}

function text(report: {
  machine: string;
  results: readonly Measured[];
  passedOver: readonly Passed[];
}): string {
  const row = (one: Measured) => [
    one.model,
    one.backend,
    one.threads,
    one.p50Ms.toFixed(2),
    one.p95Ms.toFixed(2),
    one.p99Ms.toFixed(2),
    one.perSecond.toFixed(1),
    one.loadMs.toFixed(0),
    size(one.peakBytes),
  ];
  const head = ['model', 'backend', 'threads', 'p50 ms', 'p95 ms', 'p99 ms', 'per s', 'load ms', 'memory'];
  const passed = report.passedOver.map(
    ({ model, backend, reason }) => `${model} not on ${backend}: ${reason}\n`,
  );
  const measured = report.results.length > 0 ? table(head, report.results.map(row)) : '';
  return `${report.machine}\n${measured}${passed.join('')}`;
}
