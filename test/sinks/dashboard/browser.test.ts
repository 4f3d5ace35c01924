import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { launchBrowser, runWithBrowser, watchedPage } from '../../support/browser.ts';
import { anomaly, MODELS } from '../plant.ts';
import { type Plant, startPlant } from './harness.ts';

const test = suite('the page in a browser');
let browser: Browser;
let plant: Plant;
let page: Page;
/** What must stay empty: console errors, CSP violations, requests to elsewhere. */
let complaints: string[] = [];

async function open(options: BrowserContextOptions = {}): Promise<void> {
  page = await watchedPage(browser, plant.url('/'), (text) => void complaints.push(text), options);
  await page.goto(plant.url('/'));
  await page.waitForSelector('.tag');
}

test.before(async () => {
  browser = await launchBrowser();
});
test.after(() => browser.close());
test.before.each(async () => {
  complaints = [];
  plant = await startPlant({ tagCount: 127 });
  for (let i = 0; i < 20; i++) {
    plant.poll(i);
    plant.clock.advance(millis(5000));
  }
});
test.after.each(async () => {
  await page.close();
  await plant.dashboard.stop();
});

/** Polled from here: the page's policy forbids the eval by which waitForFunction would poll in it. */
async function becomesTrue(expression: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await page.evaluate(expression)) return;
    await page.waitForTimeout(50);
  }
  assert.unreachable(`never true: ${expression}`);
}

// biome-ignore lint/performance/useDomNodeTextContent: what a person sees counts, not what is hidden
const text = (selector: string) => page.locator(selector).first().innerText();

test('stages, tags, values, sparklines and the node are shown', async () => {
  await open();
  assert.is(await page.locator('.stage').count(), 8);
  assert.is(await page.locator('.tag').count(), 127);
  assert.is(await text('.tag .value'), '10.15');
  assert.is(await text('.tag .unit'), 'pH');
  await page.waitForSelector('.tag canvas');
  assert.ok((await page.locator('canvas').count()) < 60, 'only what is on the screen is drawn');
  assert.match(await text('#where'), /lyon \/ pi-1/);
  const node = await text('#node');
  for (const expected of [
    'unit 7',
    'timeout after 500 ms',
    '1,234 records',
    'learning 40 %',
    'not synchronised',
    'vigie.yaml:12:5',
  ])
    assert.ok(node.includes(expected), `${expected} in ${node}`);
  assert.match(await text('#vitals'), /Broker\s+degraded/);
  assert.equal(complaints, []);
});

test('values move, and what cannot be read says so', async () => {
  await open();
  const before = await text('.tag .value');
  plant.poll(2);
  await becomesTrue(`document.querySelector('.tag .value').textContent !== '${before}'`);
  plant.dashboard.accept([
    { ...plant.clock.stamp(), tag: plant.tags[0]!, value: null, quality: 'bad', reason: 'unit-offline' },
    { ...plant.clock.stamp(), tag: plant.tags[1]!, value: 99, quality: 'uncertain', reason: 'out-of-range' },
  ]);
  await page.waitForSelector('.tag.warn');
  assert.match(await text('.tag:nth-child(1) .reading'), /–.*✕ unit offline/s);
  assert.match(await text('.tag:nth-child(2) .reading'), /99\.00.*\? out of range/s);
  assert.match(await text('.stage .abnormal'), /2 abnormal/);
  assert.equal(complaints, []);
});

test('an anomaly appears with its explanation, is announced, and ends in the past', async () => {
  await open();
  assert.match(await text('#active-anomalies'), /No active anomaly/);
  const event = anomaly('a-1');
  plant.active.push(event);
  plant.dashboard.acceptEvent(event, plant.clock.stamp());
  await page.waitForSelector('#active-anomalies .contributions');
  const shown = await text('#active-anomalies .anomaly');
  for (const expected of [
    event.summary,
    'process upset',
    'mewma',
    '2.40, peak 3.10',
    'biological.dissolved-oxygen.44',
    '62 %',
    '0.400 mg/L',
    '▼ below normal',
    'normal 1.80 – 2.60 mg/L',
    '▲ above normal',
    '∅ missing',
  ])
    assert.ok(shown.includes(expected), `${expected} in ${shown}`);
  const widths = await page
    .locator('.contributions .bar > span')
    .evaluateAll((bars) =>
      bars.map((bar) => bar.getBoundingClientRect().width / bar.parentElement!.getBoundingClientRect().width),
    );
  assert.equal(
    widths.map((width) => Math.round(width * 100)),
    [62, 21, 6],
    'a bar per share',
  );
  assert.match(await text('#announce'), /New anomaly in biological: Dissolved oxygen fell/);
  assert.is(await page.locator('.tag.alarm').count(), 3);
  plant.active.pop();
  plant.dashboard.acceptEvent(anomaly('a-1', 'end', { score: 0.1 }), plant.clock.stamp());
  await page.waitForSelector('#past-anomalies .anomaly', { state: 'attached' });
  assert.match(await text('#active-anomalies'), /No active anomaly/);
  await becomesTrue("document.querySelectorAll('.tag.alarm').length === 0");
  assert.equal(complaints, []);
});

