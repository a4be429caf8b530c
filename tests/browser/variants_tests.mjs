// The builds of the program that the page can choose from, and bench.html, which measures them.
import { SIZES, check, figure, openBrowser, screenshot, serve, state, test, withPage } from './harness.mjs';

// ----------------------------------------------------------------------------------------- which build is loaded
/** The program that the page asked for, and the cores that it sees. */
async function loaded(server, init) {
  const files = [];
  const watch = (page) => page.on('request', (request) => {
    const file = /\/(neurona[a-z-]*)\.wasm/.exec(request.url())?.[1];
    if (file) files.push(file);
  });
  return withPage({ address: server.address, init, before: watch }, async (page) => {
    const { network } = await state(page);
    check(network.status === 'ready', `The network is '${network.status}'.`);
    return { files: files.join(), cores: await page.evaluate(() => navigator.hardwareConcurrency) };
  });
}

// As a browser that does not know f32x4.relaxed_madd (0xfd 0x85 0x02).
const withoutRelaxedSimd = () => {
  const real = WebAssembly.validate;
  WebAssembly.validate = (bytes) => !String(new Uint8Array(bytes)).includes('253,133,2') && real(bytes);
};

test('the page loads the build that the browser can run: threads where it is isolated, relaxed SIMD where it validates', {}, async () => {
  for (const options of [[], ['--no-isolation']]) {
    const server = await serve(...options);
    try {
      for (const init of [null, withoutRelaxedSimd]) {
        const { files, cores } = await loaded(server, init);
        const expected = `neurona${options.length === 0 && cores > 1 ? '-threads' : ''}${init ? '' : '-relaxed'}`;
        check(files === expected, `Options '${options}', relaxed SIMD ${init ? 'out of reach' : 'there'}: it loads ${files}, not ${expected}.`);
      }
    } finally {
      server.stop();
    }
  }
});

// ---------------------------------------------------------------------------------------------------- bench.html
/** Opens bench.html; fails when it reports an error. */
async function withBench({ server: options = [], size = SIZES.laptop, locale = 'en-GB', dark = false } = {}, use) {
  const server = await serve(...options);
  const context = await (await openBrowser()).newContext({ ...size, locale, colorScheme: dark ? 'dark' : 'light', permissions: ['clipboard-read', 'clipboard-write'] });
  try {
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(`${server.address}/bench.html`);
    const result = await use(page);
    check(errors.length === 0, `bench.html reported: ${errors.join(' | ')}`);
    return result;
  } finally {
    await context.close();
    server.stop();
  }
}

/** Chooses the parts and presses the button; returns when all is measured. */
async function measure(page, parts, done) {
  for (const box of await page.locator('input[name=parts]').all()) await box.setChecked(parts.includes(await box.getAttribute('value')));
  await page.locator('#start').click();
  await page.locator('#status', { hasText: done }).waitFor({ timeout: 180_000 });
}

const cells = (page) => page.evaluate(() => [...document.querySelectorAll('#results tr')].map((row) => [...row.children].map((cell) => cell.textContent)));

test('bench.html measures training, and its figures can be copied', { slow: true }, async () => {
  await withBench({}, async (page) => {
    await measure(page, ['training'], 'Done.');
    const [heading, ...rows] = await cells(page);
    check(heading.join() === 'network,images/s,ms a batch', `The table begins with ${heading}.`);
    check(rows.map(([name]) => name).includes('cnn'), `The networks are ${rows.map(([name]) => name)}.`);
    await page.locator('#copy').click();
    await page.locator('#status', { hasText: 'Copied.' }).waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    for (const [name, rate, ms] of rows) {
      const { samples_per_second: samples, milliseconds_per_batch: batch } = copied.training[name];
      check(samples > 0 && rate === samples.toLocaleString('en', { maximumFractionDigits: 0 }), `${name}: ${rate} is shown, ${samples} copied.`);
      check(Math.abs(Number(ms) - batch) <= 0.05 * batch, `${name}: ${ms} ms are shown, ${batch} copied.`);
      figure(`${name}: ${rate} images/s, ${ms} ms a batch (one thread, ${copied.machine.backend})`);
    }
    check(copied.program.name === 'neurona-bench-relaxed', `It says that it measured ${copied.program.name}.`);
  });
});

test('bench.html stops when it is told to, and measures again', {}, async () => {
  await withBench({}, async (page) => {
    await page.locator('#start').click();
    await page.locator('#start', { hasText: 'Stop' }).click();
    await page.locator('#start', { hasText: 'Measure' }).waitFor();
    check((await page.locator('#status').textContent()) === '', 'It still says something.');
    await measure(page, ['gemm'], 'Done.');
    const rates = (await cells(page)).slice(1).map(([, rate]) => Number(rate));
    check(rates.length > 3 && rates.every((rate) => rate > 0.1), `The products reach ${rates} GFLOP/s.`);
  });
});

test('bench.html without isolation offers one thread and says why', {}, async () => {
  await withBench({ server: ['--no-isolation'] }, async (page) => {
    check((await page.locator('input[name=threads]').count()) === 1, 'It offers several threads.');
    const machine = await page.locator('#machine').textContent();
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    check(cores === 1 || machine.includes('does not isolate it'), `It says: ${machine}`);
  });
});

for (const [sizeName, size] of [['laptop', SIZES.laptop], ['phone', SIZES.phone]]) {
  for (const [locale, done] of [['es-ES', 'Listo.'], ['en-GB', 'Done.']]) {
    for (const dark of [false, true]) {
      test(`bench.html, ${sizeName}, ${locale}, ${dark ? 'dark' : 'light'}`, { slow: true }, async () => {
        await withBench({ size, locale, dark }, async (page) => {
          await measure(page, ['prediction', 'gemm'], done);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          check(overflow <= 0, `The page is ${overflow} pixels wider than its window.`);
          const cut = await page.evaluate(() => [...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth).length);
          check(cut === 0, `${cut} tables are wider than the page.`);
          const machine = await page.locator('#results p').first().textContent();
          check(machine.includes(locale === 'es-ES' ? '1 hilo)' : '1 thread)'), `It says of the machine: ${machine}`);
          await screenshot(page, `bench-${sizeName}-${locale.slice(0, 2)}-${dark ? 'dark' : 'light'}`);
        });
      });
    }
  }
}
