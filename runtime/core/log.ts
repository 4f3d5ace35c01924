/** JSON lines on stdout (journald keeps them). Every line has a component and a stable event id. */

import { type Logger, pino } from 'pino';

/**
 * `log.warn({ event: 'modbus.unit.offline', unit: 3 }, 'unit 3 does not answer; next probe in 5 s')`.
 * Event ids are `<component>.<thing>.<what>` and never change once released.
 */
export type Log = Logger;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

const SECRETS = ['password', 'passphrase', 'secret', 'token', 'authorization', 'key', 'pass'];

/** @param write where lines go; stdout by default. */
export function createLog(
  level: LogLevel,
  write: (line: string) => void = (line) => process.stdout.write(line),
): Log {
  return pino(
    {
      level,
      base: {},
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withComponent },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    { write },
  );
}

/** Who speaks: named by the caller where there are several of a kind (a source), else the event's first word. */
function withComponent(line: Record<string, unknown>): Record<string, unknown> {
  if (line.component !== undefined || typeof line.event !== 'string') return line;
  return { component: line.event.split('.', 1)[0], ...line };
}
