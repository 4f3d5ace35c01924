/**
 * Recordings of plants: CSV with a header line, one timestamp column and numeric columns. Pure parsing by line
 * (`parseRecordingHeader`, `RecordingReader`) and one streaming reader of files (`readRecording`).
 *
 * The form is strict: every row has as many cells as the header, timestamps never go back, a numeric column
 * holds numbers or missing values (empty, NaN, NA, null). What breaks it is an InputError `recording-invalid`
 * that starts with `file:line:column`.
 */

import { createReadStream } from 'node:fs';
import { InputError, StorageError } from './errors.ts';
import { type EpochMillis, epochMillis } from './units.ts';

export interface RecordingOptions {
  /** Name of the timestamp column; found by name or by form when absent. */
  readonly time?: string;
  /** Columns to leave out, such as labels. A name that the recording lacks is an error. */
  readonly skip?: readonly string[];
}

/** How a recording is laid out; the same for all its rows. */
export interface RecordingHeader {
  /** Named in errors. */
  readonly file: string;
  readonly delimiter: string;
  /** Number of cells in each row. */
  readonly width: number;
  readonly timeColumn: { readonly name: string; readonly index: number };
  /** The numeric columns that are served, in file order. */
  readonly columns: readonly { readonly name: string; readonly index: number }[];
  /** Columns left out because their first value is text. */
  readonly textColumns: readonly string[];
}

export interface RecordingRow {
  /** 1-based line of the file. */
  readonly line: number;
  /** Wall time of the row; a timestamp without a zone is read as UTC. */
  readonly time: EpochMillis;
  /** One per `header.columns`; NaN where the value is missing. */
  readonly values: Float64Array;
}

interface Cell {
  readonly text: string;
  /** 1-based position in the line. */
  readonly column: number;
}

const DELIMITERS = [';', '\t', ','];
const TIME_NAMES = /^(date[ _-]?time|time[ _-]?stamp|timestamp|time|date|ts|t)$/i;
const MISSING = /^(nan|na|n\/a|null|none|-)?$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const DATE_TIME =
  /^(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/;
/** Above it a bare number counts milliseconds since 1970, below it seconds (1e11 s is the year 5138). */
const MILLISECONDS_FROM = 1e11;
const MAX_LINE = 1 << 20;

/**
 * Milliseconds since 1970 of `2020-03-09 10:14:33`, ISO 8601, or a bare number of seconds or milliseconds;
 * undefined when the text is none of these or no real date.
 */
export function parseTimestamp(text: string): EpochMillis | undefined {
  if (NUMBER.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) return undefined;
    return epochMillis(Math.abs(value) < MILLISECONDS_FROM ? value * 1000 : value);
  }
  const match = DATE_TIME.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone = 'Z'] = match;
  const at = Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second);
  const date = new Date(at);
  const real = date.getUTCMonth() === +month! - 1 && date.getUTCDate() === +day!;
  if (!real || +hour > 23 || +minute > 59 || +second > 59) return undefined;
  return epochMillis(at + Number(`0.${fraction}`) * 1000 - zoneOffset(zone));
}

