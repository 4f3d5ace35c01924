/** A recording as a Modbus server: each numeric column is a float32 that follows the recording's own timestamps. */

import { type Clock, SystemClock } from '../runtime/core/clock.ts';
import {
  type RecordingHeader,
  type RecordingOptions,
  readRecording,
  readRecordingHeader,
} from '../runtime/core/recording.ts';
import { RegisterImage } from './modbus/register-image.ts';
import { serveTcp, vectorOf } from './modbus/server.ts';
import { replayPlaces } from './modbus/sources-config.ts';

export interface ReplayServerOptions extends RecordingOptions {
  /** CSV file; see runtime/core/recording.ts for its form. */
  readonly file: string;
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /** Recorded time per real time. */
  readonly speed?: number;
  /** Start again at the end. */
  readonly loop?: boolean;
  readonly clock?: Pick<Clock, 'mono'>;
  /** Resolves after that many milliseconds, or at once when the signal aborts. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface ReplayServer {
  readonly host: string;
  readonly port: number;
  readonly header: RecordingHeader;
  /** The row that is shown now: its line in the file, and how many were shown so far. */
  progress(): { line: number; rows: number };
  /**
   * Resolves after the last row, or at `stop()`; the last row stays readable until then.
   * Rejects with InputError `recording-invalid` at a row that breaks the form.
   */
  readonly finished: Promise<void>;
  stop(): Promise<void>;
}

/** Timers of the machine hold at most about 24.8 days. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** @throws InputError `recording-invalid`, StorageError `recording-read`, DeviceError `simulator-listen`. */
export async function startReplayServer(options: ReplayServerOptions): Promise<ReplayServer> {
  const { file, host = '127.0.0.1', port = 0 } = options;
  const header = await readRecordingHeader(file, options);
  const places = replayPlaces(header.columns.length);
  const image = new RegisterImage(places);
  const shown = { line: 0, rows: 0 };
  const stopping = new AbortController();
  let firstShown: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    firstShown = resolve;
  });
  const show = (line: number, values: Float64Array) => {
    places.forEach((place, i) => {
      image.write(place, values[i]!);
    });
    shown.line = line;
    shown.rows += 1;
    firstShown();
  };
  const finished = play(options, show, stopping.signal);
  await Promise.race([first, finished]);
  const served = await serveTcp(vectorOf(new Map([[1, image]]), 'exception'), host, port).catch((error) => {
    stopping.abort();
    throw error;
  });
  return {
    host,
    port: served.port,
    header,
    progress: () => ({ ...shown }),
    finished,
    stop: async () => {
      stopping.abort();
      await served.close();
    },
  };
}

async function play(
  options: ReplayServerOptions,
  show: (line: number, values: Float64Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const { file, speed = 1, loop = false, clock = new SystemClock(), wait = pause } = options;
  let began = clock.mono() as number;
  do {
    let firstTime: number | undefined;
    let lastTime = 0;
    let interval = 0;
    for await (const { row } of readRecording(file, options)) {
      firstTime ??= row.time;
      const due = began + (row.time - firstTime) / speed;
      for (let left = due - clock.mono(); left > 0 && !signal.aborted; left = due - clock.mono()) {
        await wait(Math.min(left, LONGEST_WAIT_MS), signal);
      }
      if (signal.aborted) return;
      show(row.line, row.values);
      if (row.time > lastTime && lastTime > 0) interval = row.time - lastTime;
      lastTime = row.time;
    }
    // The last row of a round lasts as long as the step before it; at least a moment, so that a loop never spins.
    began += Math.max(1, (lastTime - (firstTime ?? lastTime) + interval) / speed);
    const left = began - clock.mono();
    if (loop && left > 0 && !signal.aborted) await wait(left, signal);
  } while (loop && !signal.aborted);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
