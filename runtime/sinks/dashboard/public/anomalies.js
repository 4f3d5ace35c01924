/** Active and past anomalies; each opens to its explanation. */

import { $, el, keyed, setText } from './dom.js';
import * as format from './format.js';

const PAST_KEPT = 200;
const DIRECTIONS = {
  high: ['▲', 'above normal'],
  low: ['▼', 'below normal'],
  frozen: ['‖', 'frozen'],
  missing: ['∅', 'missing'],
  inconsistent: ['≠', 'inconsistent'],
};

/** Newest first. */
let active = [];
let past = [];
/** Ids whose explanation is open; undefined until the first list came, which opens the newest. */
let opened;
let timeOffset = 0;
let onActive = () => {};

export function init(handler) {
  onActive = handler;
  for (const list of [$('active-anomalies'), $('past-anomalies')]) list.addEventListener('keydown', walk);
  setInterval(() => {
    for (const anomaly of active) updateTimes(anomaly);
  }, 1000);
}

/** @param nodeNow wall time of the node; its clock may not be ours. */
export function setNodeTime(nodeNow) {
  timeOffset = nodeNow - Date.now();
}

export function load(lists) {
  active = lists.active.toSorted((a, b) => b.startedAt - a.startedAt);
  past = lists.past;
  opened ??= new Set(active.slice(0, 1).map(({ id }) => id));
  render();
}

export function accept(anomaly) {
  const isNew = anomaly.active && !active.some(({ id }) => id === anomaly.id);
  active = active.filter(({ id }) => id !== anomaly.id);
  past = past.filter(({ id }) => id !== anomaly.id);
  if (anomaly.active) active = [anomaly, ...active].toSorted((a, b) => b.startedAt - a.startedAt);
  else past = [anomaly, ...past].slice(0, PAST_KEPT);
  opened ??= new Set();
  if (isNew && active.length === 1) opened.add(anomaly.id);
  render();
  const stage = format.words(anomaly.group);
  if (isNew) setText($('announce'), `New anomaly in ${stage}: ${anomaly.summary}`);
  else if (!anomaly.active) setText($('announce'), `The anomaly in ${stage} has ended.`);
}

function render() {
  renderList($('active-anomalies'), active);
  renderList($('past-anomalies'), past);
  const none = $('active-anomalies').querySelector('.none');
  if (active.length === 0 && !none)
    $('active-anomalies').append(el('p', { class: 'none quiet' }, '✓ No active anomaly.'));
  setText($('past-count'), String(past.length));
  onActive(active);
}

function renderList(list, anomalies) {
  keyed(list, anomalies, ({ id }) => id, create, fill);
  const buttons = [...list.querySelectorAll('button')];
  const current = buttons.find((button) => button.tabIndex === 0) ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === current ? 0 : -1;
}