function zoneOffset(zone: string): number {
  if (zone === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000;
}

/**
 * Lays out a recording from its header line and its first data line (which tells numbers from text).
 * @param line 1-based number of `firstRow` in the file.
 * @throws InputError `recording-invalid`.
 */
export function parseRecordingHeader(
  file: string,
  headerLine: string,
  firstRow: string,
  options: RecordingOptions = {},
  line = 2,
): RecordingHeader {
  const delimiter = detectDelimiter(headerLine);
  const names = splitLine(file, 1, headerLine, delimiter);
  checkNames(file, names);
  const first = splitLine(file, line, firstRow, delimiter);
  checkWidth(file, line, first, names.length);
  const timeIndex = findTimeColumn(file, names, first, options.time);
  const skip = options.skip ?? [];
  for (const name of skip) findColumn(file, names, name, 'to leave out');
  const candidates = names
    .map(({ text }, index) => ({ name: text, index }))
    .filter(({ name, index }) => index !== timeIndex && !skip.includes(name));
  const isText = ({ index }: { index: number }) => parseNumber(first[index]!.text) === undefined;
  const columns = candidates.filter((candidate) => !isText(candidate));
  if (columns.length === 0) {
    throw invalid(file, line, 1, 'no numeric column is left to serve; expected at least one');
  }
  return {
    file,
    delimiter,
    width: names.length,
    timeColumn: { name: names[timeIndex]!.text, index: timeIndex },
    columns,
    textColumns: candidates.filter(isText).map(({ name }) => name),
  };
}

/** Turns lines into rows, in order. Feed it every line after the header; it keeps only the last time. */
export class RecordingReader {
  readonly header: RecordingHeader;
  #lastTime = Number.NEGATIVE_INFINITY;

  constructor(header: RecordingHeader) {
    this.header = header;
  }

  /**
   * @param line 1-based.
   * @returns undefined for an empty line.
   * @throws InputError `recording-invalid` for a ragged row, a bad number, a bad or backward timestamp.
   */
  row(text: string, line: number): RecordingRow | undefined {
    if (text.trim() === '') return undefined;
    const { file, delimiter, width, timeColumn, columns } = this.header;
    const cells = splitLine(file, line, text, delimiter);
    checkWidth(file, line, cells, width);
    const stamp = cells[timeColumn.index]!;
    const time = parseTimestamp(stamp.text);
    if (time === undefined) {
      throw invalid(file, line, stamp.column, `'${stamp.text}' is no timestamp; ${EXPECTED_TIME}`);
    }
    if (time < this.#lastTime) {
      const problem = `timestamp ${stamp.text} goes back; rows must be in the order of time (sort the file)`;
      throw invalid(file, line, stamp.column, problem);
    }
    this.#lastTime = time;
    const values = new Float64Array(columns.length);
    for (let i = 0; i < columns.length; i++) {
      const cell = cells[columns[i]!.index]!;
      const value = parseNumber(cell.text);
      if (value === undefined) {
        const problem = `'${cell.text}' in column '${columns[i]!.name}' is no number`;
        throw invalid(file, line, cell.column, `${problem}; leave it empty where it is missing`);
      }
      values[i] = value;
    }
    return { line, time, values };
  }
}

/**
 * The layout of a recording; reads no more than its first lines.
 * @throws InputError `recording-invalid`, StorageError `recording-read`.
 */
export async function readRecordingHeader(
  path: string,
  options: RecordingOptions = {},
): Promise<RecordingHeader> {
  for await (const { header } of readRecording(path, options)) return header;
  throw invalid(path, 1, 1, 'the recording has no rows');
}

/**
 * Streams a recording row by row, reading ahead no more than one chunk of the file.
 * @throws InputError `recording-invalid` at the row that breaks the form, StorageError `recording-read`.
 */
export async function* readRecording(
  path: string,
  options: RecordingOptions = {},
): AsyncGenerator<{ header: RecordingHeader; row: RecordingRow }> {
  let headerLine: string | undefined;
  let reader: RecordingReader | undefined;
  for await (const { text, line } of readLines(path)) {
    if (text.trim() === '') continue;
    if (headerLine === undefined) {
      if (line !== 1) throw invalid(path, 1, 1, 'the first line is empty; expected the column names');
      headerLine = text;
      continue;
    }
    reader ??= new RecordingReader(parseRecordingHeader(path, headerLine, text, options, line));
    const row = reader.row(text, line);
    if (row) yield { header: reader.header, row };
  }
  if (!reader) throw invalid(path, 1, 1, 'expected a header line and at least one row');
}

async function* readLines(path: string): AsyncGenerator<{ text: string; line: number }> {
  const stream = createReadStream(path, { encoding: 'utf8' });
  let rest = '';
  let line = 0;
  try {
    for await (const chunk of stream) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop()!;
      if (rest.length > MAX_LINE)
        throw invalid(path, line + lines.length + 1, 1, 'line too long; is it a CSV?');
      for (const text of lines) yield { text: cleanLine(text, ++line), line };
    }
    if (rest !== '') yield { text: cleanLine(rest, ++line), line };
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new StorageError('recording-read', `cannot read ${path}`, { cause, facts: { path } });
  } finally {
    stream.destroy();
  }
}

