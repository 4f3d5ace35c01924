import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../runtime/core/log.ts';
import { millis, minutes } from '../../runtime/core/units.ts';
import { CodeCheck, isCode, makeCode } from '../../runtime/first-boot/setup/code.ts';
import { saveDrop } from '../../runtime/first-boot/setup/save.ts';
import { SetupSession } from '../../runtime/first-boot/setup/session.ts';
import { SetupServer } from '../../runtime/first-boot/setup/setup-server.ts';
import { FakeClock } from '../sinks/plant.ts';
import { launchBrowser } from '../support/browser.ts';

const CODE = '7K2M-9QXD';
const YAML = 'node: { site: a, name: b }\n';
const WITH_SECRET = `${YAML}mqtt: { url: "mqtts://h", username: u, passwordFile: credential:pw }\n`;
const HEADERS = { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' };

async function page(problems: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-setup-'));
  const clock = new FakeClock();
  let used = 0;
  const server = new SetupServer({
    host: '127.0.0.1',
    port: 0,
    code: CODE,
    facts: { hostname: 'vigie-abc123', version: '1.2.3', board: 'Raspberry Pi 5', problems },
    known: { secrets: new Set(), files: new Set() },
    clock,
    log: createLog('silent'),
    onCodeUsed: () => used++,
    save: (text, brought) => saveDrop(join(folder, 'drop'), text, brought),
  });
  await server.listen();
  const url = `http://127.0.0.1:${server.port}`;
  return {
    server,
    url,
    clock,
    used: () => used,
    saved: (path: string) => readFileSync(join(folder, 'drop', path), 'utf8'),
    isSaved: () => existsSync(join(folder, 'drop/vigie.yaml')),
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${url}/api/setup/${path}`, {
        method: 'POST',
        headers: { ...HEADERS, ...headers },
        body: JSON.stringify(body),
      }),
    end: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test('a code is read however it is typed', () => {
  const check = new CodeCheck('7K2M-90X1');
  for (const typed of ['7K2M-90X1', '7k2m90x1', ' 7k2m 9Oxl ', '7K2M_9oXI'])
    assert.ok(check.matches(typed), typed);
  for (const typed of ['', '7K2M-90X2', '7K2M-90X11', '7K2M90X']) assert.not.ok(check.matches(typed), typed);
  const codes = new Set(Array.from({ length: 200 }, makeCode));
  assert.is(codes.size, 200);
  assert.ok([...codes].every(isCode));
});

test('a session: one entry, one browser, half an hour of nothing', () => {
  const session = new SetupSession(CODE);
  for (let i = 0; i < 5; i++) assert.is(session.enter('AAAA-AAAA', '10.0.0.1', millis(i)).state, 'wrong');
  const held = session.enter(CODE, '10.0.0.1', millis(10));
  assert.is(held.state, 'wait', 'the right code has to wait, too');
  const entry = session.enter(CODE, '10.0.0.2', millis(10));
  assert.is(entry.state, 'in');
  const token = entry.state === 'in' ? entry.token : '';
  assert.is(session.enter(CODE, '10.0.0.2', millis(20)).state, 'used');
  assert.ok(session.isIn(token, millis(30)));
  assert.not.ok(session.isIn(undefined, millis(30)));
  assert.not.ok(session.isIn('AAAA', millis(30)));
  assert.ok(session.isIn(token, millis(minutes(30))));
  assert.not.ok(session.isIn(token, millis(minutes(61))));
});

test('nothing without the code; nothing from another site; the code works once', async () => {
  const { url, post, used, end, isSaved } = await page(['vigie.yaml:1:1: wrong']);
  try {
    assert.equal(await (await fetch(`${url}/api/setup`)).json(), {
      in: false,
      used: false,
      hostname: 'vigie-abc123',
      version: '1.2.3',
    });
    for (const path of ['check', 'save'])
      assert.is((await post(path, { text: YAML, brought: [] })).status, 401, path);
    assert.is((await post('enter', { code: CODE }, { 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.is((await post('enter', { code: CODE }, { origin: 'http://evil.example' })).status, 403);
    assert.is((await post('enter', { code: 'AAAA-AAAA' })).status, 403);
    assert.is((await post('enter', { cod: 1 })).status, 400);
    assert.is(used(), 0);
    const entered = await post('enter', { code: '7k2m9qxd' });
    assert.is(entered.status, 200);
    assert.is(used(), 1);
    const set = entered.headers.get('set-cookie')!;
    assert.match(set, /^vigie-setup=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
    const cookie = set.split(';')[0]!;
    assert.is((await post('enter', { code: CODE })).status, 403);
    const facts = await (await fetch(`${url}/api/setup`, { headers: { cookie } })).text();
    assert.equal(JSON.parse(facts).problems, ['vigie.yaml:1:1: wrong']);
    assert.is((await post('check', { text: YAML, brought: [] })).status, 401, 'another browser');
    for (const bad of [
      {},
      { text: 1, brought: [] },
      { text: YAML, brought: [{ kind: 'secrets', name: '../x', base64: 'eA==' }] },
    ])
      assert.is((await post('save', bad, { cookie })).status, 400);
    assert.is((await post('save', { text: 'node: {}', brought: [] }, { cookie })).status, 422);
    assert.not.ok(isSaved());
    assert.is((await fetch(`${url}/api/nothing`)).status, 404);
    assert.match((await fetch(url)).headers.get('content-security-policy')!, /default-src 'self'/);
    // The answer may come while the rest is still being sent.
    const huge = await post('save', { text: 'x'.repeat(5 << 20), brought: [] }, { cookie }).catch(
      () => undefined,
    );
    assert.is(huge?.status ?? 400, 400);
    assert.not.ok(isSaved());
  } finally {
    await end();
  }
});

test('many wrong codes make an address wait', async () => {
  const { post, clock, end } = await page();
  try {
    for (let i = 0; i < 5; i++) assert.is((await post('enter', { code: 'AAAA-AAAA' })).status, 403);
    const waits = await post('enter', { code: CODE });
    assert.is(waits.status, 429);
    assert.is(waits.headers.get('retry-after'), '1');
    clock.advance(millis(1000));
    assert.is((await post('enter', { code: CODE })).status, 200);
  } finally {
    await end();
  }
});

test('in a browser: the code, errors at their place, the secret, saved', async () => {
  const { server, url, saved, end } = await page();
  const browser = await launchBrowser();
  const complaints: string[] = [];
  try {
    const tab = await browser.newPage();
    tab.setDefaultTimeout(20_000);
    tab.on('pageerror', (error) => complaints.push(String(error)));
    tab.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('403')) complaints.push(message.text());
    });
    await tab.goto(url);
    await tab.fill('#code', 'AAAA-AAAA');
    await tab.click('#enter button');
    await tab.getByText('this is not the code').waitFor();
    await tab.fill('#code', CODE.toLowerCase());
    await tab.click('#enter button');
    await tab.locator('#text').waitFor();
    await tab.fill('#text', WITH_SECRET.replace('name', 'nme'));
    await tab.getByText("did you mean 'name'?").waitFor();
    assert.ok(await tab.locator('#save').isDisabled());
    await tab.getByText('did you mean').click();
    assert.is(await tab.evaluate('document.getElementById("text").selectionStart'), 17);
    await tab.fill('#text', WITH_SECRET);
    await tab.locator('#missing input[type=password]').fill('geheim');
    await tab.getByText('No errors.').waitFor();
    await tab.click('#save:enabled');
    await tab.locator('#done h2').waitFor();
    await server.saved;
    assert.is(saved('vigie.yaml'), WITH_SECRET);
    assert.is(saved('secrets/pw'), 'geheim');
    assert.equal(complaints, []);
  } finally {
    await browser.close();
    await end();
  }
});

test.run();
