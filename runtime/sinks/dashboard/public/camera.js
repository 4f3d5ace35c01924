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
  events = [event, ...events.filter(({ id }) => id !== event.id)].slice(0, KEPT_EVENTS);
  renderEvents();
  if (isNew) setText($('announce'), event.summary);
}

function renderEvents() {
  $('no-events').hidden = events.length > 0;
  keyed(
    $('events'),
    events,
    ({ id }) => id,
    createTrack,
    (item, { phase, summary, at, timeSynced }) => {
      const open = phase === 'start' || phase === 'update';
      setClass(item, open ? 'open' : '');
      setText(item.children[0], open ? '◆' : '◇');
      setClass(item.children[1], 'summary phase');
      setText(item.children[1], summary);
      setClass(item.children[2], 'when');
      setText(item.children[2], format.clock(at) + (timeSynced ? '' : ' ?'));
    },
  );
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
    events: (open) => {
      events = [...open].reverse().concat(events.filter(({ id }) => !open.some((one) => one.id === id)));
      renderEvents();
    },
    scene: setScene,
    detection: setEvent,
    zones: zones.load,
  },
  `${base}/events`,
  ['health', 'events', 'scene', 'detection', 'zones'],
);