/** Arrow keys, Home and End move between the anomalies of a list; Enter opens (a button does that by itself). */
function walk(event) {
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return;
  const targets = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
  const next = buttons[targets[event.key]];
  if (!next) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function create({ id }) {
  const bodyId = `explanation-${id}`;
  const button = el(
    'button',
    { type: 'button', 'aria-controls': bodyId },
    el('span', { class: 'mark', 'aria-hidden': 'true' }),
    el('span', { class: 'stage-name' }),
    el('span', { class: 'fault' }),
    el('span', { class: 'times' }),
    el('span', { class: 'summary' }),
  );
  button.addEventListener('click', () => {
    if (!opened.delete(id)) opened.add(id);
    render();
  });
  return el(
    'article',
    { class: 'anomaly' },
    el('h3', {}, button),
    el('div', { class: 'explanation', id: bodyId }),
  );
}

function fill(element, anomaly) {
  const button = element.querySelector('button');
  const body = element.querySelector('.explanation');
  const open = opened.has(anomaly.id);
  element.classList.toggle('active', anomaly.active);
  button.setAttribute('aria-expanded', String(open));
  setText(button.querySelector('.mark'), anomaly.active ? '◆' : '◇');
  setText(button.querySelector('.stage-name'), format.words(anomaly.group));
  setText(button.querySelector('.fault'), format.words(anomaly.faultKind));
  setText(button.querySelector('.summary'), anomaly.summary);
  body.hidden = !open;
  if (open) body.replaceChildren(...explain(anomaly));
  else body.replaceChildren();
  updateTimes(anomaly, element);
}

function lasting(anomaly) {
  return anomaly.active ? Date.now() + timeOffset - anomaly.startedAt : anomaly.durationMs;
}

function updateTimes(anomaly, element = document.querySelector(`[data-key="${CSS.escape(anomaly.id)}"]`)) {
  if (!element) return;
  const since = format.moment(anomaly.startedAt, Date.now() + timeOffset);
  const text = `${anomaly.active ? 'since ' : ''}${since} · ${format.duration(lasting(anomaly))}`;
  setText(element.querySelector('.times'), text);
  const cell = element.querySelector('.duration');
  if (cell) setText(cell, format.duration(lasting(anomaly)));
}

function explain(anomaly) {
  const fact = (name, value, props) => el('div', {}, el('dt', {}, name), el('dd', props, value));
  const started = format.moment(anomaly.startedAt, Date.now() + timeOffset);
  const facts = el(
    'dl',
    { class: 'facts wide' },
    fact('Suspected fault', format.words(anomaly.faultKind)),
    fact('Detector', anomaly.detector),
    fact('Score (limit 1)', `${format.value(anomaly.score)}, peak ${format.value(anomaly.peak)}`),
    fact('Started', anomaly.timeSynced ? started : `${started} (clock not synchronised)`),
    fact('Duration', format.duration(lasting(anomaly)), { class: 'duration' }),
  );
  if (anomaly.contributions.length === 0)
    return [facts, el('p', { class: 'quiet' }, 'No single tag stands out.'), detectors(anomaly)];
  const head = ['Tag', 'Part in the score', 'Value', 'Against normal'].map((text) =>
    el('th', { scope: 'col' }, text),
  );
  const table = el(
    'table',
    { class: 'contributions' },
    el('caption', {}, anomaly.active ? 'What deviates' : 'What deviated, at the worst moment'),
    el('thead', {}, el('tr', {}, ...head)),
    el('tbody', {}, ...anomaly.contributions.map((part) => contribution(part, anomaly.learning))),
  );
  return [facts, table, detectors(anomaly)];
}

function contribution({ tag, unit, value, normal, direction, share }, learning) {
  const [symbol, words] = DIRECTIONS[direction] ?? ['?', direction];
  const bar = el('span', { class: 'bar', 'aria-hidden': 'true' }, el('span'));
  bar.firstChild.style.width = `${Math.max(1, Math.min(100, share * 100))}%`;
  const range = normal
    ? `${learning ? 'valid' : 'normal'} ${format.value(normal.low)} – ${format.withUnit(normal.high, unit)}`
    : 'normal not learned yet';
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, tag),
    el('td', { class: 'share' }, bar, el('span', {}, format.percent(share))),
    el('td', { class: 'value' }, value === null ? 'no value' : format.withUnit(value, unit)),
    el(
      'td',
      { class: 'against' },
      el('span', { class: 'direction' }, `${symbol} ${words}`),
      range2d(value, normal),
      el('span', { class: 'quiet' }, range),
    ),
  );
}

/** A small scale: the band is what is normal, the tick is the value, held at the edge when it is far off. */
function range2d(value, normal) {
  const scale = el('span', { class: 'scale', 'aria-hidden': 'true' }, el('span', { class: 'band' }));
  const { low, high } = normal ?? { low: 0, high: 0 };
  const width = high - low;
  if (value === null || !(width > 0)) return scale;
  const tick = el('span', { class: 'tick' });
  const position = 35 + (30 * (value - low)) / width;
  tick.style.left = `${Math.max(1, Math.min(99, position))}%`;
  scale.append(tick);
  return scale;
}

function detectors({ scores }) {
  const entries = Object.entries(scores).sort(([, a], [, b]) => b - a);
  const items = entries.map(([name, score]) =>
    el('li', { class: score >= 1 ? 'over' : '' }, `${name} ${format.value(score)}`),
  );
  return el(
    'div',
    { class: 'detectors' },
    el('span', { class: 'quiet' }, 'Detectors (limit 1)'),
    el('ul', {}, ...items),
  );
}
