import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileZoneStore } from '../../../../runtime/config/zones/file-zone-store.ts';
import { readZones } from '../../../../runtime/config/zones/zone-file.ts';
import { epochMillis, millis } from '../../../../runtime/core/units.ts';
import { launchBrowser, runWithBrowser, watchedPage } from '../../../support/browser.ts';
import { CAMERA_PAGES, type Plant, startPlant } from '../harness.ts';
import { intrusion, MadeUpCamera, stamp, ZONES } from './made-up-camera.ts';

/** Folder for pictures of the page, for a person to look at. */
const SCREENSHOTS = process.env.VIGIE_SCREENSHOTS;

const test = suite("a camera's page in a browser");
let browser: Browser;
let plant: Plant;
let camera: MadeUpCamera;
let page: Page;
let folder: string;
let file: string;
let pace: NodeJS.Timeout;
/** What must stay empty: console errors, CSP violations, requests to elsewhere. */
let complaints: string[] = [];

async function open(options: BrowserContextOptions = {}): Promise<void> {
  page = await watchedPage(browser, plant.url('/'), (text) => void complaints.push(text), options);
  await page.goto(plant.url('/cameras/gate/'), { waitUntil: 'domcontentloaded' });
  await page.waitForSelector('.zone-list li');
  await becomesTrue("document.getElementById('picture').naturalWidth > 0");
}

