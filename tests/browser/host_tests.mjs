// What surrounds the course: a browser that lacks something, failures and their words, the browser's own keys and
// gestures, downloads, screen readers, the door's errors.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PATIENCE, SIZES, check, press, screenshot, set, settled, state, test, until, withCourse } from './harness.mjs';

const MNIST_LACKS = process.env.MNIST_DIR ? '' : 'MNIST_DIR is not set';

/** Fails unless the page shows its last words, with a button to load it again. */
async function checkStopped(page, words) {
  await page.locator('#again').waitFor({ state: 'visible', timeout: PATIENCE });
  const text = await page.locator('#splash-text').textContent();
  check(words.test(text), `The page says: '${text}'`);
  check(await page.evaluate(() => document.activeElement.id === 'again'), 'The button does not have the focus.');
  const said = await page.evaluate(() => { try { window.neurona.state(); return ''; } catch (error) { return error.message; } });
  check(words.test(said), `state() says: '${said}'`);
}

// ------------------------------------------------------------------------------------------------ what is lacking
const withoutGraphics = () => {
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return /^webgl/.test(kind) ? null : real.call(this, kind, ...rest); };
};

for (const [sizeName, size] of [['laptop', SIZES.laptop], ['phone', SIZES.phone]]) {
  for (const [locale, words] of [['es-ES', /no ofrece WebGL 2/], ['en-GB', /offers no WebGL 2/]]) {
    for (const dark of [false, true]) {
      test(`without WebGL 2 the page says so: ${sizeName}, ${locale}, ${dark ? 'dark' : 'light'}`, {}, async () => {
        await withCourse({ size, locale, dark, init: withoutGraphics, wait: false }, async (page) => {
          await checkStopped(page, words);
          const why = await page.evaluate(() => window.neurona.ready.then(() => '', (error) => error.message));
          check(words.test(why), `ready: '${why}'`);
          await screenshot(page, `stopped-${sizeName}-${locale.slice(0, 2)}-${dark ? 'dark' : 'light'}`);
        });
      });
    }
  }
}

test('graphics that fail after the check are told too', {}, async () => {
  const init = () => {
    const real = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return this.id === 'canvas' ? null : real.call(this, kind, ...rest); };
  };
  await withCourse({ locale: 'en-GB', init, wait: false, allow: [/./] }, (page) => checkStopped(page, /offers no WebGL 2/));
});

test('a program that does not arrive is told, and "reload" gets it', {}, async () => {
  await withCourse({ locale: 'en-GB', wait: false, allow: [/./] }, async (page) => {
    await page.evaluate(() => window.neurona.ready.then(() => null));
    await page.route('**/neurona*.wasm', (route) => route.abort('connectionreset'));
    await page.reload();
    await checkStopped(page, /could not be loaded/);
    await page.unroute('**/neurona*.wasm');
    await page.click('#again');
    await page.waitForFunction(() => window.neurona && document.querySelector('#splash.done'));
    await page.evaluate(() => window.neurona.ready.then(() => null));
  });
});

test('a loader that does not arrive is told at once by the page itself', {}, async () => {
  const before = (page) => page.route('**/loader.js', (route) => route.abort('connectionreset'));
  await withCourse({ before, wait: false, allow: [/ERR_/] }, async (page) => {
    await page.locator('#late').waitFor({ state: 'visible', timeout: PATIENCE });
    check(/no llegó[^]*did not arrive/.test(await page.locator('#late').textContent()), 'The text is another one.');
    await screenshot(page, 'stopped-no-loader');
  });
});

