/**
 * Runs in a process of its own, because a hostile file may crash ONNX Runtime: folds the model's constants and infers
 * the type and shape of every value. Arguments: the model, where the optimised one goes, where the answer goes.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { decode } from './decode.ts';
import type { OptimiserAnswer } from './optimise.ts';
import { rewriteModel, valueInfo } from './rewrite.ts';

const [, , model, optimised, answer] = process.argv as [string, string, string, string, string];
const OPTIONS = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
} as const;

async function optimise(): Promise<OptimiserAnswer> {
  const folded = await ort.InferenceSession.create(model, {
    ...OPTIONS,
    graphOptimizationLevel: 'basic',
    optimizedModelFilePath: optimised,
  });
  await folded.release();
  const bytes = readFileSync(optimised);
  const { graph = {}, irVersion } = decode('Model', bytes);
  const outputs = new Map(
    (graph.output ?? []).map((output) => [output.name!, output as Record<string, unknown>]),
  );
  for (const name of (graph.node ?? []).flatMap((node) => node.output ?? [])) {
    if (name && !outputs.has(name)) outputs.set(name, valueInfo(name));
  }
  // The saved model lacks what was inferred; a session tells it of its outputs, so every value becomes one.
  const session = await ort.InferenceSession.create(
    rewriteModel(bytes, Number(irVersion), { outputs: [...outputs.values()] }),
    { ...OPTIONS, graphOptimizationLevel: 'disabled' },
  );
  const values = session.outputMetadata.map((value) =>
    value.isTensor ? { name: value.name, type: value.type, shape: value.shape } : { name: value.name },
  );
  return { values };
}

try {
  writeFileSync(answer, JSON.stringify(await optimise()));
} catch (error) {
  writeFileSync(answer, JSON.stringify({ refused: error instanceof Error ? error.message : String(error) }));
}
