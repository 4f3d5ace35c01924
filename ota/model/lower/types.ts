/** How the plan stores a value: its plan type and what its integers stand for. */

import type { Value } from '../graph.ts';
import type { PlanScale } from '../plan/builder.ts';
import type { PlanType } from '../plan/plan.ts';
import { refuse } from './not-expressible.ts';
import type { Order } from './order.ts';

export interface Stored {
  readonly type: PlanType;
  readonly scale: PlanScale;
  readonly bytes: number;
}

/**
 * @param order in which the value is stored: says where the axis of its scales lies
 * @throws NotExpressible for a type that XNNPACK has no operators for
 */
export function storedAs(value: Value, order: Order): Stored {
  const { type, quantization } = value;
  if (!quantization) {
    if (type === 'float32') return { type: 'f32', scale: {}, bytes: 4 };
    return refuse(
      `${value.name} is ${type}; XNNPACK computes with float32 and with quantised int8 and uint8`,
    );
  }
  const bytes = type === 'int32' ? 4 : 1;
  if (quantization.axis === undefined) {
    const planType = ({ int8: 'qs8', uint8: 'qu8', int32: 'qs32' } as const)[
      type as 'int8' | 'uint8' | 'int32'
    ];
    if (!planType) return refuse(`${value.name} is quantised ${type}`);
    const scale = { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! };
    return { type: planType, scale, bytes };
  }
  const planType = ({ int8: 'qc8', int32: 'qc32' } as const)[type as 'int8' | 'int32'];
  if (!planType)
    return refuse(`${value.name} is ${type} with a scale per channel; XNNPACK has that for int8 alone`);
  if (quantization.zeroPoint.some((zero) => zero !== 0)) {
    return refuse(`${value.name} has a scale per channel and zero points other than 0`);
  }
  return {
    type: planType,
    scale: { scales: quantization.scale, axis: order.indexOf(quantization.axis) },
    bytes,
  };
}
