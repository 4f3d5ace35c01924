/** The set-up page: the code, then an editor that shows what the node's own check says, then save. */

import { get, post } from '/assets/api.js';
import { $, el, keyed, setClass, setText } from '/assets/dom.js';

const CHECK_AFTER_MS = 500;
const EXAMPLE = `node: { site: north, name: pumps }
mqtt:
  url: mqtts://broker.example:8883
  username: pumps
  passwordFile: credential:mqtt-password
sources:
  - type: modbus
    name: plc-1
    tcp: { host: 192.168.1.10 }
    period: 5s
    units:
      - id: 1
        tags:
          - name: inlet-flow
            kind: flow
            unit: m3/h
            register: holding
            address: 0
            type: float32
            range: [0, 400]
`;

const text = $('text');
/** What was given for the secrets and files that the configuration names, in base64, by kind and name. */
const given = new Map();
/** Those that were asked for; they stay while the text names them. */
const asked = new Map();
let timer;
/** The answer to an older text must not replace that to a newer one. */
let round = 0;

async function begin() {
  const facts = await get('/api/setup');
  setText($('where'), `${facts.hostname} · ${facts.version}${facts.board ? ` · ${facts.board}` : ''}`);
  $('enter').hidden = facts.in;
  $('write').hidden = $('result').hidden = !facts.in;
  if (!facts.in) {
    if (facts.used)
      setText($('wrong'), 'The code was used already, and works once. Start the node again for a new one.');
    $('code').focus();
    return;
  }
  $('card').hidden = facts.problems.length === 0;
  $('card-problems').replaceChildren(...facts.problems.map((problem) => el('li', {}, problem)));
  text.focus();
}

$('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  guarded(async () => {
    const { ok, body } = await post('/api/setup/enter', JSON.stringify({ code: $('code').value }));
    setText($('wrong'), ok ? '' : body.message);
    if (ok) await begin();
    else $('code').select();
  });
});

text.addEventListener('input', changed);
text.addEventListener('scroll', () => {
  $('numbers').scrollTop = text.scrollTop;
});
// Tab belongs to whoever walks through the page by keyboard: YAML is indented by spaces anyway.
$('example').addEventListener('click', () => replaceText(EXAMPLE));
$('load').addEventListener('change', async (event) => {
  const [file] = event.target.files;
  // Chosen again after a change on disk, it is to be loaded again.
  if (file) replaceText(decode(new Uint8Array(await file.arrayBuffer())));
  event.target.value = '';
});

function decode(bytes) {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes).replace(/\r\n?/g, '\n');
}

function replaceText(value) {
  text.value = value;
  text.setSelectionRange(0, 0);
  text.focus();
  changed();
}

function changed() {
  const lines = text.value.split('\n').length;
  setText($('numbers'), Array.from({ length: lines }, (_, i) => i + 1).join('\n'));
  $('numbers').scrollTop = text.scrollTop;
  $('save').disabled = true;
  clearTimeout(timer);
  timer = setTimeout(() => guarded(check), CHECK_AFTER_MS);
}

const request = () => JSON.stringify({ text: text.value, brought: [...given.values()] });

async function check() {
  const mine = ++round;
  const { ok, body } = await post('/api/setup/check', request());
  if (mine !== round) return;
  if (ok) show(body);
  else tell(body.message);
}

$('save').addEventListener('click', () =>
  guarded(async () => {
    clearTimeout(timer);
    $('save').disabled = true;
    const { ok, body } = await post('/api/setup/save', request());
    if (!ok) return body.verdict ? show(body) : tell(body.message);
    $('write').hidden = $('result').hidden = true;
    $('done').hidden = false;
  }),
);

const VERDICTS = {
  good: 'No errors.',
  quarantine: 'The node can run, without the devices that have errors.',
  refused: 'The node cannot run with this.',
};

function show({ verdict, problems, missing }) {
  tell('');
  setText($('verdict'), VERDICTS[verdict]);
  setClass($('verdict'), `verdict ${verdict}`);
  keyed(
    $('problems'),
    problems.map((problem, index) => ({ ...problem, index })),
    ({ index }) => index,
    () => el('li', {}, el('button', { type: 'button' })),
    (item, problem) => fillProblem(item.firstElementChild, problem),
  );
  $('save').disabled = verdict === 'refused';
  setText(
    $('save'),
    verdict === 'quarantine' ? 'Save and start without these devices' : 'Save and start the node',
  );
  showMissing(missing);
}

function fillProblem(button, { line, column, path, message }) {
  const key = path.reduce(
    (all, part) => (typeof part === 'number' ? `${all}[${part}]` : all ? `${all}.${part}` : part),
    '',
  );
  button.replaceChildren(
    ...(line > 0 ? [el('span', { class: 'place' }, `${line}:${column}`)] : []),
    ...(key ? [el('span', { class: 'key' }, key)] : []),
    message,
  );
  button.onclick = () => goTo(line, column);
}

/** Puts the caret there, and the line into sight. */
function goTo(line, column) {
  const before = text.value.split('\n').slice(0, Math.max(0, line - 1));
  const at = before.reduce((sum, one) => sum + one.length + 1, 0) + Math.max(0, column - 1);
  text.focus();
  text.setSelectionRange(at, at);
  const height = Number.parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 4) * height);
}

function showMissing(missing) {
  for (const { kind, name } of missing) asked.set(`${kind}/${name}`, { kind, name });
  for (const [key, { kind, name }] of asked) {
    if (text.value.includes(kind === 'secrets' ? `credential:${name}` : `/etc/vigie/${name}`)) continue;
    asked.delete(key);
    given.delete(key);
  }
  keyed(
    $('missing-list'),
    [...asked.values()],
    ({ kind, name }) => `${kind}/${name}`,
    ask,
    () => {},
  );
  $('missing').hidden = asked.size === 0;
}

/** A secret may be a line, which is typed, or a key, which is loaded. */
function ask({ kind, name }) {
  const key = `${kind}/${name}`;
  const give = (bytes) => {
    if (bytes.length === 0) given.delete(key);
    else
      given.set(key, {
        kind,
        name,
        base64: bytes.toBase64?.() ?? btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')),
      });
    changed();
  };
  const load = el('input', { type: 'file' });
  load.addEventListener('change', async () => {
    if (load.files[0]) give(new Uint8Array(await load.files[0].arrayBuffer()));
  });
  if (kind === 'files') return el('label', {}, `File ${name}`, load);
  const line = el('input', { type: 'password', autocomplete: 'off' });
  line.addEventListener('input', () => give(new TextEncoder().encode(line.value)));
  load.setAttribute('aria-label', `Secret ${name} from a file`);
  return el(
    'div',
    {},
    el('label', {}, `Secret ${name}`, line),
    el('details', {}, el('summary', {}, 'or from a file'), load),
  );
}

function tell(message) {
  setText($('lost'), message);
  $('lost').hidden = message === '';
}

function guarded(act) {
  act().catch(() => tell('The node does not answer. Is it still on, and on this network?'));
}

guarded(begin);
