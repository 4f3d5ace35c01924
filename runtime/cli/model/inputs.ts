/** Files named on the command line as the inputs of a model: CSV, JSON, .npy, raw elements. */

import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { InputError, UsageError } from '../../core/errors.ts';
import type { Tensor, TensorInfo, Tensors } from '../../pipeline/inference/session.ts';
import { parseNpy } from './npy.ts';
import type { NamedShapes } from './shapes.ts';
import { countOf, fromBytes, fromNumbers, shapeText, solveShape } from './tensors.ts';

/** What one inference takes, and what to call it: `rows.csv:2`. */
export interface Feed {
  readonly from: string;
  readonly inputs: Tensors;
}

const MOST_BYTES = 1e9;
const RAW = ['.bin', '.raw', '.f32', '.dat'];
const PICTURES = ['.jpg', '.jpeg', '.png', '.ppm'];

export const isPicture = (file: string): boolean => PICTURES.includes(extname(file).toLowerCase());

/**
 * @param args `FILE`, or `INPUT=FILE` where the model has several.
 * @returns one feed, or one per row of a CSV file.
 * @throws InputError `input-unreadable`, `tensor-unreadable`, `tensor-shape`, `tensor-value`; UsageError.
 */
export function readFeeds(
  args: readonly string[],
  infos: readonly TensorInfo[],
  shapes: NamedShapes,
): Feed[] {
  const [only] = args;
  if (args.length === 1 && only && extname(only).toLowerCase() === '.csv')
    return csvFeeds(only, infos, shapes);
  if (args.length === 1 && only && extname(only).toLowerCase() === '.json')
    return [{ from: only, inputs: jsonTensors(only, infos, shapes) }];
  const inputs: Record<string, Tensor> = {};
  for (const arg of args) {
    const { info, file } = assign(arg, infos);
    inputs[info.name] = tensorFile(file, info, shapes[info.name]);
  }
  const missing = infos.filter(({ name }) => !(name in inputs));
  if (missing.length === 0) return [{ from: args.join(' '), inputs }];
  const list = missing.map(({ name, type, shape }) => `${name} (${type} ${shapeText(shape)})`).join(', ');
  throw new UsageError('usage', `nothing was given for ${list}; name a file as ${missing[0]!.name}=FILE`);
}

/** All of a file. @throws InputError `input-unreadable`. */
export function readInput(file: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES)
      throw new InputError('input-unreadable', `it has ${size} bytes; at most 1 GB is read`);
    return readFileSync(file);
  } catch (cause) {
    throw new InputError('input-unreadable', `cannot read ${file}`, { cause, facts: { file } });
  }
}

function assign(arg: string, infos: readonly TensorInfo[]): { info: TensorInfo; file: string } {
  const named = infos.find(({ name }) => arg.startsWith(`${name}=`));
  if (named) return { info: named, file: arg.slice(named.name.length + 1) };
  if (infos.length === 1) return { info: infos[0]!, file: arg };
  const names = infos.map(({ name }) => name).join(', ');
  throw new UsageError('usage', `the model has ${infos.length} inputs (${names}): say which as NAME=${arg}`);
}

function tensorFile(file: string, info: TensorInfo, given: readonly number[] | undefined): Tensor {
  const bytes = readInput(file);
  const kind = extname(file).toLowerCase();
  if (RAW.includes(kind)) return fromBytes(info, bytes, given, file);
  if (kind === '.json') return jsonTensor(parseJson(bytes, file), info, given, file);
  if (kind === '.npy') {
    const array = parseNpy(bytes, file);
    if (array.type !== info.type) {
      const message = `${file} holds ${array.type}, input '${info.name}' is ${info.type}`;
      throw new InputError('tensor-type', message);
    }
    return fromBytes(info, array.bytes, given ?? array.shape, file);
  }
  if (isPicture(file))
    throw new InputError(
      'input-unreadable',
      `${file} is a picture: vigie model run shows it to a model with a manifest`,
    );
  const kinds = ['.csv', '.json', '.npy', ...RAW].join(' ');
  throw new InputError('input-unreadable', `${file}: read are ${kinds}, by the end of the name`);
}

