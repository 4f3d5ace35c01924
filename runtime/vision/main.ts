/**
 * The vision process: the cameras of one group, from capture to detections. A process of its own since camera stacks hang and
 * crash; the node starts it with a socket as file descriptor 3, watches it and kills it. Lives as long as that socket.
 */

import { SystemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { BoardReader } from '../pipeline/detection/rate/board-reader.ts';
import type { ToVision } from '../sources/camera/messages.ts';
import { CameraLoop } from './camera-loop.ts';
import { Link } from './link.ts';
import { Models } from './model.ts';

const SOCKET = 3;
const PULSE_MS = 500;

const clock = new SystemClock();
const loops = new Map<string, CameraLoop>();
const link = new Link(SOCKET, onMessage, () => process.exit(0));
const log = createLog('info', (line) => void link.send({ type: 'log', line: JSON.parse(line) }));
const models = new Models(log);
let board: BoardReader | undefined;

function onMessage(message: ToVision): void {
  if (message.type === 'start') {
    start(message);
    return;
  }
  const loop = loops.get(message.camera);
  if (message.type === 'rebuild') void loop?.rebuild();
  else if (message.type === 'busy') loop?.busy(message.busy);
  else if (message.type === 'serve') void loop?.serve(message.model);
  else if (message.type === 'configure') loop?.configure(message);
  else void loop?.picture(message.request, message);
}

function start({ job }: Extract<ToVision, { type: 'start' }>): void {
  const send = link.send.bind(link);
  board ??= new BoardReader({ tegrastats: job.rate.tegrastats });
  const loop = new CameraLoop({ job, models, clock, board, send });
  loops.set(job.camera, loop);
  void loop.rebuild();
}

setInterval(() => {
  const cameras = Object.fromEntries([...loops].map(([camera, loop]) => [camera, loop.pulse()]));
  link.send({ type: 'alive', cameras });
}, PULSE_MS);
link.send({ type: 'hello' });
