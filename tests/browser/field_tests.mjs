// What visitors ran into: a pinch on the pad, languages beside Spanish, pages that cannot start, strict policies, held keys, quick
// changes of the address.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { PATIENCE, SIZES, check, go, openBrowser, screenshot, set, settled, site, state, test, until, withCourse } from './harness.mjs';

// --------------------------------------------------------------------------------------------------------- pinch
async function fingers(page) {
  const session = await page.context().newCDPSession(page);
  const { pad } = (await state(page)).rects;
  const at = ([x, y], id) => ({ x: pad[0] + x * pad[2], y: pad[1] + y * pad[3], id });
  return (type, ...points) => session.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(at) });
}

for (const [when, first] of [['at once', []], ['after some ink', [[0.35, 0.4], [0.4, 0.5], [0.45, 0.6]]]]) {
  test(`a pinch leaves no ink, the second finger ${when}; what was there stays, and one finger draws again`, {}, async () => {
    await withCourse({ size: SIZES.phone }, async (page) => {
      const touch = await fingers(page);
      const pinch = async () => {
        await touch('touchStart', [0.3, 0.3]);
        for (const point of first) await touch('touchMove', point);
        const here = first.at(-1) ?? [0.3, 0.3];
        await touch('touchStart', here, [0.7, 0.7]);
        for (let i = 1; i < 5; ++i) await touch('touchMove', [here[0] - 0.02 * i, here[1]], [0.7 + 0.02 * i, 0.7]);
        await touch('touchEnd');
        await settled(page);
      };
      const stroke = async () => {
        await touch('touchStart', [0.5, 0.2]);
        for (let i = 1; i < 6; ++i) await touch('touchMove', [0.5, 0.2 + 0.1 * i]);
        await touch('touchEnd');
        await settled(page);
      };
      await pinch();
      let now = await state(page);
      check(now.strokes === 0 && now.prediction === null, `After a pinch: ${now.strokes} strokes, ${JSON.stringify(now.prediction)}`);
      await page.evaluate(() => window.neurona.draw([[[0.5, 0.2], [0.5, 0.8]]]));
      await pinch();
      now = await state(page);
      check(now.strokes === 1, `What was drawn before: ${now.strokes} strokes.`);
    });
    await withCourse({ size: SIZES.phone }, async (page) => {
      const touch = await fingers(page);
      await touch('touchStart', [0.3, 0.3]);
      await touch('touchStart', [0.3, 0.3], [0.7, 0.7]);
      await touch('touchEnd');
      await touch('touchStart', [0.5, 0.2]);
      for (let i = 1; i < 6; ++i) await touch('touchMove', [0.5, 0.2 + 0.1 * i]);
      await touch('touchEnd');
      await until(page, (s) => s.strokes === 1 && s.prediction !== null);
    });
  });
}

// ----------------------------------------------------------------------------------------------------- languages
for (const [list, expected] of [[['ca'], 'es'], [['gl', 'en'], 'es'], [['eu-ES', 'en-US'], 'es'], [['fr', 'es', 'en'], 'es'], [['de', 'en', 'es'], 'en'],
  [['pt-BR', 'en'], 'en'], [['fr'], 'en'], [['et', 'est'], 'en']]) {
  test(`a browser in ${list} gets ${expected}`, {}, async () => {
    const init = `Object.defineProperty(navigator, 'languages', { value: ${JSON.stringify(list)} });
      Object.defineProperty(navigator, 'language', { value: '${list[0]}' });`;
    await withCourse({ init }, async (page) => check((await state(page)).language === expected, `It is ${(await state(page)).language}.`));
    await withCourse({ init, fragment: 'lang=en' }, async (page) => check((await state(page)).language === 'en', 'The address was not obeyed.'));
  });
}

// ------------------------------------------------------------------------------------------------ cannot start
/** The site with other headers; `lacking` are answered by 404. */
async function plainServer(headers, lacking = /$^/) {
  const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', wasm: 'application/wasm' };
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://x').pathname.slice(1) || 'index.html';
    if (path === 'frame.html') return response.end('<iframe sandbox="allow-scripts" src="index.html" width=800 height=600></iframe>');
    try {
      if (lacking.test(path)) throw new Error();
      const bytes = readFileSync(join(site, path));
      response.writeHead(200, { 'content-type': types[path.split('.').pop()] ?? 'application/octet-stream', ...headers }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  return { address: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); server.close(); } };
}

const CASES = [
  ['a file', {}, /$^/, 'file', /como archivo[^]*opened as a file/],
  ['a sandboxed frame', {}, /$^/, 'frame.html', /sandbox[^]*sandbox/],
  ['no loader.js', {}, /loader\.js/, '', /no llegó[^]*did not arrive/],
  ['no variant.js', {}, /variant\.js/, '', /no llegó[^]*did not arrive/],
  ['no early.js and no loader.js', {}, /(early|loader)\.js/, '', /no deja correr[^]*does not let/],
  ['blocked scripts', { 'content-security-policy': "script-src 'none'" }, /$^/, '', /no deja correr[^]*does not let/],
  ['a policy for early.js alone', { 'content-security-policy': "script-src http://127.0.0.1:*/early.js" }, /$^/, '', /Content-Security-Policy[^]*Content-Security-Policy/],
  ['no JavaScript', {}, /$^/, 'off', /necesita JavaScript[^]*needs JavaScript/],
];
for (const [what, headers, lacking, path, words] of CASES) {
  test(`the page that cannot start says why, at once: ${what}`, {}, async () => {
    const server = await plainServer(headers, lacking);
    const context = await (await openBrowser()).newContext({ ...SIZES.phone, javaScriptEnabled: path !== 'off' });
    try {
      const page = await context.newPage();
      await page.goto(path === 'file' ? pathToFileURL(join(site, 'index.html')).href : `${server.address}/${path === 'off' ? '' : path}`);
      const frame = path === 'frame.html' ? page.frames()[1] : page;
      // Sooner than the 8 s after which a slow page says so.
      const text = frame.locator(path === 'off' ? '#noscript' : '#late');
      await text.waitFor({ state: 'visible', timeout: PATIENCE });
      check(words.test(await text.textContent()), `It says: '${await text.textContent()}'`);
      await screenshot(page, `cannot-start-${what.replaceAll(' ', '-')}`);
    } finally {
      await context.close();
      server.stop();
    }
  });
}

