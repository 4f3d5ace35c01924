/** How a write reaches a unit: function by function, with the ways around what a unit lacks. */

import { DeviceError } from '../../core/errors.ts';
import type { Encoded } from './encode.ts';
import { exceptionName, type Outcome, type Request } from './exchange.ts';

const ILLEGAL_FUNCTION = 1;

export type Send = (request: Request) => Promise<Outcome>;

/** Writes one encoded value. @throws DeviceError as `failed` makes them. */
export async function perform(
  encoded: Encoded,
  address: number,
  unit: { lacksMaskWrite: boolean },
  send: Send,
): Promise<void> {
  if (encoded.kind === 'coil') {
    const { on } = encoded;
    return settle(await either(send, { fn: 5, address, on }, { fn: 15, address, on }));
  }
  if (encoded.kind === 'bits') return writeBits(encoded, address, unit, send);
  const { words } = encoded;
  if (words.length > 1) return settle(await send({ fn: 16, address, words }));
  settle(await either(send, { fn: 6, address, word: words[0]! }, { fn: 16, address, words }));
}

/** Some devices know only one of the two functions that write a single value. */
async function either(send: Send, first: Request, second: Request): Promise<Outcome> {
  const outcome = await send(first);
  const unknown = outcome.kind === 'exception' && outcome.code === ILLEGAL_FUNCTION;
  return unknown ? send(second) : outcome;
}

async function writeBits(
  { mask, bits }: Extract<Encoded, { kind: 'bits' }>,
  address: number,
  unit: { lacksMaskWrite: boolean },
  send: Send,
): Promise<void> {
  if (!unit.lacksMaskWrite) {
    const outcome = await send({ fn: 22, address, and: ~mask & 0xffff, or: bits });
    if (outcome.kind !== 'exception' || outcome.code !== ILLEGAL_FUNCTION) return settle(outcome);
    unit.lacksMaskWrite = true;
  }
  // Not atomic in the device: a program there that changes the register in between loses its change.
  const read = await send({ fn: 3, address, count: 1 });
  if (read.kind !== 'answer') throw failed(read);
  const word = (read.data[0]! << 8) | read.data[1]!;
  const words = [(word & ~mask & 0xffff) | bits];
  settle(await either(send, { fn: 6, address, word: words[0]! }, { fn: 16, address, words }));
}

function settle(outcome: Outcome): void {
  if (outcome.kind !== 'answer') throw failed(outcome);
}

/** `write-exception-<name>` when the unit refused, `write-<fault>` when nobody knows whether it took effect. */
function failed(outcome: Exclude<Outcome, { kind: 'answer' }>): DeviceError {
  if (outcome.kind === 'exception') {
    const name = exceptionName(outcome.code);
    return new DeviceError(`write-exception-${name}`, `the unit refused the write: ${name}`, {
      retryable: outcome.code === 5 || outcome.code === 6,
    });
  }
  return new DeviceError(
    `write-${outcome.kind}`,
    `no usable answer (${outcome.kind}): whether the write took effect is unknown`,
    { retryable: true },
  );
}
