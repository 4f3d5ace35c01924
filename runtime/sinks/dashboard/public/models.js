/** Models that come as signed updates: what serves, how a trial goes, what was taken back and why. */

import { $, el, keyed, setClass, setText } from './dom.js';
import * as format from './format.js';

const SHOWN = { serving: 'ok', trial: 'starting', empty: 'degraded' };
const MARKS = { ok: '✓', starting: '…', degraded: '!' };
const STEPS = {
  fetch: 'is being fetched',
  verify: 'is being tested',
  staged: 'is here and tested, and waits for its trial',
};
const DIGEST_DIGITS = 12;

export function load(models) {
  const entries = Object.entries(models);
  $('models').hidden = entries.length === 0;
  keyed($('model-list'), entries, ([name]) => name, create, fill);
}

function create([name]) {
  const line = [el('span', { class: 'mark' }), el('strong', {}, name), el('span', { class: 'state' })];
  return el(
    'li',
    {},
    el('p', { class: 'line' }, ...line),
    el('p', { class: 'detail release' }),
    el('p', { class: 'detail why' }),
    el('p', { class: 'detail next' }),
    el(
      'p',
      { class: 'trial' },
      el('progress', { max: 1, 'aria-label': `trial of ${name}` }),
      el('span', { class: 'detail' }),
    ),
    el('p', { class: 'detail refused' }),
  );
}

function fill(element, [, model]) {
  const { state, detail, next, trial, refused } = model;
  // It serves, but not what it should.
  const shown = state === 'serving' && detail !== '' ? 'degraded' : SHOWN[state];
  setClass(element, `state-${shown}`);
  setText(element.querySelector('.mark'), MARKS[shown]);
  setText(element.querySelector('.state'), state === 'empty' ? 'nothing serves' : state);
  show(element, '.release', releaseText(model));
  show(element, '.why', detail);
  show(element, '.next', next ? `Release ${next.release} ${STEPS[next.step]}.` : '');
  fillTrial(element.querySelector('.trial'), trial);
  show(element, '.refused', refused ? `▲ Release ${refused.release} is not used: ${refused.reason}` : '');
}

function releaseText({ release, version, digest, backend }) {
  if (release === null) return '';
  return `Release ${release} (version ${version}, digest ${digest.slice(0, DIGEST_DIGITS)}) on ${backend}`;
}

/** Both must be there: the time, and enough that was judged. */
function fillTrial(element, trial) {
  element.hidden = !trial;
  if (!trial) return;
  const { elapsed, window, inferences, minInferences, attemptsLeft } = trial;
  const share = Math.min(1, elapsed / Math.max(1, window), inferences / Math.max(1, minInferences));
  element.firstChild.value = share;
  const time = `${format.duration(Math.min(elapsed, window))} of ${format.duration(window)}`;
  const seen = `${format.integer(inferences)} of at least ${format.count(minInferences, 'inference')}`;
  const left = format.count(attemptsLeft, 'restart');
  setText(element.lastChild, `On trial: ${time}, ${seen}; ${left} left`);
}

function show(element, selector, text) {
  const part = element.querySelector(selector);
  part.hidden = text === '';
  setText(part, text);
}
