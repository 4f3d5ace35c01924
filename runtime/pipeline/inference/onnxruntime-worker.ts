/**
 * The thread of one ONNX Runtime session. onnxruntime-node loads and runs on the thread that calls it, and a thread that
 * is ended in the middle of such a call takes the process with it: `gate` says when that is.
 */

import { parentPort, workerData } from 'node:worker_threads';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import {
  IDLE,
  type RawData,
  type Reply,
  type Request,
  WORKING,
  type WorkerData,
} from './onnxruntime-protocol.ts';
import type { TensorType } from './session.ts';

if (parentPort) await serve(parentPort, workerData as WorkerData);

async function serve(
  port: NonNullable<typeof parentPort>,
  { path, options, gate }: WorkerData,
): Promise<void> {
  const state = new Int32Array(gate);
  // Where it exists, the library takes and gives float16 in it, which its own binding does not know.
  Reflect.deleteProperty(globalThis, 'Float16Array');
  const { InferenceSession, Tensor } = (await import('onnxruntime-node')).default;
  let session: InferenceSession | undefined;
  const guarded = async (work: () => Promise<[Reply, ArrayBuffer[]]>): Promise<void> => {
    if (Atomics.compareExchange(state, 0, IDLE, WORKING) !== IDLE) return;
    let answer: [Reply, ArrayBuffer[]];
    try {
      answer = await work();
    } catch (error) {
      answer = [{ failed: error instanceof Error ? error.message : String(error) }, []];
    }
    Atomics.compareExchange(state, 0, WORKING, IDLE);
    Atomics.notify(state, 0);
    port.postMessage(...answer);
  };
  port.on('message', (request: Request | 'close') => {
    if (request === 'close') {
      void session?.release();
      port.close();
      return;
    }
    void guarded(async () => {
      const feeds = Object.fromEntries(
        Object.entries(request.inputs).map(([name, { type, shape, data }]) => [
          name,
          new Tensor(type, data, shape),
        ]),
      );
      const results = await session!.run(feeds, request.outputs);
      const outputs = Object.entries(results).map(([name, tensor]) => {
        const { type, dims, data } = tensor as OrtTensor;
        return [name, { type: type as TensorType, shape: dims, data: data as RawData }] as const;
      });
      const buffers = new Set(outputs.map(([, { data }]) => data.buffer as ArrayBuffer));
      return [{ outputs: Object.fromEntries(outputs) }, [...buffers]];
    });
  });
  await guarded(async () => {
    session = await InferenceSession.create(path, options);
    return [{ loaded: { inputs: session.inputMetadata, outputs: session.outputMetadata } }, []];
  });
}
