/** `vigie demo`: a plant or a camera to watch, a broker and a node, in one command. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DeviceError, InputError, UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

const DEFAULT_PORT = 8470;

export const demo: CliCommand = {
  name: 'demo',
  summary: 'watch a simulated plant, or a camera: dashboard, explained events',
  help: `Usage: vigie demo [--port N] [--broker URL] [--seed N]
       vigie demo --camera FILE|rtsp://…|/dev/videoN [--model NAME|PATH] [--port N] [--broker URL]

Starts a simulated wastewater plant (127 sensors behind real Modbus TCP), a small MQTT
broker and a node that learns the plant's normal behaviour for a minute. Then faults begin,
one of each kind in turn; each shows up as an explained anomaly in the dashboard and on
the broker, and is printed here. Nothing is kept; Ctrl-C ends everything.

With --camera it is a camera instead: its live picture with what is found drawn on it, zones to
edit, and an event for each person who comes in.

Options:
  --port N      dashboard port (default ${DEFAULT_PORT})
  --broker URL  deliver to this MQTT 5 broker instead of the embedded one
  --seed N      another plant of the same kind (default 1)
  --camera …    a recording (mp4, gif, a folder of pictures …), a network camera or a USB camera
  --model …     what looks at it: a name of 'vigie model fetch', a manifest or an ONNX model
                (default: a public model in ./models, or in the folder that VIGIE_SHARED names)

Exit status: 0 ended by Ctrl-C, 1 failure, 2 the command line was not understood.

Examples:
  vigie demo --port 9000 --broker mqtt://localhost:1883
  vigie model fetch yolox-nano --out models && vigie demo --camera door.mp4
  mosquitto_sub -p PORT -t 'vigie/#' -v    in a second terminal; the broker's port is printed
`,
  async run(args) {
    const options = {
      port: { type: 'string' },
      broker: { type: 'string' },
      seed: { type: 'string' },
      camera: { type: 'string' },
      model: { type: 'string' },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    const port = wholeNumber('port', values.port ?? String(DEFAULT_PORT), 65_535);
    const { broker, camera, model } = values;
    if (camera !== undefined) return watchCamera({ port, broker, camera, model });
    if (model !== undefined) throw new UsageError('usage', '--model goes with --camera');
    const seed = wholeNumber('seed', values.seed ?? '1', 2 ** 31);
    await requirePort(port);
    const { startDemo } = await import('../../simulator/demo/demo.ts');
    return untilEnd(await startDemo({ port, seed, broker, say }));
  },
};

/** The node would wait for it, with nothing to look at meanwhile. @throws InputError `demo-port` */
async function requirePort(port: number): Promise<void> {
  const server = createServer();
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  await listening.catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'EADDRINUSE' ? 'is taken, perhaps by another demo' : 'cannot be had';
    throw new InputError('demo-port', `port ${port} ${why}: choose one with --port`, { cause });
  });
  server.close();
  await once(server, 'close');
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

interface CameraArguments {
  readonly port: number;
  readonly broker: string | undefined;
  readonly camera: string;
  readonly model: string | undefined;
}

async function watchCamera({ port, broker, camera: named, model }: CameraArguments): Promise<number> {
  const { parseCamera } = await import('./demo/camera-source.ts');
  const camera = parseCamera(named);
  await requirePort(port);
  const { captureProblem } = await import('../addon/capture.ts');
  const problem = captureProblem();
  if (problem !== undefined) throw new DeviceError('capture-unavailable', problem);
  const work = mkdtempSync(join(tmpdir(), 'vigie-demo-model-'));
  try {
    const { demoModel } = await import('./demo/camera-model.ts');
    const { name, manifest } = await demoModel(model, work);
    say(`model:     ${name}`);
    const { startCameraDemo } = await import('../../simulator/demo/camera-demo.ts');
    const { requireFrames: check } = await import('./demo/camera-check.ts');
    return await untilEnd(await startCameraDemo({ camera, manifest, port, broker, check, say }));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Running {
  /** The node's exit status, should it end by itself. */
  readonly nodeExit: Promise<number | null>;
  stop(): Promise<void>;
}

async function untilEnd(running: Running): Promise<number> {
  const signalled = new Promise<'signal'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('signal'));
  });
  const ended = await Promise.race([signalled, running.nodeExit]);
  await running.stop();
  if (ended === 'signal') return 0;
  say(`the node ended by itself with status ${ended}; its last messages are above`);
  return 1;
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= most) return value;
  throw new UsageError('usage', `--${name} takes a whole number from 1 to ${most}, found '${text}'`);
}
