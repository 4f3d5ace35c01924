/** One model under one backend, ready to be called and timed; onnxruntime-node is called as its own users call it. */

import { NativeBackendSession } from '../../runtime/pipeline/inference/native.ts';
import type { Tensor } from '../../runtime/pipeline/inference/session.ts';

export interface Subject {
  call(): Promise<void>;
  close(): Promise<void>;
}

export interface PlanSubject extends Subject {
  /** Of the last call's bare run of the plan, in microseconds. */
  lastRunUs(): Promise<number>;
}

export async function planSubject(path: string, input: Tensor): Promise<PlanSubject> {
  const session = await NativeBackendSession.load('xnnpack', path, { threads: 1 });
  const inputs = { [session.describe().inputs[0]!.name]: input };
  // The outputs are written to the same arrays each time, as a camera's loop would have it.
  const into = Object.fromEntries(
    Object.entries(await session.infer(inputs)).map(([name, { data }]) => [name, data]),
  );
  return {
    async call() {
      await session.infer(inputs, into);
    },
    lastRunUs: () => session.perform(async (native) => native.handle.lastRunNs() / 1000),
    close: () => session.close(),
  };
}

export async function onnxRuntimeSubject(path: string, input: Tensor): Promise<Subject> {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds = {
    [session.inputNames[0]!]: new ort.Tensor('float32', input.data as Float32Array, input.shape),
  };
  return {
    async call() {
      await session.run(feeds);
    },
    close: () => session.release(),
  };
}
