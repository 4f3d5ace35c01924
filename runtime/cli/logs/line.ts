/** One line of the journal: what the service wrote, or what systemd said of it. Pure. */

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** syslog's priorities 0 … 7 as our levels. */
const BY_PRIORITY = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug'];
const LONGEST = 16 * 1024;

export interface Entry {
  /** Milliseconds since 1970, by journald. */
  readonly time: number;
  readonly line: Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string };
}

export interface Wanted {
  /** Index of the least severe level. */
  readonly level?: number | undefined;
  readonly component?: string | undefined;
  readonly event?: string | undefined;
}

/** @param text one object of `journalctl --output=json`. @returns undefined for what is none. */
export function parseEntry(text: string): Entry | undefined {
  const entry = parsedObject(text);
  if (!entry) return undefined;
  const message = textOf(entry.MESSAGE);
  const time = Number(entry.__REALTIME_TIMESTAMP) / 1000;
  if (message === undefined || !Number.isFinite(time)) return undefined;
  const ours = message.startsWith('{') ? parsedObject(message) : undefined;
  if (ours && typeof ours.level === 'string' && typeof ours.message === 'string')
    return { time, line: ours as Entry['line'] };
  const level = BY_PRIORITY[Number(entry.PRIORITY)] ?? 'info';
  const component = String(entry.SYSLOG_IDENTIFIER ?? entry._COMM ?? 'unknown');
  return { time, line: { level, component, message } };
}

export function matches({ line }: Entry, { level, component, event }: Wanted): boolean {
  if (level !== undefined && LEVELS.indexOf(line.level) < level) return false;
  if (component !== undefined && line.component !== component && line.source !== component) return false;
  const id = String(line.event ?? '');
  return event === undefined || id === event || id.startsWith(`${event}.`);
}

const SHOWN = new Set(['level', 'time', 'component', 'event', 'message']);

/** `2026-11-21 17:53:11.123 warn  modbus  unit 3 does not answer  unit=3`, in local time. */
export function formatLine({ time, line }: Entry): string {
  const facts = Object.entries(line)
    .filter(([key]) => !SHOWN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = `${localTime(time)} ${line.level.padEnd(5)} ${String(line.component ?? '-').padEnd(10)} ${line.message}`;
  return `${printable([head, ...facts].join('  '))}\n`;
}

function localTime(time: number): string {
  const at = new Date(time);
  const two = (n: number, digits = 2) => String(n).padStart(digits, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
}

/** What a device sent may be in a message: no control character reaches the terminal. */
function printable(text: string): string {
  return text.slice(0, LONGEST).replaceAll(/\p{Cc}/gu, (control) => (control === '\n' ? '\n    ' : '?'));
}

/** journald gives what is no text as an array of bytes. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? Buffer.from(value as number[]).toString('utf8') : undefined;
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
