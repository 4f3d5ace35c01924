/** TensorRT's log becomes ours. */

import { type TensorrtLog, takeTensorrtLog } from '../../../addon/tensorrt.ts';
import type { Log } from '../../../core/log.ts';
import type { Millis } from '../../../core/units.ts';

/** Writes lines with the severity that TensorRT gave them. @param event such as `tensorrt.build.line`. */
export function writeTensorrtLog(
  { lines, dropped }: TensorrtLog,
  log: Log,
  event: string,
  facts: Readonly<Record<string, unknown>> = {},
): void {
  for (const { severity, text } of lines) log[severity]({ event, ...facts }, text);
  if (dropped > 0)
    log.warn({ event: 'tensorrt.log.dropped', dropped }, `${dropped} lines of TensorRT were lost`);
}

/** Writes what TensorRT says in this process, whichever session is concerned. @returns a function that ends it. */
export function followTensorrtLog(log: Log, every: Millis): () => void {
  const write = () => writeTensorrtLog(takeTensorrtLog(), log, 'tensorrt.line');
  const timer = setInterval(write, every).unref();
  return () => {
    clearInterval(timer);
    write();
  };
}
