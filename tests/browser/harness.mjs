// What the tests of the page stand on: a list of tests, the project's own server, Debian's Chromium.
import { spawn } from 'node:child_process';
import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const site = process.env.NEURONA_SITE ?? join(root, 'build/site');
export const pictures = join(root, 'build/screenshots');

/** The sizes that the art direction names: a laptop, a tablet, a phone. */
export const SIZES = {
  laptop: { viewport: { width: 1440, height: 900 } },
  tablet: { viewport: { width: 1024, height: 768 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

/** How long a test waits for what must come, in ms: so long that only what never comes is missed, on the slowest machine. */
export const PATIENCE = 60_000;

// ------------------------------------------------------------------------------------------------------ the tests
const tests = [];

/** options: slow (left out of --fast), alone (it measures time), lacks (a text: what is absent, so that it is skipped, '' to run). */
export function test(name, options, body) {
  tests.push({ name, ...options, body });
}

// A page waits more than it computes, so two tests are under way at a time.
const LANES = 2;
const figuresOf = new AsyncLocalStorage();  // the figures of the test under way

async function runTest({ name, lacks = '', body }, counts) {
  if (lacks) {
    counts.skipped += 1;
    return console.log(`skip    ${name}: ${lacks}`);
  }
  const figures = [];
  const began = Date.now();
  let result = '';
  try {
    await figuresOf.run(figures, body);
    counts.passed += 1;
    result = `ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`;
  } catch (error) {
    counts.failed += 1;
    result = `not ok  ${name}\n        ${String(error?.stack ?? error).replaceAll('\n', '\n        ')}`;
  }
  console.log([...figures, result].join('\n'));
}

/** Runs all, those that measure time by themselves; returns whether none failed. */
export async function run({ speed = 'all', only = '' } = {}) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const chosen = tests.filter(({ name, slow = false }) =>
    name.includes(only) && !(speed === 'fast' && slow) && !(speed === 'slow' && !slow));
  for (const one of chosen.filter(({ alone }) => alone)) await runTest(one, counts);
  const others = chosen.filter(({ alone }) => !alone).values();  // the lanes take turns
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (const one of others) await runTest(one, counts);
  }));
  await closeBrowser();
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  return counts.failed === 0 && counts.passed > 0;
}

/** A figure that a test measured: part of the log, so that documents can quote it. */
export function figure(text) {
  figuresOf.getStore().push(`        ${text}`);
}

export function check(condition, text) {
  if (!condition) throw new Error(text);
}

// ----------------------------------------------------------------------------------------------------- the server
/** Starts web/site/serve.py on a free port; `stop()` ends it. */
export async function serve(...options) {
  const mnist = process.env.MNIST_DIR && !options.includes('--without-mnist') ? ['--mnist', process.env.MNIST_DIR] : [];
  const rest = options.filter((option) => option !== '--without-mnist');
  const child = spawn('python3', [join(root, 'web/site/serve.py'), '--port', '0', ...mnist, ...rest, site],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/\S+/.exec(line)?.[0];
    if (address) return { address: address.replace(/\/$/, ''), stop: () => child.kill() };
  }
  throw new Error('web/site/serve.py ended before it said its address.');
}

// ---------------------------------------------------------------------------------------------------- the browser
let browser = null;  // a promise of it

export async function openBrowser() {
  const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
  if (!executablePath) throw new Error('No Chromium: install the package chromium, or set CHROMIUM to the program.');
  browser ??= chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return browser;
}

async function closeBrowser() {
  await browser?.then((open) => open.close(), () => {});  // that it did not open has been said
  browser = null;
}

/**
 * Opens the course in a fresh profile and gives the page to `use`; fails when the page reports an error that is not in
 * `allow`. `before` is given the page before it opens, `init` runs in it before everything else. Long tasks are collected in window.longTasks from the start.
 */
