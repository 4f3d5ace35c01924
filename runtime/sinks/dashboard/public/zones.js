/** The list of zones and tripwires beside the picture: names, kinds, what is wrong with them; loaded and saved. */

import { get, post } from './api.js';
import { $, el, keyed, setText } from './dom.js';
import { ZoneShapes } from './zone-shapes.js';

const MODES = { include: 'watched area', exclude: 'excluded area' };
const DIRECTIONS = {
  both: 'crossings both ways',
  'left-to-right': 'from left to right',
  'right-to-left': 'from right to left',
};
const LONGEST_NAME = 64;

let path;
let inFile;
let editing = false;
let problems = [];
let nextKey = 0;
let onEditing = () => {};
const shapes = new ZoneShapes($('stage'), render);

/** @param handler called with whether zones are being edited. */
export function init(camera, handler) {
  path = `/api/cameras/${camera}/zones`;
  onEditing = handler;
  $('edit').addEventListener('click', () => begin());
  $('cancel').addEventListener('click', () => end());
  $('save').addEventListener('click', () => save());
  $('add-zone').addEventListener('click', () => add({ kind: 'zone', mode: 'include' }, ZONE));
  $('add-tripwire').addEventListener('click', () => add({ kind: 'tripwire', direction: 'both' }, WIRE));
  $('remove-corner').addEventListener('click', () => shapes.removeCorner());
  addEventListener('beforeunload', (event) => editing && isChanged() && event.preventDefault());
}

export async function load() {
  if (editing) return;
  try {
    inFile = await get(path);
  } catch {
    note('Zones cannot be edited here.');
    $('edit').hidden = true;
    return;
  }
  $('edit').hidden = false;
  $('edit').disabled = inFile.readOnly !== undefined;
  note(inFile.readOnly && `Read only: ${inFile.readOnly}`);
  reset();
}

const ZONE = [
  [0.3, 0.35],
  [0.7, 0.35],
  [0.7, 0.8],
  [0.3, 0.8],
];
const WIRE = [
  [0.2, 0.6],
  [0.8, 0.6],
];

function reset() {
  problems = [];
  const zones = inFile.zones.map(({ polygon, ...zone }) => ({
    kind: 'zone',
    key: nextKey++,
    points: polygon,
    ...zone,
  }));
  const wires = inFile.tripwires.map(({ line, ...wire }) => ({
    kind: 'tripwire',
    key: nextKey++,
    points: line,
    ...wire,
  }));
  shapes.shapes = [...zones, ...wires].map((shape) => ({
    ...shape,
    points: shape.points.map((point) => [...point]),
  }));
  shapes.choose(-1);
}

function begin() {
  setEditing(true);
  tell('');
  shapes.choose(shapes.shapes.length > 0 ? 0 : -1);
}

function end() {
  setEditing(false);
  tell('');
  reset();
}

function setEditing(now) {
  editing = now;
  $('stage').classList.toggle('editing', now);
  $('edit').hidden = now;
  $('tools').hidden = !now;
  $('hint').hidden = !now;
  setText(
    $('hint'),
    'Drag corners; drag between two corners for a new one; drag inside to move all of it. An arrow at a tripwire shows which crossings count.',
  );
  onEditing(now);
  render();
}

function add(shape, points) {
  const names = new Set(shapes.shapes.map(({ name }) => name));
  let number = 1;
  while (names.has(`${shape.kind}-${number}`)) number++;
  const name = `${shape.kind}-${number}`;
  const firstWire = shapes.shapes.findIndex(({ kind }) => kind === 'tripwire');
  const at = shape.kind === 'zone' && firstWire >= 0 ? firstWire : shapes.shapes.length;
  const fresh = { ...shape, key: nextKey++, name, points: points.map((point) => [...point]) };
  shapes.shapes.splice(at, 0, fresh);
  problems = [];
  shapes.choose(at);
  $('zone-list').querySelectorAll('input')[at].select();
}

function remove(index) {
  shapes.shapes.splice(index, 1);
  problems = [];
  shapes.choose(Math.min(index, shapes.shapes.length - 1));
}

/** As the node takes them; each list in its own order, by which the node names what is wrong. */
function edit() {
  const of = (kind) => shapes.shapes.filter((shape) => shape.kind === kind);
  return {
    revision: inFile.revision,
    zones: of('zone').map(({ name, was, mode, points }) => ({ name, was, mode, polygon: points })),
    tripwires: of('tripwire').map(({ name, was, direction, points }) => ({
      name,
      was,
      direction,
      line: points,
    })),
  };
}

function isChanged() {
  const { revision, zones, tripwires } = inFile;
  const plain = ({ name, mode, direction, polygon, line }) => [name, mode ?? direction, polygon ?? line];
  const now = edit();
  const list = ({ zones: some, tripwires: more }) => JSON.stringify([some.map(plain), more.map(plain)]);
  return list(now) !== list({ revision, zones, tripwires });
}

