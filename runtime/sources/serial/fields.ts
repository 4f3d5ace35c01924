/** Reads the values out of one checked frame. Pure. */

import type { SerialFieldConfig, SerialSourceConfig } from '../../config/schema/serial.ts';

/** The engineering value, or null when this frame does not hold one. */
export type FieldReader = (frame: Uint8Array, match: RegExpMatchArray | undefined) => number | null;

export interface FrameReader {
  /** One value per tag in the order of the configuration; undefined when the frame does not match the pattern. */
  read(frame: Uint8Array): (number | null)[] | undefined;
}

export function createFrameReader(config: Pick<SerialSourceConfig, 'pattern' | 'tags'>): FrameReader {
  const pattern = config.pattern === undefined ? undefined : new RegExp(config.pattern);
  const readers = config.tags.map(createFieldReader);
  return {
    read(frame) {
      const match = pattern ? Buffer.from(frame).toString('latin1').match(pattern) : undefined;
      if (match === null) return undefined;
      return readers.map((reader) => reader(frame, match));
    },
  };
}

function createFieldReader(field: SerialFieldConfig): FieldReader {
  const raw = field.match === undefined ? bytesReader(field) : groupReader(field.match);
  return (frame, match) => {
    const value = raw(frame, match);
    return value === null ? null : value * field.scale + field.offset;
  };
}

function groupReader(group: string): FieldReader {
  return (_frame, match) => decimal(match?.groups?.[group]);
}

function bytesReader(field: SerialFieldConfig): FieldReader {
  const { at = 0, type, order, length = 0 } = field;
  if (type === 'ascii') return (frame) => decimal(text(frame, at, length));
  const size = BYTES[type ?? 'uint8'];
  const little = order === 'little';
  return (frame) => {
    if (at + size > frame.length) return null;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    return READ[type ?? 'uint8'](view, at, little);
  };
}

type BinaryType = Exclude<NonNullable<SerialFieldConfig['type']>, 'ascii'>;

const BYTES: Record<BinaryType, number> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  float64: 8,
};
const READ: Record<BinaryType, (view: DataView, at: number, little: boolean) => number> = {
  int8: (view, at) => view.getInt8(at),
  uint8: (view, at) => view.getUint8(at),
  int16: (view, at, little) => view.getInt16(at, little),
  uint16: (view, at, little) => view.getUint16(at, little),
  int32: (view, at, little) => view.getInt32(at, little),
  uint32: (view, at, little) => view.getUint32(at, little),
  float32: (view, at, little) => view.getFloat32(at, little),
  float64: (view, at, little) => view.getFloat64(at, little),
};

function text(frame: Uint8Array, at: number, length: number): string | undefined {
  return at + length > frame.length
    ? undefined
    : Buffer.from(frame.subarray(at, at + length)).toString('latin1');
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** Stricter than Number(): an empty text, `0x10` or `1 2` is no measurement. */
function decimal(found: string | undefined): number | null {
  const trimmed = found?.trim() ?? '';
  return DECIMAL.test(trimmed) ? Number(trimmed) : null;
}
