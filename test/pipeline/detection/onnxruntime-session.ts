/** The thinnest session over onnxruntime-node: what the tests measure is what stands around it. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Session, Tensors, TensorType } from '../../../runtime/pipeline/inference/session.ts';

export async function onnxRuntimeSession(path: string): Promise<Session> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  const contract = (all: readonly InferenceSession.ValueMetadata[]) =>
    all.map((one) => {
      if (!one.isTensor) throw new TypeError(`${one.name} is no tensor`);
      const shape = one.shape.map((size) => (typeof size === 'number' ? size : -1));
      return { name: one.name, type: one.type as TensorType, shape };
    });
  return {
    describe: () => ({
      backend: 'onnxruntime',
      inputs: contract(session.inputMetadata),
      outputs: contract(session.outputMetadata),
      threads: 1,
      memoryBytes: 0,
    }),
    infer: async (inputs) => {
      const feeds = Object.entries(inputs).map(([name, { type, data, shape }]) => [
        name,
        new Tensor(type as 'float32', data as Float32Array, shape),
      ]);
      const results = await session.run(Object.fromEntries(feeds));
      const outputs = Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { type, shape: dims, data },
      ]);
      return Object.fromEntries(outputs) as Tensors;
    },
    close: () => session.release(),
  };
}