async function save() {
  $('save').disabled = true;
  tell('Saving…');
  try {
    const { ok, body } = await post(path, JSON.stringify(edit()));
    if (ok) return await saved(body);
    problems = body.problems ?? [];
    const general = problems.filter(({ path: at }) => at.length < 2).map(({ message }) => message);
    const hint = problems.length > general.length ? 'Nothing was saved: see what is marked above.' : '';
    tell([problems.length === 0 ? body.message : hint, ...general].filter(Boolean).join(' '), true);
  } catch (error) {
    tell(`Nothing was saved: the node does not answer (${error.message}).`, true);
  } finally {
    $('save').disabled = false;
    render();
  }
  $('zone-list').querySelector('[aria-invalid=true]')?.focus();
}

async function saved({ takesEffect, needsRestart = [], refused }) {
  setEditing(false);
  await load();
  const inUse =
    takesEffect === 'now' ? 'Saved, and in use.' : 'Saved. In use when the node is started again.';
  const waits = needsRestart.length > 0 ? `Waits for a restart: ${needsRestart.join(', ')}.` : '';
  tell([inUse, refused && `Why: ${refused}`, waits].filter(Boolean).join(' '), refused !== undefined);
}

function tell(text, bad = false) {
  setText($('outcome'), text);
  $('outcome').classList.toggle('bad', bad);
}

function note(text) {
  $('zones-note').hidden = !text;
  setText($('zones-note'), text ?? '');
}

/** What the node said of a shape, by its place in its own list. */
function problemsOf(index) {
  const { kind } = shapes.shapes[index];
  const place = shapes.shapes.slice(0, index).filter((shape) => shape.kind === kind).length;
  return problems.filter(({ path: [list, at] }) => list === `${kind}s` && at === place);
}

function render() {
  keyed(
    $('zone-list'),
    shapes.shapes,
    ({ key }) => `${editing}-${key}`,
    editing ? createEditor : createLine,
    fill,
  );
  $('remove-corner').disabled = !shapes.canRemoveCorner;
  if (!editing && inFile) {
    const none = shapes.shapes.length === 0 && inFile.readOnly === undefined;
    note(none ? 'None: the whole picture is watched.' : inFile.readOnly && `Read only: ${inFile.readOnly}`);
  } else note('');
}

const kindOf = ({ kind, mode }) => (kind === 'tripwire' ? 'tripwire' : mode);

function createLine() {
  return el(
    'li',
    {},
    el('span', { 'aria-hidden': 'true' }),
    el('span', { class: 'name' }),
    el('span', { class: 'kind' }),
  );
}

function createEditor(shape) {
  const at = () => shapes.shapes.indexOf(shape);
  const choose = () => shapes.current !== at() && shapes.choose(at());
  const key = shape.kind === 'zone' ? 'mode' : 'direction';
  const options = Object.entries(shape.kind === 'zone' ? MODES : DIRECTIONS);
  const problem = `problem-${shape.key}`;
  const name = el('input', {
    type: 'text',
    maxLength: LONGEST_NAME,
    spellcheck: false,
    autocomplete: 'off',
    'aria-label': 'Name',
    'aria-describedby': problem,
  });
  name.addEventListener('input', () => {
    shape.name = name.value.trim();
  });
  const select = el(
    'select',
    { 'aria-label': shape.kind === 'zone' ? 'Kind of zone' : 'Which crossings count' },
    ...options.map(([value, text]) => el('option', { value }, text)),
  );
  select.addEventListener('change', () => {
    shape[key] = select.value;
    shapes.choose(at());
  });
  const away = el('button', { type: 'button' }, 'Delete');
  away.addEventListener('click', () => remove(at()));
  const item = el(
    'li',
    {},
    el('span', { 'aria-hidden': 'true' }),
    name,
    away,
    el('span', { class: 'choose' }, select),
    el('p', { class: 'problem', id: problem }),
  );
  item.addEventListener('focusin', choose);
  item.addEventListener('pointerdown', choose);
  return item;
}

function fill(item, shape) {
  item.firstChild.className = `swatch ${kindOf(shape)}`;
  if (!editing) {
    setText(item.querySelector('.name'), shape.name);
    setText(
      item.querySelector('.kind'),
      shape.kind === 'zone' ? MODES[shape.mode] : DIRECTIONS[shape.direction],
    );
    return;
  }
  const index = shapes.shapes.indexOf(shape);
  const wrong = problemsOf(index);
  const name = item.querySelector('input');
  item.classList.toggle('current', index === shapes.current);
  if (name !== document.activeElement) name.value = shape.name;
  name.setAttribute('aria-invalid', String(wrong.length > 0));
  item.querySelector('select').value = shape.mode ?? shape.direction;
  item.querySelector('.problem').hidden = wrong.length === 0;
  const field = ({ path: [, , what] }) => (what === undefined || what === 'name' ? '' : `${what}: `);
  setText(item.querySelector('.problem'), wrong.map((one) => field(one) + one.message).join(' · '));
}
