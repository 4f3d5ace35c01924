/** Numbers, units and times as an operator reads them. */

const SYMBOLS = { Cel: '°C', '[pH]': 'pH', '[degF]': '°F', Ohm: 'Ω', uS: 'µS', ug: 'µg', um: 'µm' };

/** UCUM to what is printed on an instrument. */
export function unit(ucum) {
  if (SYMBOLS[ucum]) return SYMBOLS[ucum];
  return ucum
    .replace(/[[{]([^\]}]+)[\]}]/g, '$1')
    .replace(/\bu(?=[A-Zgmsl])/g, 'µ')
    .replace(/([A-Za-z])2\b/g, '$1²')
    .replace(/([A-Za-z])3\b/g, '$1³')
    .replace(/\./g, '·');
}

const decimals = [0, 1, 2, 3].map(
  (digits) => new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

export function value(raw) {
  if (raw === null || raw === undefined) return '–';
  if (raw === true) return 'on';
  if (raw === false) return 'off';
  if (typeof raw === 'string') return raw;
  if (raw === 0) return '0';
  const size = Math.abs(raw);
  if (size >= 1e7 || size < 0.001) return raw.toExponential(2);
  return decimals[size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3].format(raw);
}

export const withUnit = (raw, ucum) => (ucum ? `${value(raw)} ${unit(ucum)}` : value(raw));

export const words = (kebab) => kebab.replaceAll('-', ' ');

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const dateTime = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
});

export const clock = (epochMs) => time.format(epochMs);
/** Today's times without the date. */
export function moment(epochMs, now) {
  return new Date(epochMs).toDateString() === new Date(now).toDateString()
    ? time.format(epochMs)
    : dateTime.format(epochMs);
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  if (count < 1e9) return `${(count / 1e6).toFixed(1)} MB`;
  return `${(count / 1e9).toFixed(2)} GB`;
}

export const integer = (count) => decimals[0].format(count);
export const percent = (share) => `${Math.round(share * 100)} %`;
export const count = (n, noun) => `${integer(n)} ${noun}${n === 1 ? '' : 's'}`;