/** Without the carriage return of CRLF files and the byte order mark of some exports. */
function cleanLine(text: string, line: number): string {
  const start = line === 1 && text.startsWith('\uFEFF') ? 1 : 0;
  return text.slice(start, text.endsWith('\r') ? -1 : undefined);
}

/** The first of `;`, tab and `,` outside quotes; a comma last, since decimals and names may hold one. */
function detectDelimiter(headerLine: string): string {
  const bare = headerLine.replace(/"[^"]*"/g, '');
  return DELIMITERS.find((delimiter) => bare.includes(delimiter)) ?? ',';
}

function splitLine(file: string, line: number, text: string, delimiter: string): Cell[] {
  const cells: Cell[] = [];
  for (let at = 0; ; ) {
    const column = at + 1;
    if (text[at] === '"') {
      const end = closingQuote(text, at);
      if (end < 0) throw invalid(file, line, column, 'a quoted cell does not end on its line');
      const after = text[end + 1];
      if (after !== undefined && after !== delimiter) {
        throw invalid(file, line, end + 2, `expected '${delimiter}' after a quoted cell`);
      }
      cells.push({
        text: text
          .slice(at + 1, end)
          .replaceAll('""', '"')
          .trim(),
        column,
      });
      if (after === undefined) return cells;
      at = end + 2;
      continue;
    }
    const end = text.indexOf(delimiter, at);
    cells.push({ text: text.slice(at, end < 0 ? undefined : end).trim(), column });
    if (end < 0) return cells;
    at = end + 1;
  }
}

/** Position of the quote that ends the cell opened at `from`, -1 when there is none; `""` stands for a quote. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return -1;
}

function parseNumber(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  return MISSING.test(text) ? Number.NaN : undefined;
}

const EXPECTED_TIME = 'expected such as 2020-03-09 10:14:33, 2020-03-09T10:14:33.5Z or seconds since 1970';

function findTimeColumn(file: string, names: Cell[], first: Cell[], wanted: string | undefined): number {
  if (wanted !== undefined) return findColumn(file, names, wanted, 'of the timestamps');
  const named = names.findIndex(({ text }) => TIME_NAMES.test(text));
  if (named >= 0) return named;
  const formed = first.findIndex(({ text }) => DATE_TIME.test(text) && parseTimestamp(text) !== undefined);
  if (formed >= 0) return formed;
  throw invalid(file, 1, 1, 'no timestamp column found; name it (option time)');
}

function findColumn(file: string, names: Cell[], wanted: string, role: string): number {
  const index = names.findIndex(({ text }) => text === wanted);
  if (index >= 0) return index;
  const known = names.map(({ text }) => text).join(', ');
  throw invalid(file, 1, 1, `no column '${wanted}' ${role}; there are: ${known}`);
}

function checkNames(file: string, names: Cell[]): void {
  const seen = new Set<string>();
  for (const { text, column } of names) {
    if (text === '') throw invalid(file, 1, column, 'a column has no name');
    if (seen.has(text)) throw invalid(file, 1, column, `the column name '${text}' appears twice`);
    seen.add(text);
  }
}

function checkWidth(file: string, line: number, cells: Cell[], width: number): void {
  if (cells.length === width) return;
  const at = cells.length > width ? cells[width]!.column : cells.at(-1)!.column;
  throw invalid(file, line, at, `the row has ${cells.length} cells; the header has ${width}`);
}

function invalid(file: string, line: number, column: number, problem: string): InputError {
  return new InputError('recording-invalid', `${file}:${line}:${column}: ${problem}`, {
    facts: { file, line, column },
  });
}
