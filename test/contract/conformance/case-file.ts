/** A compiled node test on disk: what runs it needs the addon and nothing of the compiler. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor, Tensors } from '../../../runtime/pipeline/inference/session.ts';
import { elements } from '../../support/onnx-node-tests.ts';
import type { Outcome } from './outcome.ts';

export interface Case {
  readonly test: string;
  readonly ops: readonly string[];
  readonly constants: boolean;
  readonly inputs: Tensors;
  readonly outputs: Tensors;
}

/** Either something to run or why there is nothing. */
export type Prepared = { readonly case: Case } | { readonly outcome: Outcome };

export const planPath = (folder: string, test: string): string => join(folder, `${test}.xnn`);

const mapTensors = <A, B>(of: Readonly<Record<string, A>>, change: (one: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(of).map(([name, one]) => [name, change(one)]));

type Packed = Omit<Tensor, 'data'> & { readonly data: string };

export function writeCase(folder: string, test: string, prepared: Prepared): void {
  const pack = ({ data, ...rest }: Tensor): Packed => ({
    ...rest,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
  });
  const content =
    'outcome' in prepared
      ? prepared
      : {
          case: {
            ...prepared.case,
            inputs: mapTensors(prepared.case.inputs, pack),
            outputs: mapTensors(prepared.case.outputs, pack),
          },
        };
  writeFileSync(join(folder, `${test}.json`), JSON.stringify(content));
}

export function readCases(folder: string): Prepared[] {
  const unpack = ({ data, ...rest }: Packed): Tensor => ({
    ...rest,
    data: elements(rest.type, new Uint8Array(Buffer.from(data, 'base64'))),
  });
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.sort().map((name) => {
    const content = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    if (content.outcome) return content as Prepared;
    const { inputs, outputs, ...rest } = content.case;
    return { case: { ...rest, inputs: mapTensors(inputs, unpack), outputs: mapTensors(outputs, unpack) } };
  });
}
