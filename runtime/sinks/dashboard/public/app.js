/** Brings the parts of the page together and keeps them up to date. */

import * as anomalies from './anomalies.js';
import { follow, get } from './api.js';
import { $, setText } from './dom.js';
import * as format from './format.js';
import * as models from './models.js';
import * as node from './node.js';
import * as tags from './tags.js';
import * as views from './views.js';

/** Wall time of the node minus ours. */
let timeOffset = 0;
let lostAt;
/** Anomalies told while the lists are on their way, which may be older. */
let early;

function setStatus(status) {
  timeOffset = status.wall - Date.now();
  anomalies.setNodeTime(status.wall);
  node.load(status);
  models.load(status.models);
  tags.setBaselines(status.baselines);
}

async function refresh() {
  early = [];
  const [status, tagList, lists, commands, { cameras }] = await Promise.all(
    ['status', 'tags', 'anomalies', 'commands', 'cameras'].map((name) => get(`/api/${name}`)),
  );
  tags.load(tagList);
  setStatus(status);
  anomalies.load(lists);
  for (const anomaly of early) anomalies.accept(anomaly);
  early = undefined;
  node.loadCommands(commands);
  node.loadCameras(cameras);
  views.load(tagList.tags.length > 0 ? [] : cameras);
  tags.filter();
  connected();
}

function connected() {
  lostAt = undefined;
  $('lost').hidden = true;
  document.body.classList.remove('stale');
}

function lost() {
  lostAt ??= Date.now() + timeOffset;
  document.body.classList.add('stale');
  $('lost').hidden = false;
  const since = format.clock(lostAt);
  setText($('lost'), `No connection to the node since ${since}. What is shown is old. Trying again…`);
}

anomalies.init((active) => tags.setDeviations(active));
$('filter').addEventListener('input', tags.filter);
$('abnormal-only').addEventListener('change', tags.filter);
document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, textarea, [contenteditable]');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $('filter').focus();
  } else if (event.key === 'Escape' && event.target === $('filter')) {
    $('filter').value = '';
    tags.filter();
    $('filter').blur();
  }
});
setInterval(() => setText($('node-time'), format.clock(Date.now() + timeOffset)), 1000);
follow({
  open: refresh,
  lost,
  values: tags.update,
  status: setStatus,
  anomaly: (anomaly) => (early ? early.push(anomaly) : anomalies.accept(anomaly)),
});
