/** Between float32 and int8, and tables: what the quantisation pass leaves of QuantizeLinear and DequantizeLinear. */

import type { Node } from '../../graph.ts';
import { unary } from '../elementwise.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';

/** QuantizeLinear and DequantizeLinear with their scale in the quantised value. */
export function convert(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const quantised = node.op === 'QuantizeLinear' ? output : input;
  const { quantization, type } = lowering.value(quantised);
  if (!quantization) {
    refuse(
      `it quantises to or from ${type} with scales that are computed, per channel or per block; int8 and uint8 with one constant scale are taken`,
    );
  }
  // The output of the model is the int8 value then.
  if (quantisedOutput(lowering, output) === input) return;
  unary(lowering, 'convert', input, output);
}

export function lookup(node: Node, lowering: Lowering): void {
  const table = node.attributes.get('table');
  const [input] = node.inputs as [string];
  if (typeof table !== 'object' || !('data' in table) || !table.data) refuse('it has no table');
  const { id, order } = lowering.placed(input);
  const output = lowering.output(node.outputs[0]!, order);
  lowering.emit({ op: 'lookup', table: lowering.builder.blob(table.data), inputs: [id], outputs: [output] });
}

/** The int8 value that an input of the model is read as, where nothing reads it in float32. */
export function quantisedInput(lowering: Lowering, name: string): string | undefined {
  const reader = lowering.soleConsumer(name);
  if (reader?.op !== 'QuantizeLinear' || reader.domain !== '') return undefined;
  const [output] = reader.outputs as [string];
  if (!lowering.value(output).quantization) return undefined;
  lowering.absorbed.add(reader);
  return output;
}

/** The int8 value that an output of the model is made of, where nothing else reads it in float32. */
export function quantisedOutput(lowering: Lowering, name: string): string | undefined {
  const maker = lowering.producer(name);
  if (maker?.op !== 'DequantizeLinear' || maker.domain !== '') return undefined;
  const [input] = maker.inputs as [string];
  return lowering.consumers(name).length === 0 && lowering.value(input).quantization ? input : undefined;
}