// -------------------------------------------------------------------------------------------------------- policy
for (const path of ['', 'bench.html']) {
  test(`nothing of ${path || 'the course'} offends a strict policy`, {}, async () => {
    const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'";
    const [strict, free] = [await plainServer({ 'content-security-policy': policy }), await plainServer({})];
    const seen = [];
    try {
      for (const server of [strict, free]) {
        const context = await (await openBrowser()).newContext({ ...SIZES.laptop, locale: 'es-ES' });
        const page = await context.newPage();
        const said = [];
        page.on('console', (message) => /Content Security Policy/i.test(message.text()) && said.push(message.text()));
        await page.goto(`${server.address}/${path}`);
        if (!path) {
          await page.waitForFunction(() => window.neurona && document.querySelector('#splash.done'), null, { polling: 100 });
          await settled(page);
          await page.waitForTimeout(400);
        }
        check(said.length === 0, said.join(' | '));
        seen.push((await page.screenshot()).toString('base64'));
        await context.close();
      }
    } finally {
      strict.stop();
      free.stop();
    }
    check(seen[0] === seen[1], 'It looks otherwise under the policy.');
  });
}

// ---------------------------------------------------------------------------------------------- keys and address
test('an arrow key held moves a slider by each repeat, several in one frame too', {}, async () => {
  await withCourse({ server: ['--without-mnist'], fragment: 'lesson=train&step=2&lang=en', allow: [/404/] }, async (page) => {
    await until(page, (s) => s.data.status === 'ready');
    await set(page, 'units', 100);
    await settled(page);
    const name = await page.evaluate(() => document.querySelector('#mirror-controls input[type=range]').dataset.control);
    const hold = (key, count) => page.evaluate(([k, n]) => {
      for (let i = 0; i < n; ++i) document.querySelector('#canvas').dispatchEvent(new KeyboardEvent('keydown', { key: k, repeat: i > 0, bubbles: true }));
    }, [key, count]);
    const reading = () => page.locator('#mirror-controls input[type=range]').first().getAttribute('aria-valuetext');
    const { x, y } = await page.evaluate((n) => { const [a, b, w, h] = window.neurona.state().rects[n]; return { x: a + w / 2, y: b + h / 2 }; }, name);
    await page.mouse.click(x, y);
    await settled(page);
    const before = await reading();
    for (let i = 0; i < 6; ++i) { await hold('ArrowRight', 1); await settled(page); }
    const slowly = await reading();
    check(slowly !== before, 'The slider did not move.');
    await page.mouse.click(x, y);
    await settled(page);
    await hold('ArrowRight', 6);
    await settled(page);
    check((await reading()) === slowly, `Six presses one by one lead to ${slowly}, at once to ${await reading()}.`);
  });
});

for (const changes of [20, 400]) {
  test(`after ${changes} quick changes the address is that of the last`, {}, async () => {
    await withCourse({ server: ['--without-mnist'], fragment: 'lesson=train&step=2&lang=en', allow: [/404/] }, async (page) => {
      await page.evaluate(async (n) => {
        for (let i = 0; i < n; ++i) {
          window.neurona.set('units', 1 + (i % 500));
          if (n > 20) await new Promise((next) => { requestAnimationFrame(next); });
        }
        window.neurona.set('units', 77);
      }, changes);
      await page.waitForFunction(() => /units=77(&|$)/.test(location.hash), null, { timeout: PATIENCE, polling: 100 });
    });
  });
}

test('Ctrl+Z undoes where the pad is, and nowhere else', {}, async () => {
  await withCourse({ server: ['--without-mnist'], allow: [/404/] }, async (page) => {
    await page.evaluate(() => window.neurona.draw([[[0.4, 0.2], [0.4, 0.8]], [[0.6, 0.2], [0.6, 0.8]]]));
    await go(page, 'train', 1);
    await settled(page);
    await page.keyboard.press('Control+z');
    await settled(page);
    check((await state(page)).strokes === 2, 'A stroke that nobody sees was undone.');
    await go(page, 'draw', 1);
    await settled(page);
    await page.keyboard.press('Control+z');
    await until(page, (s) => s.strokes === 1);
  });
});

// ------------------------------------------------------------------------------------------- a phone on its side
for (const [width, height] of [[844, 390], [740, 360], [667, 375], [568, 320]]) {
  for (const locale of ['es-ES', 'en-GB']) {
    test(`a phone on its side, ${width}x${height}, ${locale}: the pad can be seen whole`, {}, async () => {
      await withCourse({ size: { ...SIZES.phone, viewport: { width, height } }, locale }, async (page) => {
        await settled(page);
        await screenshot(page, `side-${width}-${locale.slice(0, 2)}`);
        const { pad } = (await state(page)).rects;
        check(pad[3] <= height - 52, `The pad is ${pad[3]} high.`);
      });
    });
  }
}