export async function withPage({ address, fragment = '', size = SIZES.laptop, locale = 'es-ES', dark = false, allow = [], before = null, init = null, wait = true }, use) {
  const context = await (await openBrowser()).newContext({ ...size, locale, colorScheme: dark ? 'dark' : 'light' });
  try {
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(`${message.text()} ${message.location().url}`));
    await page.addInitScript(() => {
      window.longTasks = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.longTasks.push(Math.round(entry.duration));
      }).observe({ entryTypes: ['longtask'] });
    });
    if (init) await page.addInitScript(init);
    await before?.(page);
    await page.goto(`${address}/#${fragment}`);
    if (wait) await page.evaluate(() => window.neurona.ready.then(() => null));
    const result = await use(page);
    const unexpected = errors.filter((text) => !allow.some((pattern) => pattern.test(text)));
    check(unexpected.length === 0, `The page reported: ${unexpected.join(' | ')}`);
    return result;
  } finally {
    await context.close();
  }
}

export const state = (page) => page.evaluate(() => window.neurona.state());
export const set = (page, name, value) => page.evaluate(([n, v]) => window.neurona.set(n, v), [name, value]);
export const go = (page, lesson, step) => page.evaluate(([l, s]) => window.neurona.go(l, s), [lesson, step]);

/** Waits until `condition(state, argument)` (run in the page) holds. */
export async function until(page, condition, argument = null, timeout = PATIENCE) {
  // Asked from here: the page's security policy forbids it to evaluate a text.
  const question = `(${condition})(window.neurona.state(), ${JSON.stringify(argument)})`;
  for (const end = Date.now() + timeout; !(await page.evaluate(question)); await page.waitForTimeout(50))
    check(Date.now() < end, `Not within ${timeout} ms: ${condition}, ${JSON.stringify(argument)}`);
}

/** Waits until nothing is drawn any more. */
export async function settled(page) {
  for (let last = -1, i = 0; i < 100; ++i) {
    const { frames } = await state(page);
    if (frames === last) return;
    last = frames;
    await page.waitForTimeout(150);
  }
  throw new Error('The page never came to rest.');
}

/** The centre of a control, in CSS pixels; waits for the frame that draws it. */
export async function centre(page, control) {
  await until(page, (s, name) => name in s.rects, control);
  const rect = (await state(page)).rects[control];
  return { x: rect[0] + rect[2] / 2, y: rect[1] + rect[3] / 2 };
}

/** Presses a control by mouse, once it can be pressed: the mirror holds those that can. */
export async function press(page, control) {
  await page.locator(`#mirror-controls [data-control="${control}"]`).waitFor({ state: 'attached', timeout: PATIENCE });
  const { x, y } = await centre(page, control);
  await page.mouse.click(x, y);
}

export async function screenshot(page, name) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/**
 * What this machine makes a page wait for at the least: times (ms, from navigation) of an empty page of the same server that opens WebGL 2
 * and draws one picture.
 */
export async function timeControlPage(address) {
  const context = await (await openBrowser()).newContext(SIZES.laptop);
  try {
    const page = await context.newPage();
    await page.route('**/control.html', (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><canvas width="1440" height="900"></canvas><script>
      const gl = document.querySelector('canvas').getContext('webgl2');
      requestAnimationFrame(() => {
        gl.clearColor(0.2, 0.4, 0.6, 1);
        gl.clear(gl.COLOR_BUFFER_BIT);
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
        window.drawn = performance.now();
      });</script>` }));
    await page.goto(`${address}/control.html`);
    await page.waitForFunction(() => window.drawn > 0, null, { timeout: PATIENCE });
    return await page.evaluate(() => window.drawn);
  } finally {
    await context.close();
  }
}

/** Opens the course on a server of its own. */
export async function withCourse({ server: options = [], ...rest }, use) {
  const server = await serve(...options);
  try {
    await withPage({ address: server.address, ...rest }, use);
  } finally {
    server.stop();
  }
}