test.before(async () => {
  browser = await launchBrowser();
});
test.after(() => browser.close());
test.before.each(async () => {
  complaints = [];
  folder = mkdtempSync(join(tmpdir(), 'vigie-page-'));
  file = join(folder, 'vigie.yaml');
  writeFileSync(file, ZONES);
  camera = new MadeUpCamera();
  camera.open.push({ event: intrusion('i-1'), stamp: stamp() });
  plant = await startPlant({
    cameras: [camera, new MadeUpCamera('yard')],
    zones: new FileZoneStore(file),
    config: { cameras: CAMERA_PAGES },
  });
  let last = performance.now();
  pace = setInterval(() => {
    plant.clock.advance(millis(performance.now() - last));
    last = performance.now();
    camera.show();
  }, 50);
});
test.after.each(async () => {
  clearInterval(pace);
  await page.close();
  await plant.dashboard.stop();
  rmSync(folder, { recursive: true });
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

async function screenshot(name: string): Promise<void> {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** Centre of an element on the screen. */
async function middle(selector: string): Promise<{ x: number; y: number }> {
  const { x, y, width, height } = (await page.locator(selector).first().boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}

async function drag(selector: string, dx: number, dy: number): Promise<void> {
  const { x, y } = await middle(selector);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + dx / 2, y + dy / 2);
  await page.mouse.move(x + dx, y + dy);
  await page.mouse.up();
}

async function save(): Promise<void> {
  await page.click('#save');
  await becomesTrue("document.getElementById('outcome').textContent.startsWith('Saved. In use')");
}

const zones = () => readZones(file, 'gate');

test('live picture, tracks, events and zones are shown; the picture moves', async () => {
  await open({ viewport: { width: 1280, height: 800 } });
  await becomesTrue("document.querySelectorAll('#tracks li').length === 2");
  assert.match(await text('#tracks'), /◆\s+person #1 in approach\s+87 %/);
  assert.match(await text('#tracks'), /person #2 \(out of sight\)/);
  assert.match(await text('#events'), /person in zone 'approach'/);
  assert.match(await text('#timing'), /hand over 1\.40 ms · detect 23\.60 ms/);
  assert.match(await text('#health'), /gate\s+working/);
  assert.match(
    await text('#zone-list'),
    /approach\s+watched area\s+street\s+excluded area\s+fence\s+from left to right/,
  );
  assert.equal(await page.locator('#cameras a').allInnerTexts(), ['gate', 'yard']);
  const before = camera.wishes.length;
  await page.waitForTimeout(400);
  assert.ok(camera.wishes.length > before + 2, 'it is live');
  await screenshot('desktop-light');
  camera.tell(intrusion('i-1', 'end'), stamp());
  await becomesTrue("document.querySelectorAll('#events li.open').length === 0");
  assert.match(await text('#events'), /left zone/);
  camera.tell(intrusion('i-2'), stamp());
  await becomesTrue("document.querySelectorAll('#events li').length === 2");
  assert.match(await text('#announce'), /person in zone/);
  assert.equal(complaints, []);
});

test('past events are there with their pictures, and a picture that comes later is shown, too', async () => {
  const { jpeg } = await camera.picture({ most: 320, quality: 80, mostBytes: 50_000, annotated: false });
  camera.kept = async (event) => (event === 'gone' ? undefined : jpeg);
  camera.over.push({ event: intrusion('i-0', 'end'), stamp: stamp(), picture: 1 });
  camera.earlier = ['before', 'gone'].map((event) => ({ event, at: epochMillis(Date.UTC(2026, 3, 1)) }));
  await open({ viewport: { width: 1280, height: 800 } });
  const shown = () => page.locator('#events .thumbnail:visible').count();
  const waitForShown = async (count: number) => {
    for (let i = 0; i < 200 && (await shown()) !== count; i++) await page.waitForTimeout(50);
    assert.is(await shown(), count);
  };
  await page.locator('#events').scrollIntoViewIfNeeded();
  await waitForShown(2);
  for (const follower of camera.followers) follower.pictured?.('i-1', 1);
  await waitForShown(3);
  const [first] = await page.locator('#events .thumbnail').all();
  assert.match((await first!.getAttribute('href')) ?? '', /^\/cameras\/gate\/snapshots\/i-1\.jpg/);
  await becomesTrue("document.querySelector('#events .thumbnail img').naturalWidth === 320");
  await screenshot('past-events');
  camera.tell(intrusion('i-1', 'end'), stamp());
  await becomesTrue("document.querySelectorAll('#events li.open').length === 0");
  assert.is(await shown(), 3, 'the end of an event keeps its picture');
  complaints = complaints.filter((one) => !one.includes('404'));
  assert.equal(complaints, []);
});

test('a page that nobody sees any more costs nothing', async () => {
  await open();
  await page.goto('about:blank');
  await page.waitForTimeout(200);
  const before = camera.wishes.length;
  await page.waitForTimeout(300);
  assert.is(camera.wishes.length, before);
  assert.is(camera.followers.size, 0);
});

test('a corner is moved by mouse, a new one made between two, one removed; all of it lands in the file', async () => {
  await open({ viewport: { width: 1280, height: 800 } });
  await page.click('#edit');
  await page.waitForSelector('.grip[data-corner]');
  await becomesTrue("document.getElementById('picture').src.includes('snapshot.jpg?plain')");
  await screenshot('desktop-edit');
  const box = (await page.locator('#overlay').boundingBox())!;
  await drag('.grip[data-corner="1"]', 0.1 * box.width, -0.1 * box.height);
  await drag('.grip.between', 0, 0.05 * box.height);
  await save();
  const { polygon } = zones().zones[0]!;
  assert.is(polygon.length, 5);
  const near = ([x, y]: readonly number[], [toX, toY]: readonly number[]) =>
    Math.abs(x! - toX!) < 0.01 && Math.abs(y! - toY!) < 0.01;
  assert.ok(near(polygon[2]!, [0.7, 0.35]), JSON.stringify(polygon));
  assert.ok(near(polygon[1]!, [0.4, 0.475]), JSON.stringify(polygon));
  const written = readFileSync(file, 'utf8');
  assert.match(written, /# Everything before the fence\./);
  assert.match(written, /dwell: 2s/);
  await page.click('#edit');
  await page.click('.grip[data-corner="1"]');
  await page.click('#remove-corner');
  await save();
  assert.is(zones().zones[0]!.polygon.length, 4);
  assert.ok(camera.wishes.some(({ annotated }) => !annotated));
  assert.equal(complaints, []);
});

test('zones and tripwires are added, named, turned and deleted; what is wrong stands at its field', async () => {
  await open({ viewport: { width: 1280, height: 800 } });
  await page.click('#edit');
  await page.click('#add-zone');
  await page.keyboard.type('fence');
  await page.click('#save');
  await page.waitForSelector('[aria-invalid=true]');
  assert.match(await text('.zone-list .problem:not([hidden])'), /'fence' appears twice/);
  assert.match(await text('#outcome'), /Nothing was saved/);
  await screenshot('desktop-problem');
  assert.is(readFileSync(file, 'utf8'), ZONES);
  // The answer names the tripwire, which comes second; the new zone gives way.
  await page.locator('.zone-list input').nth(2).fill('door');
  await page.locator('.zone-list select').nth(2).selectOption('exclude');
  await page.click('#add-tripwire');
  await page.keyboard.type('gate-line');
  await page.locator('.zone-list select').last().selectOption('right-to-left');
  await page.locator('.zone-list button').nth(1).click();
  await save();
  const { zones: left, tripwires } = zones();
  assert.equal(
    left.map(({ name, mode }) => [name, mode]),
    [
      ['approach', 'include'],
      ['door', 'exclude'],
    ],
  );
  assert.equal(
    tripwires.map(({ name, direction }) => [name, direction]),
    [
      ['fence', 'left-to-right'],
      ['gate-line', 'right-to-left'],
    ],
  );
  // A refused save is an answer of 422, which Chromium also writes to its console.
  assert.equal(
    complaints.filter((one) => !one.includes('422')),
    [],
  );
});

test('corners are moved by keyboard, cancel takes all back', async () => {
  await open();
  await page.click('#edit');
  await page.locator('.grip[data-corner="0"]').focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowUp');
  await save();
  assert.equal(zones().zones[0]!.polygon[0], [0.15, 0.498]);
  await page.click('#edit');
  await page.locator('.grip[data-corner="0"]').focus();
  await page.keyboard.press('Delete');
  await page.click('#cancel');
  assert.is(await page.locator('#tools').isVisible(), false);
  await page.click('#edit');
  assert.is(await page.locator('.grip[data-corner]:not(.between)').count(), 4);
  assert.equal(complaints, []);
});

test('by finger on a phone, in the dark; nothing is too wide', async () => {
  await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark' });
  await screenshot('phone-dark');
  await page.tap('#edit');
  await page.waitForSelector('.grip[data-corner]');
  const { x, y } = await middle('.touch[data-corner="0"]');
  const cdp = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at?: { x: number; y: number }) =>
    cdp.send('Input.dispatchTouchEvent', { type, touchPoints: at ? [at] : [] });
  await touch('touchStart', { x: x + 12, y });
  await touch('touchMove', { x: x + 40, y: y + 20 });
  await touch('touchEnd');
  await screenshot('phone-dark-edit');
  const sideways = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  assert.ok(sideways <= 0, `${sideways} px too wide`);
  await save();
  assert.ok(zones().zones[0]!.polygon[0]![0] > 0.15);
  assert.equal(complaints, []);
});

test('a file that changed meanwhile is told; what may not be written is shown and not edited', async () => {
  await open();
  await page.click('#edit');
  writeFileSync(file, `${ZONES}# somebody was here\n`);
  await page.locator('.grip[data-corner="0"]').focus();
  await page.keyboard.press('ArrowRight');
  await page.click('#save');
  await becomesTrue("document.getElementById('outcome').textContent.includes('changed meanwhile')");
  await page.close();
  await plant.dashboard.stop();
  plant = await startPlant({
    cameras: [camera],
    zones: new FileZoneStore(file),
    config: { cameras: { ...CAMERA_PAGES, editZones: false } },
  });
  await open();
  assert.is(await page.locator('#edit').isDisabled(), true);
  assert.match(await text('#zones-note'), /Read only: .*editZones/);
});

test('a camera without pictures says so and comes back', async () => {
  await open();
  camera.state = { state: 'failed', detail: 'no frame for 20 s' };
  await becomesTrue("document.getElementById('health').textContent.includes('no frame for 20 s')");
  assert.is(
    await text('#no-picture'),
    'Not live: no frame for 20 s',
    'an old picture does not pass for a new one',
  );
  await screenshot('desktop-failed');
  camera.state = { state: 'ok', detail: '' };
  await becomesTrue("document.getElementById('health').textContent.includes('working')");
  assert.is(await page.locator('#no-picture').isVisible(), false);
  assert.equal(complaints, []);
});

test('the front page lists the cameras', async () => {
  await open();
  await page.goto(plant.url('/'));
  await page.waitForSelector('#camera-list a');
  assert.match(await text('#camera-list'), /gate\s+1 open event/);
  assert.is(await page.locator('#views').isVisible(), false, 'there are tags to show');
  assert.equal(complaints, []);
});

test('the front page of a node without tags shows what its cameras see, and leads to them', async () => {
  await page?.close();
  await plant.dashboard.stop();
  plant = await startPlant({
    cameras: [camera, new MadeUpCamera('yard')],
    tagCount: 0,
    config: { cameras: CAMERA_PAGES },
  });
  page = await watchedPage(browser, plant.url('/'), (text) => void complaints.push(text), {});
  await page.goto(plant.url('/'));
  await becomesTrue("document.querySelector('#views img')?.naturalWidth > 0");
  for (const part of ['#tags', '#anomalies']) assert.is(await page.locator(part).isVisible(), false, part);
  await screenshot('front-cameras-alone');
  await page.click('#views a:first-child');
  await page.waitForURL(plant.url('/cameras/gate/'));
  assert.equal(complaints, []);
});

runWithBrowser(test.run);
