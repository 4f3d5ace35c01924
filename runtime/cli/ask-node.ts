/** Asks the node that runs on this machine, over the socket in its state directory. */

import { connect } from 'node:net';
import { controlPath } from '../core/control-path.ts';
import { DeliveryError, VigieError } from '../core/errors.ts';
import type { ControlAnswer } from '../sinks/control/control-socket.ts';

/**
 * @param dataDir of the node. @returns what the command gave.
 * @throws DeliveryError `node-unreachable`; VigieError with the node's own code.
 */
export async function askNode(
  dataDir: string,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const path = controlPath(dataDir);
  const text = await exchange(path, `${JSON.stringify({ command, args })}\n`);
  const answer = parsed(text, path);
  if (answer.ok) return answer.result;
  const { code, message, facts } = answer.error;
  throw new VigieError(code, message, facts ? { facts } : {});
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.once('connect', () => socket.write(request));
    socket.once('error', (cause) => reject(unreachable(path, cause)));
    socket.once('close', () => resolve(text));
  });
}

function parsed(text: string, path: string): ControlAnswer {
  try {
    return JSON.parse(text) as ControlAnswer;
  } catch (cause) {
    throw unreachable(path, cause);
  }
}

function unreachable(path: string, cause: unknown): DeliveryError {
  return new DeliveryError(
    'node-unreachable',
    `no node answers on ${path}: start it, or name its --data-dir`,
    {
      cause,
      facts: { path },
    },
  );
}