// ---------------------------------------------------------------------------------------------------- what breaks
test('lost graphics: the page says so, draws no more, and loads again', {}, async () => {
  await withCourse({ fragment: 'lesson=train&step=2&lang=en&theme=dark', locale: 'es-ES' }, async (page) => {
    await settled(page);
    await page.evaluate(() => document.querySelector('#canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext());
    await checkStopped(page, /took the graphics away/);  // in the course's language, not the browser's
    const colour = await page.evaluate(() => getComputedStyle(document.querySelector('#splash')).backgroundColor);
    check(colour === 'rgb(19, 22, 27)', `The course was dark, its last words are on ${colour}.`);
    await screenshot(page, 'stopped-context-lost');
    await page.mouse.move(300, 300);
    await page.waitForTimeout(300);
    await page.click('#again');
    await page.waitForFunction(() => window.neurona && document.querySelector('#splash.done'));
    await page.evaluate(() => window.neurona.ready.then(() => null));
    const { lesson, step } = await state(page);
    check(lesson === 'train' && step === 2, `It came back at ${lesson} ${step}.`);
  });
});

for (const [what, method] of [['a frame', 'frame'], ['the work between frames', 'work']]) {
  test(`an error out of ${what} ends the course in words`, {}, async () => {
    const init = () => {
      const real = WebAssembly.instantiateStreaming;
      WebAssembly.instantiateStreaming = async (...args) => {
        const { instance, module } = await real(...args);
        const exports = {};
        for (const [name, value] of Object.entries(instance.exports)) {
          exports[name] = typeof value !== 'function' ? value : (...rest) => {
            if (window.broken) throw new WebAssembly.RuntimeError('memory access out of bounds');
            return value(...rest);
          };
        }
        return { module, instance: { exports } };
      };
    };
    await withCourse({ locale: 'en-GB', init, allow: [/memory access out of bounds/] }, async (page) => {
      await settled(page);
      await page.evaluate((where) => {
        if (where === 'frame') window.broken = true;
        else new ResizeObserver(() => {}).observe(document.body);
        document.querySelector('#canvas').dispatchEvent(new Event('focus'));
        // The work follows the frame as a task of its own.
        if (where === 'work') requestAnimationFrame(() => { window.broken = true; });
      }, method);
      await checkStopped(page, /stopped because of an error.*memory access out of bounds/);
    });
  });
}

// -------------------------------------------------------------------------------------------- what is the browser's
test("the browser keeps its keys and its zoom; the course's keys are the course's", {}, async () => {
  await withCourse({ fragment: 'lesson=train&step=2' }, async (page) => {
    await page.evaluate(() => {
      window.taken = [];
      for (const type of ['keydown', 'wheel'])
        window.addEventListener(type, (event) => { if (event.defaultPrevented) window.taken.push(event.key ?? type); });
    });
    const taken = () => page.evaluate(() => window.taken.splice(0));
    // Dispatched: a real F5 or Ctrl+W would be obeyed.
    await page.evaluate(() => {
      const send = (key, more = {}) => document.querySelector('#canvas').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
      for (let i = 1; i <= 24; ++i) send(`F${i}`);
      for (const key of 'rftwlp+-0cvaz'.split('')) send(key, { metaKey: key !== 'z', ctrlKey: key === 'z', altKey: key === 'z' });
      for (const key of ['r', 'f', 't', 'w', '+', '-', '0', 'Tab', 'ArrowLeft', 'Home', 'PageDown', 'F5']) send(key, { ctrlKey: true });
      for (const key of ['ArrowLeft', 'ArrowRight', 'Home', 'd']) send(key, { altKey: true });
      send('Z', { ctrlKey: true, shiftKey: true });
      send('x');
      document.querySelector('#canvas').dispatchEvent(new WheelEvent('wheel', { deltaY: 100, ctrlKey: true, bubbles: true, cancelable: true }));
    });
    let list = await taken();
    check(list.length === 0, `Taken from the browser: ${list}`);
    check((await state(page)).step === 2, 'One of them changed the step.');
    await page.keyboard.press('ArrowRight');
    await until(page, (s) => s.step === 3);
    await page.mouse.move(600, 400);
    await page.mouse.wheel(0, 100);
    list = await taken();
    check(list.join() === 'ArrowRight,wheel', `Taken by the course: ${list}`);
  });
});

test('Ctrl+Z undoes a stroke', {}, async () => {
  await withCourse({}, async (page) => {
    await page.evaluate(() => window.neurona.draw([[[0.3, 0.2], [0.3, 0.8]], [[0.6, 0.2], [0.6, 0.8]]]));
    await page.keyboard.press('Control+z');
    await until(page, (s) => s.strokes === 1);
    await page.keyboard.press('Meta+z');
    await until(page, (s) => s.strokes === 0);
  });
});

test('the wheel scrolls the text', {}, async () => {
  await withCourse({ fragment: 'lesson=train&step=1&lang=es', size: { viewport: { width: 1200, height: 500 } } }, async (page) => {
    await settled(page);
    const x = 400, y = 200;
    await page.mouse.move(x, y);
    const before = await page.screenshot();
    await page.mouse.wheel(0, 120);
    await settled(page);
    check(!before.equals(await page.screenshot()), 'Nothing moved.');
  });
});

test('Tab goes through the course and leaves it at both ends', {}, async () => {
  await withCourse({ fragment: 'lesson=draw&step=1&lang=es' }, async (page) => {
    await page.evaluate(() => {
      const input = (id) => Object.assign(document.createElement('input'), { id });
      document.body.prepend(input('before'));
      document.body.append(input('after'));
      document.querySelector('#canvas').focus();
    });
    const where = () => page.evaluate(() => document.activeElement.id);
    const most = Object.keys((await state(page)).rects).length + 2;
    for (const [keys, target] of [['Tab', 'after'], ['Shift+Tab', 'before'], ['Tab', 'after']]) {
      let presses = 0;
      do {
        await page.keyboard.press(keys);  // without waiting for frames
        ++presses;
      } while ((await where()) === 'canvas' && presses <= most);
      check((await where()) === target, `After ${presses} times ${keys} the focus is in '${await where()}'.`);
      check(presses > 5, `${keys} left after ${presses}.`);
      await page.keyboard.press(target === 'after' ? 'Shift+Tab' : 'Tab');
      check((await where()) === 'canvas', `From '${target}' the way back leads to '${await where()}'.`);
    }
  });
});

test('two fingers zoom the page on a phone', {}, async () => {
  await withCourse({ size: SIZES.phone }, async (page) => {
    const session = await page.context().newCDPSession(page);
    await session.send('Input.synthesizePinchGesture', { x: 195, y: 600, scaleFactor: 2, relativeSpeed: 800 });
    const scale = await page.evaluate(() => window.visualViewport.scale);
    check(scale > 1.5, `The scale is ${scale}.`);
    check((await state(page)).strokes === 0, 'The pinch drew.');
  });
});

test('a second mouse button does not leave the pen down', {}, async () => {
  await withCourse({}, async (page) => {
    const { pad: [x, y, width, height] } = (await state(page)).rects;
    const move = (u, v) => page.mouse.move(x + u * width, y + v * height, { steps: 4 });
    for (const last of ['left', 'right']) {
      const before = (await state(page)).strokes;
      await move(0.3, 0.2);
      await page.mouse.down({ button: 'left' });
      await move(0.3, 0.5);
      await page.mouse.down({ button: 'right' });
      await page.mouse.up({ button: last === 'left' ? 'right' : 'left' });
      await page.mouse.up({ button: last });
      await until(page, (s, count) => s.strokes === count, before + 1);
      await settled(page);
      const frozen = JSON.stringify((await state(page)).prediction);
      await move(0.7, 0.7);
      await move(0.2, 0.8);
      await page.waitForTimeout(200);
      check(JSON.stringify((await state(page)).prediction) === frozen, `Released with ${last} last, the pen went on drawing.`);
    }
    // Held, with only the other button released at the end.
    await move(0.5, 0.2);
    await page.mouse.down({ button: 'left' });
    await page.mouse.down({ button: 'right' });
    await page.mouse.up({ button: 'left' });
    await settled(page);
    const frozen = JSON.stringify((await state(page)).prediction);
    await move(0.8, 0.8);
    await page.waitForTimeout(200);
    check(JSON.stringify((await state(page)).prediction) === frozen, 'Drawn with the right button.');
    await page.mouse.up({ button: 'right' });
  });
});

// ----------------------------------------------------------------------------------------------------- downloads
/** Twenty seconds are one here. */
const impatient = () => {
  const real = window.setTimeout;
  window.setTimeout = (body, wait, ...rest) => real(body, wait === 20_000 ? 1000 : wait, ...rest);
};

test('a download that falls silent fails in the end, and "retry" gets it whole, past the cache', { lacks: MNIST_LACKS }, async () => {
  const server = ['--cut-after', '300000', '--cut-times', '1', '--stall'];
  await withCourse({ server, fragment: 'lesson=train&step=1&lang=es', init: impatient }, async (page) => {
    const again = [];
    page.on('request', (request) => request.url().includes('/mnist/') && again.push(request.allHeaders()));
    await until(page, (s) => s.data.status === 'failed', null, 15_000);
    const { error } = (await state(page)).data;
    check(/no llega nada/.test(error), `It says: '${error}'`);
    again.length = 0;
    await press(page, 'retry');
    await until(page, (s) => s.data.status === 'ready');
    const { data } = await state(page);
    check(data.source === 'mnist' && data.train === 60_000, `data: ${JSON.stringify(data)}`);
    const headers = await again[0];
    check(headers['cache-control'] === 'no-cache' && !headers['if-none-match'], `The retry asked the cache: ${JSON.stringify(headers)}`);
  });
});

test('a program that falls silent is told', {}, async () => {
  const before = (page) => page.route('**/neurona*.wasm', () => {});  // never answered
  await withCourse({ locale: 'en-GB', before, init: impatient, wait: false, allow: [/./] },
    (page) => checkStopped(page, /could not be loaded.*nothing has arrived for 20 s/));
});

test('without memory for a file its download fails', { lacks: MNIST_LACKS }, async () => {
  const init = () => {
    // From the first file of images on, which is larger than what there is.
    let full = false;
    const realGrow = WebAssembly.Memory.prototype.grow;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (full) throw new RangeError('full');
      return realGrow.call(this, pages);
    };
    const realFetch = window.fetch;
    window.fetch = (path, ...rest) => {
      if (!/images/.test(path)) return realFetch(path, ...rest);
      full = true;
      return Promise.resolve(new Response(new Uint8Array(64e6)));
    };
  };
  await withCourse({ fragment: 'lesson=train&lang=en', init }, async (page) => {
    await until(page, (s) => s.data.status !== 'loading' && s.data.status !== 'idle');
    const { data } = await state(page);
    check(data.status === 'failed' && /memory/.test(data.error), `data: ${JSON.stringify(data)}`);
  });
});

test('MNIST under its other names, unpacked and dotted, is read', { lacks: MNIST_LACKS }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'neurona-mnist-'));
  try {
    for (const name of ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']) {
      const packed = readFileSync(join(process.env.MNIST_DIR, `${name}-ubyte.gz`));
      if (name.startsWith('train-images')) writeFileSync(join(folder, `${name.replace('-idx', '.idx')}-ubyte`), gunzipSync(packed));
      else if (name.startsWith('train')) writeFileSync(join(folder, `${name.replace('-idx', '.idx')}-ubyte.gz`), packed);
      else writeFileSync(join(folder, `${name}-ubyte`), gunzipSync(packed));
    }
    await withCourse({ server: ['--mnist', folder], fragment: 'lesson=train&step=1' }, async (page) => {
      await until(page, (s) => s.data.status === 'ready' || s.data.status === 'failed');
      const { data } = await state(page);
      check(data.source === 'mnist' && data.train === 60_000 && data.test === 10_000, `data: ${JSON.stringify(data)}`);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// ------------------------------------------------------------------------------------------------- screen readers
test('a screen reader moves sliders, and keeps its place while labels change', {}, async () => {
  await withCourse({ server: ['--without-mnist'], fragment: 'lesson=train&step=2&lang=en', allow: [/404/] }, async (page) => {
    await until(page, (s) => s.data.status === 'ready');
    const slider = page.locator('#mirror-controls input[type=range]').first();
    await slider.waitFor({ state: 'attached' });
    const value = () => slider.getAttribute('aria-valuetext');
    const before = await value();
    check(/\d/.test(before), `The slider's value is '${before}'.`);
    await slider.evaluate((range) => { range.stepUp(); range.dispatchEvent(new Event('input')); });
    await page.waitForFunction((old) => document.querySelector('#mirror-controls input').ariaValueText !== old, before);
    const more = await value();
    check(parseFloat(more) > parseFloat(before), `A step up from ${before} led to ${more}.`);
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction((old) => document.querySelector('#mirror-controls input').ariaValueText === old, before);
    check(await slider.evaluate((range) => range === document.activeElement), 'The slider lost the focus.');
  });
});

test('a screen reader that pressed a button is still there when the button has another name', {}, async () => {
  await withCourse({ server: ['--without-mnist'], fragment: 'lesson=train&step=4&lang=en', allow: [/404/] }, async (page) => {
    await until(page, (s) => s.data.status === 'ready');
    await settled(page);
    await page.waitForTimeout(400);
    await set(page, 'units', 512);  // long enough for training to go on while it is listened to
    await set(page, 'epochs', 50);
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    const next = page.locator('#mirror-controls button', { hasText: 'Next' });
    await next.focus();
    await next.evaluate((button) => { button.dataset.mine = 'yes'; });
    await set(page, 'training', 'batch');
    await until(page, (s) => s.training.batch === 1 && s.training.status === 'paused');
    await page.waitForTimeout(600);
    check((await focused()) === 'Next' && (await next.getAttribute('data-mine')) === 'yes', `The focus went to '${await focused()}'.`);
    await page.locator('#mirror-controls button', { hasText: /^(Play|Train)/ }).focus();
    await page.keyboard.press('Enter');
    await until(page, (s) => s.training.status === 'running' && s.training.batch > 5);
    await page.waitForTimeout(600);
    check((await focused()) === 'Pause', `"Pause" came in place of what was pressed; the focus is at '${await focused()}'.`);
    // What training says is said while it goes on, not only when it rests.
    await page.waitForFunction(() => /\d/.test(document.querySelector('#mirror-live').textContent), null, { timeout: PATIENCE });
    check((await state(page)).training.status === 'running', 'Nothing was said before training ended.');
  });
});

test('the control that Tab reaches is said', {}, async () => {
  await withCourse({ fragment: 'lesson=draw&lang=en' }, async (page) => {
    await settled(page);
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => document.querySelector('#mirror-focus').textContent !== '');
    const first = await page.locator('#mirror-focus').textContent();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.waitForFunction((before) => !['', before].includes(document.querySelector('#mirror-focus').textContent), first);
  });
});

// -------------------------------------------------------------------------------------------------------- the door
test('on() refuses an event that there is not, and tells those that there are', {}, async () => {
  await withCourse({}, async (page) => {
    const said = await page.evaluate(() => { try { window.neurona.on('predicted', () => {}); return ''; } catch (error) { return error.message; } });
    check(/'predicted'/.test(said) && /prediction, step, language, theme, training/.test(said), `It said: '${said}'`);
    for (const event of ['prediction', 'step', 'language', 'theme', 'training'])
      await page.evaluate((name) => window.neurona.on(name, () => {})(), event);
  });
});
