/** What the node says of itself: services and buses, outbox, baseline, clock, configuration, commands. */

import { runCommand } from './api.js';
import { $, el, keyed, setClass, setText } from './dom.js';
import * as format from './format.js';

const MARKS = { ok: '✓', starting: '…', degraded: '!', failed: '✕', stopped: '■' };
const CONFIG = {
  ok: 'as in the file',
  'last-known-good': 'the file has errors; the last good one is in use',
  quarantine: 'some entries are wrong and left out',
};

export function load(status) {
  setText($('where'), `${status.site} / ${status.node}`);
  document.title = `${status.node} · Vigie`;
  vitals(status);
  keyed($('components'), Object.entries(status.components), ([name]) => name, createHealth, fillHealth);
  facts($('outbox'), {
    'Waiting to be sent': format.count(status.outbox.records, 'record'),
    Size: format.bytes(status.outbox.bytes),
    Events: format.integer(status.outbox.byClass.event),
    Health: format.integer(status.outbox.byClass.health),
    Readings: format.integer(status.outbox.byClass.reading),
    Pictures: format.integer(status.outbox.byClass.picture),
    'Dropped for space': [format.integer(status.outbox.evicted), status.outbox.evicted > 0],
  });
  keyed($('baselines'), Object.entries(status.baselines), ([name]) => name, createBaseline, fillBaseline);
  facts($('facts'), {
    Clock: status.timeQuality === 'synced' ? 'synchronised' : ['not synchronised: times may be wrong', true],
    Configuration: [CONFIG[status.config.state], status.config.state !== 'ok'],
    ...(status.config.needsRestart
      ? { 'Waits for a restart': [status.config.needsRestart.join(', '), true] }
      : {}),
    Version: status.version,
    'Running for': format.duration(status.uptime),
  });
  const problems = status.config.problems.map((text) => el('li', {}, text));
  $('problems').replaceChildren(...problems);
}

/** @param names name → text, or [text, is abnormal]. */
function facts(list, names) {
  const entries = Object.entries(names).map(([name, value]) => [name, ...[value].flat()]);
  keyed(
    list,
    entries,
    ([name]) => name,
    ([name]) => el('div', {}, el('dt', {}, name), el('dd')),
    (element, [, text, abnormal]) => {
      setText(element.lastChild, abnormal ? `▲ ${text}` : text);
      setClass(element.lastChild, abnormal ? 'warn' : '');
    },
  );
}

function vitals(status) {
  const broker = status.components.mqtt;
  const { records, evicted } = status.outbox;
  const dropped = evicted > 0 ? `, ${format.integer(evicted)} dropped` : '';
  const items = [
    ['Node', status.health.state, status.health.state],
    [
      'Broker',
      broker?.state ?? 'stopped',
      !broker ? 'none' : broker.state === 'ok' ? 'connected' : broker.state,
    ],
    ['Outbox', evicted > 0 ? 'degraded' : 'ok', `${format.count(records, 'record')}${dropped}`],
    ['Clock', status.timeQuality === 'synced' ? 'ok' : 'degraded', status.timeQuality],
  ];
  keyed(
    $('vitals'),
    items,
    ([name]) => name,
    ([name]) =>
      el('li', {}, el('span', { class: 'mark' }), el('span', { class: 'label' }, name), el('strong')),
    (element, [, state, text]) => {
      setClass(element, `state-${state}`);
      setText(element.firstChild, MARKS[state]);
      setText(element.lastChild, text);
    },
  );
}

function createHealth([name]) {
  return el(
    'li',
    {},
    el(
      'p',
      { class: 'line' },
      el('span', { class: 'mark' }),
      el('strong', {}, name),
      el('span', { class: 'state' }),
    ),
    el('p', { class: 'detail' }),
  );
}

function fillHealth(element, [, health]) {
  const { state, detail, parts } = health;
  setClass(element, `state-${state}`);
  setText(element.querySelector('.mark'), MARKS[state]);
  setText(element.querySelector('.state'), state);
  setText(element.querySelector('.detail'), detail);
  fillParts(element, Object.entries(parts ?? {}));
}

/** What is wrong is shown; what is well is counted and opens on demand. */
function fillParts(element, parts) {
  let box = element.querySelector(':scope > .parts');
  if (parts.length === 0) {
    box?.remove();
    return;
  }
  if (!box) {
    const well = el('details', {}, el('summary'), el('ul', { class: 'components' }));
    box = el('div', { class: 'parts' }, el('ul', { class: 'components' }), well);
    element.append(box);
  }
  const isWell = ([, { state }]) => state === 'ok';
  const well = parts.filter(isWell);
  const [unwellList, details] = box.children;
  keyed(
    unwellList,
    parts.filter((part) => !isWell(part)),
    ([name]) => name,
    createHealth,
    fillHealth,
  );
  keyed(details.lastChild, well, ([name]) => name, createHealth, fillHealth);
  setText(details.firstChild, `${well.length} of ${parts.length} parts ok`);
  details.hidden = well.length === 0;
}

function createBaseline([name]) {
  const bar = el('progress', { max: 1, 'aria-label': `baseline of ${format.words(name)}` });
  return el(
    'li',
    {},
    el('span', { class: 'mark' }),
    el('span', {}, format.words(name)),
    el('span', { class: 'state' }),
    bar,
    el('span', { class: 'detail' }),
  );
}

function fillBaseline(element, [, { state, progress, detail }]) {
  const shown = { ready: 'ok', learning: 'starting', failed: 'failed' }[state];
  setClass(element, `state-${shown}`);
  setText(element.firstChild, MARKS[shown]);
  setText(
    element.querySelector('.state'),
    state === 'learning' ? `learning ${format.percent(progress)}` : state,
  );
  const bar = element.querySelector('progress');
  bar.hidden = state !== 'learning';
  bar.value = progress;
  setText(element.querySelector('.detail'), state === 'ready' ? '' : detail);
}

export function loadCameras(cameras) {
  $('cameras').hidden = cameras.length === 0;
  keyed($('camera-list'), cameras, ({ name }) => name, createCamera, fillCamera);
}

function createCamera({ name }) {
  return el(
    'li',
    {},
    el(
      'p',
      { class: 'line' },
      el('span', { class: 'mark' }),
      el('a', { href: `/cameras/${name}/` }, name),
      el('span', { class: 'state' }),
    ),
    el('p', { class: 'detail' }),
  );
}

function fillCamera(element, { health: { state, detail }, events }) {
  setClass(element, `state-${state}`);
  setText(element.querySelector('.mark'), MARKS[state]);
  setText(element.querySelector('.state'), events > 0 ? format.count(events, 'open event') : state);
  setText(element.querySelector('.detail'), detail);
}

export function loadCommands(commands) {
  $('commands').hidden = commands.length === 0;
  keyed(
    $('command-list'),
    commands,
    ({ name }) => name,
    createCommand,
    () => {},
  );
}

function createCommand({ name, description }) {
  const field = el('input', { type: 'text', value: '{}', spellcheck: false, autocomplete: 'off' });
  const button = el('button', { type: 'submit' }, 'Run');
  const output = el('output');
  const form = el(
    'form',
    { class: 'command' },
    el('h3', {}, name),
    el('p', { class: 'quiet' }, description),
    el('label', {}, 'Arguments (JSON) ', field),
    button,
    output,
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    setText(output, 'running…');
    try {
      setText(output, `✓ done: ${JSON.stringify(await runCommand(name, field.value))}`);
    } catch (error) {
      setText(output, `✕ ${error.message}`);
    } finally {
      button.disabled = false;
    }
  });
  return form;
}