const focused = () =>
  page.evaluate<string>("document.activeElement.getAttribute('aria-controls') ?? document.activeElement.id");

test('a walk with the keyboard alone', async () => {
  for (const id of ['a-1', 'a-2', 'a-3']) plant.active.push(anomaly(id));
  await open();
  await page.waitForSelector('#active-anomalies button');
  await page.keyboard.press('Tab');
  assert.match(await page.evaluate<string>('document.activeElement.textContent'), /Skip to anomalies/);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  const first = await focused();
  assert.match(first, /^explanation-a-/);
  const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
  assert.is(outline, 'solid', 'the focus is visible');
  await page.keyboard.press('ArrowDown');
  const second = await focused();
  assert.is.not(second, first);
  const expanded = () => page.evaluate("document.activeElement.getAttribute('aria-expanded')");
  assert.is(await expanded(), 'false');
  await page.keyboard.press('Enter');
  assert.is(await expanded(), 'true');
  await page.keyboard.press('End');
  assert.is.not(await focused(), second);
  await page.keyboard.press('Home');
  assert.is(await focused(), first);
  await page.keyboard.press('/');
  assert.is(await focused(), 'filter');
  await page.keyboard.type('turbidity');
  assert.is(await page.locator('.tag:visible').count(), 21);
  assert.match(await text('#tag-count'), /21 of 127/);
  await page.keyboard.press('Escape');
  assert.is(await page.locator('.tag:visible').count(), 127);
  assert.equal(complaints, []);
});

test('on a phone nothing scrolls sideways and fingers find their targets', async () => {
  plant.active.push(anomaly('a-1'));
  for (const width of [320, 390]) {
    await open({ viewport: { width, height: 700 }, isMobile: true, hasTouch: true });
    await page.waitForSelector('.contributions');
    const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(sideways <= 0, `${width} px: ${sideways} px too wide`);
    const heights = await page
      .locator('.anomaly button, .stage-nav a, #filter, main > section > details > summary')
      .evaluateAll((targets) => targets.map((target) => target.getBoundingClientRect().height));
    assert.ok(Math.min(...heights) >= 43.5, `${width} px: a target of ${Math.min(...heights)} px`);
    if (width === 320) await page.close();
  }
  assert.equal(complaints, []);
});

test('a command is run from the page', async () => {
  await open();
  await page.locator('#commands summary').click();
  await page.locator('.command input').fill('{"group":"outlet"}');
  await page.locator('.command button').click();
  await becomesTrue("document.querySelector('.command output').textContent.includes('done')");
  assert.equal(plant.ran, [{ group: 'outlet' }]);
  assert.equal(complaints, []);
});

test('models: what serves, how a trial goes, what was taken back and why', async () => {
  await open();
  assert.is(await page.locator('#models').isVisible(), false, 'a node without models shows none');
  await page.close();
  plant.status = { ...plant.status, models: MODELS };
  await open();
  const models = await text('#models');
  for (const expected of [
    'pump-score',
    'serving',
    'Release 3 (version 1.0.3, digest abababababab) on onnxruntime',
    'Release 5 is being fetched.',
    '▲ Release 4 is not used: P95 of latency is 93.0 ms; at most 20 ms were granted',
    'gate-camera',
    'On trial: 45 s of 3 min, 120 of at least 20 inferences; 2 restarts left',
    'yard',
    'nothing serves',
    'no release of it was installed yet',
  ])
    assert.ok(models.includes(expected), `${expected} in ${models}`);
  const progress = page.locator('#models progress:visible');
  assert.equal([await progress.count(), await progress.getAttribute('value')], [1, '0.25']);
  assert.equal(
    await page.locator('#models > ul > li').evaluateAll((all) => all.map((one) => one.className)),
    ['state-ok', 'state-starting', 'state-degraded'],
  );
  const hostile = { ...MODELS['pump-score']!, refused: { release: 4, reason: '<b>x</b><img src=x>' } };
  plant.status = { ...plant.status, models: { '<i>n</i>': hostile } };
  await becomesTrue("document.querySelector('#models').textContent.includes('<b>x</b>')");
  assert.is(await page.locator('#models b, #models i, #models img').count(), 0);
  assert.equal(complaints, []);
});

