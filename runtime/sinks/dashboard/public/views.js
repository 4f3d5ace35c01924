/** On a node that reads no tags: what its cameras see, in the place of tags and anomalies. */

import { $, el, keyed } from './dom.js';

/** A picture now and then; the camera's own page has them live. */
const EVERY = 5000;

let timer;

/** @param cameras to show; empty where there is something else to show. */
export function load(cameras) {
  $('views').hidden = cameras.length === 0;
  document.body.classList.toggle('cameras-alone', cameras.length > 0);
  keyed(
    $('views'),
    cameras,
    ({ name }) => name,
    createView,
    () => {},
  );
  clearInterval(timer);
  if (cameras.length > 0) timer = setInterval(renew, EVERY);
}

function createView({ name }) {
  const picture = el('img', { src: addressOf(name), alt: '' });
  // Where none comes the name alone is the link.
  picture.addEventListener('error', () => (picture.hidden = true));
  picture.addEventListener('load', () => (picture.hidden = false));
  return el('a', { class: 'panel view', href: `/cameras/${name}/` }, picture, el('h2', {}, name));
}

/** Nobody looks at a page in the background: nothing is encoded for it. */
function renew() {
  if (document.hidden) return;
  for (const view of $('views').children) view.firstElementChild.src = addressOf(view.dataset.key);
}

const addressOf = (name) => `/cameras/${name}/snapshot.jpg?at=${Date.now()}`;
