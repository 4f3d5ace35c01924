/** All that is checked in an ONNX file before ONNX Runtime sees it. No process is started and nothing else is read than external data. */

import { ModelError } from '../../../runtime/core/errors.ts';
import { type BoundInput, bindInputs, type Shapes } from './bind-inputs.ts';
import { checkTensors } from './check-tensors.ts';
import { decode } from './decode.ts';
import { ExternalData } from './external-data.ts';
import type { Decoded } from './messages.ts';
import { rewriteModel, valueInfo } from './rewrite.ts';
import { orderNodes } from './structure.ts';
import { dataTypeOf } from './tensor-data.ts';

export interface PrepareOptions {
  /** Shapes of inputs whose dimensions are free; a free leading dimension is 1 without it. */
  readonly shapes?: Shapes;
  /** Takes NaN and infinity in initialisers. */
  readonly allowNonFinite?: boolean;
}

export interface Prepared {
  readonly model: Decoded<'Model'>;
  readonly opset: number;
  /** What the file declares, without initialisers. */
  readonly feeds: readonly Decoded<'ValueInfo'>[];
  readonly inputs: readonly BoundInput[];
  /** The model with these inputs, all constants inside, and no shapes between the nodes. */
  readonly bound: Uint8Array;
}

const LEAST_IR = 3;
/** From here on, initialisers need not be listed as inputs; written so, they are constants that can be folded. */
const IR_OF_CONSTANTS = 4;
/** From 23 on, the operators that are lowered gained element types only. */
const OPSETS = [7, 25] as const;

/**
 * @param path of the file that holds the bytes; external data are read from its folder
 * @throws as readModel, but for what the file system and ONNX Runtime have to say
 */
export function prepareModel(bytes: Uint8Array, path: string, options: PrepareOptions): Prepared {
  const model = decode('Model', bytes);
  const graph = model.graph;
  if (!graph) throw new ModelError('onnx-malformed', 'the file is no ONNX model: it has no graph');
  const irVersion = Number(model.irVersion ?? 0n);
  const opset = checkVersions(model, irVersion);
  orderNodes(graph);
  const initializers = checkTensors(model, new ExternalData(path), options.allowNonFinite ?? false);
  const constants = new Set(initializers.map(({ name }) => name));
  const feeds = (graph.input ?? []).filter(({ name }) => !constants.has(name));
  const inputs = bindInputs(feeds, options.shapes ?? {});
  const bound = rewriteModel(bytes, Math.max(irVersion, IR_OF_CONSTANTS), {
    inputs: inputs.map(({ name, type, shape }) => valueInfo(name, dataTypeOf(type), shape)),
    ...(initializers.some((tensor, at) => tensor !== graph.initializer![at]) && { initializers }),
  });
  return { model, opset, feeds, inputs, bound };
}

function checkVersions(model: Decoded<'Model'>, irVersion: number): number {
  if (irVersion < LEAST_IR) {
    throw new ModelError('onnx-malformed', `the file is no ONNX model: its IR version is ${irVersion}`);
  }
  const versions = (model.opsetImport ?? []).filter(({ domain }) => !domain || domain === 'ai.onnx');
  const opset = Number(versions[0]?.version ?? 0n);
  if (versions.length === 1 && opset >= OPSETS[0] && opset <= OPSETS[1]) return opset;
  throw new ModelError(
    'onnx-opset',
    `the model uses ${versions.map(({ version }) => `operator set ${version}`).join(' and ') || 'no operator set'}; ` +
      `read are ${OPSETS[0]} to ${OPSETS[1]}: export it again, or convert it with onnx.version_converter`,
  );
}