test('a lost connection is said, and heals by itself', async () => {
  await open();
  const { port } = plant.dashboard;
  await plant.dashboard.stop();
  await page.waitForSelector('#lost:not([hidden])');
  assert.match(await text('#lost'), /No connection to the node since/);
  plant = await startPlant({ tagCount: 127, config: { port } });
  plant.poll(7);
  await page.waitForSelector('#lost', { state: 'hidden' });
  plant.poll(8);
  assert.is(await page.locator('.tag').count(), 127);
});

test('an anomaly that ends while the lists are on their way does not stay', async () => {
  const event = anomaly('a-1');
  plant.active.push(event);
  plant.dashboard.acceptEvent(event, plant.clock.stamp());
  page = await browser.newPage();
  await page.route('**/api/anomalies', async (route) => {
    const response = await route.fetch();
    plant.active.pop();
    plant.dashboard.acceptEvent(anomaly('a-1', 'end', { score: 0.1 }), plant.clock.stamp());
    await page.waitForTimeout(500);
    await route.fulfill({ response });
  });
  await page.goto(plant.url('/'));
  await page.waitForSelector('#past-anomalies .anomaly', { state: 'attached' });
  await page.waitForSelector('.tag');
  assert.match(await text('#active-anomalies'), /No active anomaly/);
});

test('an answer that failed is asked for again', async () => {
  let failures = 0;
  page = await browser.newPage();
  await page.route('**/api/status', (route) => (failures++ === 0 ? route.abort() : route.continue()));
  await page.goto(plant.url('/'));
  await page.waitForSelector('.tag');
  await page.waitForSelector('#lost', { state: 'hidden' });
  assert.ok(failures > 1);
});

test('texts from devices and files stay texts; an anomaly without a single tag is explained all the same', async () => {
  const html = '<img src=x onerror="document.title=1"><b>bold</b>';
  const contribution = {
    ...anomaly('x').contributions[0]!,
    tag: html,
    unit: html,
    value: null,
    normal: null,
  };
  plant.active.push(
    anomaly(html, 'start', { summary: html, group: html, detector: html, contributions: [contribution] }),
    anomaly('a-2', 'start', { contributions: [] }),
  );
  const parts = { [html]: { state: 'failed', detail: html } } as const;
  plant.status = { ...plant.status, components: { [html]: { state: 'degraded', detail: html, parts } } };
  await open();
  for (const button of await page.locator('#active-anomalies button[aria-expanded=false]').all()) {
    await button.click();
  }
  assert.match(await text('#anomalies'), /No single tag stands out/);
  assert.match(await text('#anomalies'), /no value/);
  assert.is(await page.locator('main img, main b').count(), 0);
  assert.equal(complaints, []);
});

test('2,000 tags and very long names', async () => {
  await plant.dashboard.stop();
  plant = await startPlant({ tagCount: 2000 });
  const long = 'x'.repeat(300);
  const contribution = { ...anomaly('x').contributions[0]!, tag: long };
  plant.active.push(anomaly('a-1', 'start', { summary: long, contributions: [contribution] }));
  plant.poll();
  await open({ viewport: { width: 390, height: 700 } });
  assert.is(await page.locator('.tag').count(), 2000);
  assert.ok((await page.locator('canvas').count()) < 100, 'only what is on the screen is drawn');
  const before = await text('.tag .value');
  plant.poll(2);
  await becomesTrue(`document.querySelector('.tag .value').textContent !== '${before}'`);
  const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  assert.ok(sideways <= 0, `${sideways} px too wide`);
  assert.equal(complaints, []);
});

test('with a password the page works after one login, live values too', async () => {
  await plant.dashboard.stop();
  const config = { passwordFile: '/run/secret' };
  plant = await startPlant({ config, password: () => 'geheim' });
  plant.poll();
  await open({ httpCredentials: { username: 'vigie', password: 'geheim' } });
  const before = await text('.tag .value');
  plant.poll(2);
  await becomesTrue(`document.querySelector('.tag .value').textContent !== '${before}'`);
  assert.equal(complaints, []);
});

test('dark and light follow the system', async () => {
  const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  await open({ colorScheme: 'dark' });
  assert.is(await background(), 'rgb(21, 24, 27)');
  await page.emulateMedia({ colorScheme: 'light' });
  assert.is(await background(), 'rgb(227, 229, 231)');
  assert.equal(complaints, []);
});

runWithBrowser(test.run);
