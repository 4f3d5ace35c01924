/** Tags by stage: latest value, unit, quality, sparkline; what is not normal stands out. */

import { $, el, setClass, setText } from './dom.js';
import * as format from './format.js';
import { Sparkline } from './sparkline.js';

/** Readings closer than this share a point, as in the node. */
const GAP_SECONDS = 0.5;
/** A tag with a smaller part in an anomaly is named in its explanation, but not marked in the list. */
const MARKED_SHARE = 0.05;
const FLAGS = {
  high: '▲ high',
  low: '▼ low',
  frozen: '‖ frozen',
  missing: '∅ missing',
  inconsistent: '≠ inconsistent',
};

/** By index. */
let rows = [];
let stages = new Map();
let maxPoints = 120;
/** Tag name → direction of its deviation in an active anomaly. */
let deviations = new Map();
let dirty = new Set();

const now = () => performance.now() / 1000;

export function load({ points, tags }) {
  maxPoints = points;
  if (rows.length !== tags.length || rows.some((row, index) => row.tag.name !== tags[index].name))
    build(tags);
  const time = now();
  for (const tag of tags) {
    const row = rows[tag.index];
    row.xs = tag.history.ages.map((age) => time - age);
    row.ys = [...tag.history.values];
    Object.assign(row, { value: tag.value, quality: tag.quality, reason: tag.reason });
    dirty.add(row);
  }
  draw();
}

export function update(deltas) {
  const time = now();
  for (const [index, value, quality, reason] of deltas) {
    const row = rows[index];
    if (!row) continue;
    Object.assign(row, { value, quality, reason });
    push(row, time, quality === 'bad' ? null : value);
    dirty.add(row);
  }
  requestAnimationFrame(draw);
}

function push(row, time, value) {
  const number = typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : null;
  const last = row.xs.length - 1;
  if (last >= 0 && time - row.xs[last] < GAP_SECONDS) {
    row.ys[last] = number;
    return;
  }
  row.xs.push(time);
  row.ys.push(number);
  if (row.xs.length > maxPoints) {
    row.xs.shift();
    row.ys.shift();
  }
}

/** @param active views of the anomalies that last now. */
export function setDeviations(active) {
  const next = new Map();
  for (const { contributions } of active) {
    for (const { tag, direction, share } of contributions) {
      if (share >= MARKED_SHARE && !next.has(tag)) next.set(tag, direction);
    }
  }
  for (const row of rows) {
    if (next.get(row.tag.name) !== deviations.get(row.tag.name)) dirty.add(row);
  }
  deviations = next;
  draw();
}

export function setBaselines(baselines) {
  for (const [name, stage] of stages) {
    const baseline = baselines[name];
    const text =
      !baseline || baseline.state === 'ready'
        ? ''
        : baseline.state === 'failed'
          ? 'baseline failed'
          : `learning ${format.percent(baseline.progress)}`;
    setText(stage.baseline, text);
  }
}

function draw() {
  if (dirty.size === 0) return;
  for (const row of dirty) drawRow(row);
  dirty = new Set();
  for (const stage of stages.values()) {
    const abnormal = stage.rows.filter((row) => row.tone !== 'normal').length;
    setText(stage.abnormal, abnormal ? `▲ ${abnormal} abnormal` : '');
    setText(stage.link.lastChild, abnormal ? ` ▲ ${abnormal}` : '');
    setClass(stage.link, abnormal ? 'abnormal' : '');
  }
  if ($('abnormal-only').checked) filter();
}

function drawRow(row) {
  const { value, quality, reason, tag } = row;
  const deviation = deviations.get(tag.name);
  let flag = '';
  row.tone = 'normal';
  if (quality === 'uncertain') {
    flag = `? ${format.words(reason ?? 'uncertain')}`;
    row.tone = 'warn';
  }
  if (deviation) {
    flag = FLAGS[deviation];
    row.tone = 'alarm';
  }
  if (quality === 'bad') {
    flag = `✕ ${format.words(reason ?? 'bad')}`;
    row.tone = deviation ? 'alarm' : 'warn';
  }
  setText(row.valueText, format.value(value));
  setText(row.flag, quality === null ? 'not read yet' : flag);
  setClass(row.element, `tag ${row.tone}`);
  row.sparkline.set(row.xs, row.ys, row.tone);
}

function build(tags) {
  rows = [];
  stages = new Map();
  const nav = [];
  for (const tag of tags) {
    let stage = stages.get(tag.stage);
    if (!stage) {
      stage = buildStage(tag.stage);
      stages.set(tag.stage, stage);
      nav.push(stage.link);
    }
    const row = buildRow(tag);
    rows[tag.index] = row;
    stage.rows.push(row);
    stage.list.append(row.element);
  }
  for (const stage of stages.values()) setText(stage.count, format.count(stage.rows.length, 'tag'));
  $('stage-nav').replaceChildren(...nav);
  $('stages').replaceChildren(...[...stages.values()].map(({ element }) => element));
  setText($('tag-count'), String(tags.length));
}

function buildStage(name) {
  const id = `stage-${name}`;
  const list = el('ul', { class: 'rows' });
  const count = el('span', { class: 'quiet' });
  const baseline = el('span', { class: 'quiet' });
  const abnormal = el('span', { class: 'abnormal' });
  const heading = el('h3', { id, tabIndex: -1 }, format.words(name));
  const element = el(
    'section',
    { class: 'stage', 'aria-labelledby': id },
    el('div', { class: 'stage-head' }, heading, count, baseline, abnormal),
    list,
  );
  const link = el('a', { href: `#${id}` }, format.words(name), el('span'));
  return { element, list, count, baseline, abnormal, link, rows: [] };
}

function buildRow(tag) {
  const chart = el('span', { class: 'spark', 'aria-hidden': 'true' });
  const valueText = el('span', { class: 'value' });
  const flag = el('span', { class: 'flag' });
  const element = el(
    'li',
    { class: 'tag normal', title: `${tag.name} (${tag.kind})` },
    el(
      'span',
      { class: 'name' },
      ...breakable(tag.name),
      el('span', { class: 'kind' }, format.words(tag.kind)),
    ),
    chart,
    el('span', { class: 'reading' }, valueText, el('span', { class: 'unit' }, format.unit(tag.unit)), flag),
  );
  const search = `${tag.name} ${tag.kind} ${tag.stage}`.toLowerCase();
  const sparkline = new Sparkline(chart);
  return { tag, element, valueText, flag, sparkline, search, tone: 'normal', xs: [], ys: [] };
}

/** Long names break after their separators, not within a word. */
const breakable = (name) => name.split(/(?<=[._/-])/).flatMap((part) => [part, el('wbr')]);

export function filter() {
  const wanted = $('filter').value.trim().toLowerCase();
  const abnormalOnly = $('abnormal-only').checked;
  let shown = 0;
  for (const stage of stages.values()) {
    let inStage = 0;
    for (const row of stage.rows) {
      const show = row.search.includes(wanted) && !(abnormalOnly && row.tone === 'normal');
      row.element.hidden = !show;
      if (show) inStage += 1;
    }
    stage.element.hidden = inStage === 0;
    shown += inStage;
  }
  $('no-match').hidden = shown > 0 || rows.length === 0;
  setText($('tag-count'), shown === rows.length ? String(shown) : `${shown} of ${rows.length}`);
}
