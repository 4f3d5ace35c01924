/** What a fuzzer calls with any bytes: they are read, or refused with one of our errors. See scripts/fuzz.sh. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from '../../../../ota/model/onnx/decode.ts';
import { prepareModel } from '../../../../ota/model/onnx/prepare.ts';
import { toGraph } from '../../../../ota/model/onnx/to-graph.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';

/** No file lies there, so that external data is never found. */
const NOWHERE = join(tmpdir(), 'model.onnx');

export function fuzz(bytes: Uint8Array): void {
  try {
    const { model, opset, inputs, bound } = prepareModel(bytes, NOWHERE, {});
    const again = decode('Model', bound);
    if (again.graph?.node?.length !== model.graph?.node?.length) throw new RangeError('rewriting lost nodes');
    toGraph(again, opset, inputs, []);
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
  }
}
