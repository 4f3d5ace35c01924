/** DepthToSpace and SpaceToDepth. */

import type { Node } from '../../graph.ts';
import { numberOf, stringOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { asPicture, pictureOf, pictureOutput } from '../pictures.ts';

export function depthToSpace(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const block = blockOf(node, lowering);
  const source = asPicture(lowering, input);
  pictureOutput(lowering, node.outputs[0]!, (output) => {
    if (stringOf(node, 'mode', 'DCR') === 'DCR') {
      lowering.emit({ op: 'depthToSpace2d', block, inputs: [source], outputs: [output] });
      return;
    }
    const { batch, channels, height, width } = pictureOf(lowering, input);
    const value = lowering.value(input);
    const left = channels / (block * block);
    const cut = lowering.reshaped(source, [batch, height, width, left, block, block], value);
    const moved = lowering.temporary([batch, height, block, width, block, left], value);
    lowering.emit({ op: 'transpose', permutation: [0, 1, 4, 2, 5, 3], inputs: [cut], outputs: [moved] });
    const { dims } = lowering.builder.values[output]!;
    lowering.emit({ op: 'reshape', shape: dims, inputs: [moved], outputs: [output] });
  });
}

export function spaceToDepth(node: Node, lowering: Lowering): void {
  const block = blockOf(node, lowering);
  const source = asPicture(lowering, node.inputs[0]!);
  pictureOutput(lowering, node.outputs[0]!, (output) => {
    lowering.emit({ op: 'spaceToDepth2d', block, inputs: [source], outputs: [output] });
  });
}

function blockOf(node: Node, lowering: Lowering): number {
  const block = numberOf(node, 'blocksize', 0);
  if (lowering.shape(node.inputs[0]!).length !== 4) refuse('its input is no picture');
  if (block < 2) refuse(`its blocksize is ${block}; XNNPACK's is at least 2`);
  return block;
}
