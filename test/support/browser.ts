/** Debian's Chromium, and pages in it that must have nothing to complain of. */

import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ARGS });

/** Runs a file's tests, or says what they lack. */
export function runWithBrowser(run: () => void): void {
  if (existsSync(CHROMIUM)) run();
  else console.log(`skip: no Chromium at ${CHROMIUM}; install the package chromium or set CHROMIUM`);
}

/**
 * @param origin what the page may ask of.
 * @param complain takes console errors and warnings, violations of the content security policy, requests to elsewhere.
 */
export async function watchedPage(
  browser: Browser,
  origin: string,
  complain: (text: string) => void,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  page.on('pageerror', (error) => complain(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complain(`request to ${request.url()}`);
  });
  await page.addInitScript(
    "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))",
  );
  return page;
}
