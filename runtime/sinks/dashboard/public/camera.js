/** A camera's page: its live picture, who is seen, what happened, its zones. */

import { follow, get } from './api.js';
import { $, el, keyed, setClass, setText } from './dom.js';
import * as format from './format.js';
import * as zones from './zones.js';

const KEPT_EVENTS = 50;
const RETRY_MS = 5000;
/** While zones are edited, a plain picture this often stands in for the stream. */
const SNAPSHOT_EVERY_MS = 1000;
const MARKS = { ok: '✓', degraded: '!', failed: '✕', starting: '…', stopped: '■' };

const name = decodeURIComponent(location.pathname.split('/')[2]);
const base = `/cameras/${name}`;
/** Newest first. */
let events = [];
let editing = false;
let count = 0;
let timer;

/** Only while someone looks: a page in the background costs nothing. */
function showPicture() {
  clearTimeout(timer);
  const picture = $('picture');
  if (document.hidden) picture.removeAttribute('src');
  else if (editing) nextSnapshot();
  else picture.src = `${base}/stream.mjpg?${++count}`;
}

function nextSnapshot() {
  const next = new Image();
  const mine = ++count;
  const again = () => {
    if (editing && !document.hidden && mine === count) timer = setTimeout(nextSnapshot, SNAPSHOT_EVERY_MS);
  };
  next.onload = () => {
    if (mine === count) $('picture').src = next.src;
    again();
  };
  next.onerror = again;
  next.src = `${base}/snapshot.jpg?plain&${mine}`;
}

/** Why the picture is none, or an old one. */
const trouble = { picture: '', camera: '' };

function setTrouble(part, text) {
  trouble[part] = text;
  const told = trouble.camera || trouble.picture;
  $('no-picture').hidden = told === '';
  setText($('no-picture'), told);
}

$('picture').addEventListener('load', () => setTrouble('picture', ''));
$('picture').addEventListener('error', () => {
  if (!$('picture').hasAttribute('src')) return;
  setTrouble('picture', 'No picture: the camera gives none, or too many look at once. Trying again…');
  clearTimeout(timer);
  timer = setTimeout(showPicture, RETRY_MS);
});
document.addEventListener('visibilitychange', showPicture);

async function refresh() {
  const { cameras } = await get('/api/cameras');
  $('cameras').replaceChildren(
    ...cameras.map((camera) =>
      el(
        'a',
        { href: `/cameras/${camera.name}/`, 'aria-current': camera.name === name ? 'page' : undefined },
        camera.name,
      ),
    ),
  );
  await zones.load();
  $('lost').hidden = true;
  document.body.classList.remove('stale');
  showPicture();
}

function lost() {
  document.body.classList.add('stale');
  $('lost').hidden = false;
  setText($('lost'), 'No connection to the node. What is shown is old. Trying again…');
}

function setHealth({ state, detail }) {
  setClass($('health'), `state-${state}`);
  const text = state === 'ok' ? 'working' : state;
  setTrouble('camera', state === 'ok' ? '' : `Not live: ${detail || state}`);
  $('health').replaceChildren(
    el('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[state] ?? '?'),
    el('span', { class: 'label' }, name),
    el('strong', {}, detail ? `${text}: ${detail}` : text),
  );
}

function setScene({ tracks, timing }) {
  const parts = Object.entries(timing).map(([step, ms]) => `${format.words(step)} ${format.value(ms)} ms`);
  setText($('timing'), parts.join(' · '));
  const seen = tracks.filter(({ state }) => state !== 'new');
  $('no-tracks').hidden = seen.length > 0;
  keyed($('tracks'), seen, ({ id }) => id, createTrack, fillTrack);
}

function createTrack() {
  return el(
    'li',
    {},
    el('span', { class: 'mark', 'aria-hidden': 'true' }),
    el('span', { class: 'where' }),
    el('span', { class: 'score quiet' }),
  );
}

function fillTrack(item, { id, label, score, state, intrudes }) {
  const inside = intrudes.length > 0;
  setText(item.children[0], inside ? '◆' : state === 'lost' ? '◌' : '●');
  setClass(item.children[1], inside ? 'where intrudes' : 'where');
  const where = inside ? ` in ${intrudes.join(', ')}` : '';
  setText(item.children[1], `${label} #${id}${where}${state === 'lost' ? ' (out of sight)' : ''}`);
  setText(item.children[2], format.percent(score));
}

function setEvent(event) {
  const isNew = event.phase === 'start' || event.phase === 'once';
  const before = events.find(({ id }) => id === event.id);
  const now = { ...event, picture: event.picture || before?.picture || 0 };
  events = [now, ...events.filter(({ id }) => id !== event.id)].slice(0, KEPT_EVENTS);
  renderEvents();
  if (isNew) setText($('announce'), event.summary);
}

/** There is a picture of an event, or a better one. */
function setPicture({ id, picture }) {
  events = events.map((event) => (event.id === id ? { ...event, picture } : event));
  renderEvents();
}

function renderEvents() {
  $('no-events').hidden = events.length > 0;
  keyed($('events'), events, ({ id }) => id, createEvent, fillEvent);
}

function createEvent() {
  const item = createTrack();
  const thumbnail = el('img', { alt: '', loading: 'lazy', decoding: 'async' });
  // Deleted since: the node keeps so many.
  thumbnail.addEventListener('error', () => setClass(thumbnail.parentElement, 'thumbnail none'));
  item.append(el('a', { class: 'thumbnail none', target: '_blank', rel: 'noopener' }, thumbnail));
  return item;
}

function fillEvent(item, { id, phase, summary, at, timeSynced, picture }) {
  const [mark, text, when, link] = item.children;
  const open = phase === 'start' || phase === 'update';
  setClass(item, open ? 'open' : '');
  setText(mark, open ? '◆' : '◇');
  setClass(text, 'summary phase');
  setText(text, summary ?? 'Before the last start of the node');
  setClass(when, 'when');
  const time =
    phase === 'earlier' ? format.moment(at, Date.now()) : format.clock(at) + (timeSynced ? '' : ' ?');
  setText(when, time);
  if (picture === 0) return;
  const source = `${base}/snapshots/${encodeURIComponent(id)}.jpg?${picture}`;
  if (link.getAttribute('href') === source) return;
  setClass(link, 'thumbnail');
  link.href = source;
  link.setAttribute('aria-label', `Picture of the event of ${time}`);
  link.firstChild.src = source;
}

document.title = `${name} · Vigie`;
setText($('view-title'), name);
zones.init(name, (now) => {
  editing = now;
  showPicture();
});
follow(
  {
    open: refresh,
    lost,
    health: setHealth,
    events: (known) => {
      const others = events.filter(({ id }) => !known.some((one) => one.id === id));
      events = [...known].reverse().concat(others).slice(0, KEPT_EVENTS);
      renderEvents();
    },
    scene: setScene,
    detection: setEvent,
    picture: setPicture,
    zones: zones.load,
  },
  `${base}/events`,
  ['health', 'events', 'scene', 'detection', 'picture', 'zones'],
);
