/** `vigie simulate replay`. */

import { parseArgs } from 'node:util';

import { UsageError } from '../../runtime/core/errors.ts';
import { readRecordingHeader } from '../../runtime/core/recording.ts';
import { replaySourcesConfig } from '../modbus/sources-config.ts';
import { startReplayServer } from '../replay-server.ts';
import { numberOption, PORT, say, stopSignal } from './arguments.ts';
import { sourcesYaml } from './sources-yaml.ts';

const REPORT_EVERY_MS = 60_000;

const OPTIONS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '1502' },
  speed: { type: 'string', default: '1' },
  loop: { type: 'boolean', default: false },
  time: { type: 'string' },
  skip: { type: 'string', multiple: true, default: [] as string[] },
  period: { type: 'string', default: '1s' },
  'print-config': { type: 'boolean', default: false },
} as const;

/** @throws UsageError, and what `startReplayServer` throws. */
export async function runReplay(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new UsageError('usage', 'name one recording (CSV)');
  const { host, period, loop } = values;
  const port = numberOption('port', values.port, PORT);
  const speed = numberOption('speed', values.speed, { low: 0.001, high: 100_000 });
  const skip = values.skip.flatMap((names) => names.split(',')).map((name) => name.trim());
  const recording = { skip, ...(values.time === undefined ? {} : { time: values.time }) };
  if (values['print-config']) {
    const { columns } = await readRecordingHeader(file, recording);
    const names = columns.map(({ name }) => name);
    process.stdout.write(sourcesYaml(replaySourcesConfig({ host, port, period, columns: names })));
    return 0;
  }
  const stop = stopSignal();
  const server = await startReplayServer({ file, host, port, speed, loop, ...recording });
  const { columns, textColumns } = server.header;
  const left = textColumns.length > 0 ? `; text left out: ${textColumns.join(', ')}` : '';
  say(`replay: ${columns.length} columns of ${file}, Modbus TCP on ${host}:${server.port}, unit 1${left}`);
  const report = setInterval(() => {
    const { line, rows } = server.progress();
    say(`replay: line ${line}, ${rows} rows shown`);
  }, REPORT_EVERY_MS);
  try {
    await Promise.race([server.finished, stop.stopped]);
    say(`replay: ended after ${server.progress().rows} rows`);
    return 0;
  } finally {
    clearInterval(report);
    stop.release();
    await server.stop();
  }
}
