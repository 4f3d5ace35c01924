/** Puts edited zones into the text of a configuration, comments and everything else kept. Pure. */

import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { InputError } from '../../core/errors.ts';
import type { CameraZones } from '../../core/zone-store.ts';
import { withOldLayout } from './layout.ts';

/** Shares of a picture finer than this are below a pixel. */
const DIGITS = 4;
const LAYOUT = { lineWidth: 0, flowCollectionPadding: false };

/** @returns where the camera stands in the list. @throws InputError `unknown-camera` */
export function cameraIndex(document: Document, camera: string): number {
  const cameras = document.get('cameras');
  const index = isSeq(cameras)
    ? cameras.items.findIndex((item) => isMap(item) && item.get('name') === camera)
    : -1;
  if (index >= 0) return index;
  throw new InputError('unknown-camera', `there is no camera '${camera}' in the configuration file`);
}

/** @throws InputError `unknown-camera`, `config-read-only` where an anchor stands for what would be changed. */
export function withZones(text: string, camera: string, { zones, tripwires }: CameraZones): string {
  const document = parseDocument(text);
  const unchanged = document.toString(LAYOUT);
  const path = ['cameras', cameraIndex(document, camera), 'detection'];
  if (!isMap(document.getIn(path))) {
    if (document.getIn(path) !== undefined && document.getIn(path) !== null) refuseAnchor(path);
    document.setIn(path, document.createNode({}));
  }
  const detection = document.getIn(path) as YAMLMap;
  replaceList(document, detection, 'zones', zones, ({ polygon, mode }, entry) => {
    setDefaulted(entry, 'mode', mode, 'include');
    setPoints(document, entry, 'polygon', polygon);
  });
  replaceList(document, detection, 'tripwires', tripwires, ({ line, direction }, entry) => {
    setDefaulted(entry, 'direction', direction, 'both');
    setPoints(document, entry, 'line', line);
  });
  return withOldLayout(text, unchanged, document.toString(LAYOUT));
}

/** Entries keep their node, and so their comments and other keys, under the name they had. */
function replaceList<T extends { name: string; was?: string }>(
  document: Document,
  detection: YAMLMap,
  key: string,
  wanted: readonly T[],
  fill: (one: T, entry: YAMLMap) => void,
): void {
  const list: unknown = detection.get(key, true);
  if (list !== undefined && !isSeq(list)) refuseAnchor([key]);
  if (list === undefined && wanted.length === 0) return;
  const before = (list as YAMLSeq | undefined)?.items ?? [];
  const entries = wanted.map((one) => {
    const known = before.find((item) => isMap(item) && item.get('name') === one.was);
    if (one.was !== undefined && !known) refuseAnchor([key, one.was]);
    const entry = (known ?? document.createNode({})) as YAMLMap;
    if (entry.get('name') !== one.name) entry.set('name', one.name);
    fill(one, entry);
    return entry;
  });
  if (entries.length === 0) detection.delete(key);
  else if (list) {
    (list as YAMLSeq).items = entries;
    (list as YAMLSeq).flow = false;
  } else detection.set(key, Object.assign(document.createNode([]), { items: entries, flow: false }));
}

function setDefaulted(entry: YAMLMap, key: string, value: string, otherwise: string): void {
  if ((entry.get(key) ?? otherwise) !== value) entry.set(key, value);
}

/** Written only when it changed, so that a hand-made layout stays. */
function setPoints(
  document: Document,
  entry: YAMLMap,
  key: string,
  points: readonly (readonly number[])[],
): void {
  const rounded = points.map((point) => point.map((share) => Number(share.toFixed(DIGITS))));
  const before: unknown = entry.get(key, true);
  if (isSeq(before) && JSON.stringify(before.toJSON()) === JSON.stringify(rounded)) return;
  const after = document.createNode(rounded, { flow: true });
  if (isSeq(before)) after.comment = before.comment;
  entry.set(key, after);
}

function refuseAnchor(path: readonly (string | number)[]): never {
  throw new InputError(
    'config-read-only',
    `${path.join('.')} is written in a way that the page does not change (an anchor, or no list): edit the file by hand`,
  );
}
