/** Lists from which entries were taken out, and the way back from positions in what is left to those in the file. */

/** Stands where an entry was taken out; YAML never yields it. */
export const HOLE = undefined;

export interface WithoutHoles {
  /** The data with every list closed up. */
  readonly kept: unknown;
  /** From a path in `kept` to the same place in the data with its holes. */
  restore(path: readonly PropertyKey[]): PropertyKey[];
}

export function withoutHoles(data: unknown): WithoutHoles {
  /** Old positions of the entries of each list that was closed up. */
  const positions = new Map<unknown, readonly number[]>();
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const present = value.flatMap((item, index) => (item === HOLE ? [] : [index]));
      const list = present.map((index) => close(value[index]));
      positions.set(list, present);
      return list;
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, close(item)]));
  };
  const kept = close(data);
  const restore = (path: readonly PropertyKey[]): PropertyKey[] => {
    let at: unknown = kept;
    return path.map((part) => {
      const old = typeof part === 'number' ? positions.get(at)?.[part] : undefined;
      at = (at as Record<PropertyKey, unknown> | undefined)?.[part];
      return old ?? part;
    });
  };
  return { kept, restore };
}