function csvFeeds(file: string, infos: readonly TensorInfo[], shapes: NamedShapes): Feed[] {
  const [info] = infos;
  if (infos.length !== 1 || !info) {
    const names = infos.map(({ name }) => name).join(', ');
    throw new UsageError('usage', `a CSV file is for a model with one input; this one has ${names}`);
  }
  const rows = csvRows(readInput(file).toString('utf8'), file);
  const shape = (shapes[info.name] ?? info.shape).map((dim, axis) => (axis === 0 && dim < 0 ? 1 : dim));
  const width = countOf(shape.filter((dim) => dim >= 0));
  const columns = rows[0]!.values.length;
  if (columns === width) return rows.map(({ line, values }) => feed(info, values, shape, `${file}:${line}`));
  const all = rows.flatMap(({ values }) => values);
  // A series down one column, as long as the model's window, is one input too.
  if (all.length === width) return [feed(info, all, shape, file)];
  const message = `${file} has ${columns} columns in ${rows.length} rows; input '${info.name}' is ${shapeText(shape)}, ${width} numbers`;
  throw new InputError('tensor-shape', message, { facts: { file, columns, rows: rows.length, width } });
}

function feed(info: TensorInfo, values: readonly number[], given: readonly number[], from: string): Feed {
  const shape = solveShape(info, values.length, given, from);
  return { from, inputs: { [info.name]: fromNumbers(info, shape, values, from) } };
}

interface CsvRow {
  readonly line: number;
  readonly values: readonly number[];
}

/** Numbers separated by commas, semicolons or tabs; a first line of names is passed over. */
function csvRows(text: string, file: string): CsvRow[] {
  const lines = text.split(/\r?\n/).map((content, index) => ({ line: index + 1, content: content.trim() }));
  const cells = lines
    .filter(({ content }) => content !== '')
    .map(({ line, content }) => ({ line, cells: content.split(/[,;\t]/).map((cell) => cell.trim()) }));
  const body = cells[0]?.cells.some((cell) => !isNumber(cell)) ? cells.slice(1) : cells;
  const width = body[0]?.cells.length;
  if (width === undefined) throw new InputError('tensor-unreadable', `${file} holds no row of numbers`);
  return body.map(({ line, cells }) => {
    const odd = cells.find((cell) => !isNumber(cell));
    if (odd !== undefined)
      throw new InputError('tensor-unreadable', `${file}:${line}: '${odd}' is no number`);
    if (cells.length !== width) {
      const message = `${file}:${line}: ${cells.length} columns where the first row has ${width}`;
      throw new InputError('tensor-unreadable', message);
    }
    return { line, values: cells.map(Number) };
  });
}

const isNumber = (cell: string) => cell !== '' && (Number.isFinite(Number(cell)) || /^nan$/i.test(cell));

function jsonTensors(file: string, infos: readonly TensorInfo[], shapes: NamedShapes): Tensors {
  const value = parseJson(readInput(file), file);
  const byName = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!byName && infos.length === 1) {
    const [info] = infos as [TensorInfo];
    return { [info.name]: jsonTensor(value, info, shapes[info.name], file) };
  }
  const given = (byName ? value : {}) as Record<string, unknown>;
  const wanted = infos.map(({ name }) => name);
  const wrong = [
    ...wanted.filter((name) => !Object.hasOwn(given, name)),
    ...Object.keys(given).filter((name) => !wanted.includes(name)),
  ];
  if (wrong.length > 0) {
    const message = `${file}: an object with the inputs ${wanted.join(', ')} is expected; look at ${wrong.join(', ')}`;
    throw new InputError('tensor-unreadable', message);
  }
  return Object.fromEntries(
    infos.map((info) => [
      info.name,
      jsonTensor(given[info.name], info, shapes[info.name], `${file}: ${info.name}`),
    ]),
  );
}

/** Nested lists of numbers give the shape; a flat list takes the model's. */
function jsonTensor(
  value: unknown,
  info: TensorInfo,
  given: readonly number[] | undefined,
  from: string,
): Tensor {
  const shape: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0]) shape.push(at.length);
  const numbers = Array.isArray(value) ? value.flat(shape.length) : [value];
  if (
    !numbers.every((one) => typeof one === 'number' || typeof one === 'boolean') ||
    numbers.length !== countOf(shape)
  )
    throw new InputError('tensor-unreadable', `${from}: lists of numbers, all of one length, are expected`);
  const flat = shape.length <= 1 && info.shape.length !== shape.length;
  const own = flat ? solveShape(info, numbers.length, given, from) : (given ?? shape);
  return fromNumbers(info, solveShape(info, numbers.length, own, from), numbers.map(Number), from);
}

function parseJson(bytes: Buffer, file: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new InputError('tensor-unreadable', `${file} is no JSON`, { cause });
  }
}
