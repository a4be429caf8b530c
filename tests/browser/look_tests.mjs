// Pictures of every step, in both languages, light and dark, at three sizes: build/screenshots/. What can be checked
// without eyes is: something is drawn, nothing lies outside the screen, controls do not overlap.
import { inflateSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SIZES, check, go, pictures, screenshot, serve, set, settled, state, test, until, withPage } from './harness.mjs';
import { DIGITS } from './digits.mjs';

/** How many different colors a PNG of 8-bit RGB or RGBA holds, up to `enough`. */
function colorsOf(file, enough) {
  const png = readFileSync(file);
  const width = png.readUInt32BE(16), height = png.readUInt32BE(20), channels = png[25] === 6 ? 4 : 3;
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  let above = new Uint8Array(stride);
  const colors = new Set();
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (stride + 1)];
    const line = raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    for (let i = 0; i < stride; ++i) {
      const a = i >= channels ? line[i - channels] : 0, b = above[i], c = i >= channels ? above[i - channels] : 0;
      const p = a + b - c, pa = Math.abs(p - a), pb = Math.abs(p - b), pc = Math.abs(p - c);
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      line[i] = (line[i] + [0, a, b, (a + b) >> 1, paeth][filter]) & 255;
    }
    for (let i = 0; i < stride; i += channels) colors.add((line[i] << 16) | (line[i + 1] << 8) | line[i + 2]);
    if (colors.size >= enough) break;
    above = line;
  }
  return colors.size;
}

function overlapping(rects) {
  const list = Object.entries(rects).filter(([name]) => /^(play|pause|batch|epoch|reset|new-seed|next|back|language|theme|menu|undo|clear|evaluate|retry)$/.test(name));
  const out = [];
  list.forEach(([a, [ax, ay, aw, ah]], i) => list.slice(i + 1).forEach(([b, [bx, by, bw, bh]]) => {
    if (ax < bx + bw - 1 && bx < ax + aw - 1 && ay < by + bh - 1 && by < ay + ah - 1) out.push(`${a} and ${b}`);
  }));
  return out;
}

/** What makes a lesson worth a second picture: its steps are taken as they open, then once more behind this. A lesson without one is taken as it opens. */
const USED = {
  draw: async (page) => {
    await page.evaluate((strokes) => window.neurona.draw(strokes), DIGITS[4]);
    await page.waitForTimeout(300);  // the occlusion map fills
  },
  train: async (page) => {
    await set(page, 'epochs', 2);
    await set(page, 'training', 'play');
    await until(page, (s) => s.training.status === 'finished' || s.training.status === 'stopped_early');
    await set(page, 'training', 'evaluate');
    await until(page, (s) => s.training.test_accuracy !== undefined);
  },
};

// All four looks at the size of a laptop; each other size has two of them.
const LOOKS = {
  laptop: [['es', false], ['es', true], ['en', false], ['en', true]],
  tablet: [['es', true], ['en', false]],
  phone: [['es', false], ['en', true]],
};

/** Takes every step that exists, as the page itself lists them, in each look. */
async function takeAllSteps(page, sizeName, what) {
  const { course } = await state(page);
  for (const [language, dark] of LOOKS[sizeName]) {
    await set(page, 'language', language);
    await set(page, 'theme', dark ? 'dark' : 'light');
    for (const { lesson, steps, coming } of course) {
      if (coming && lesson !== course.find((one) => one.coming).lesson) continue;  // one page of those to come shows them all
      for (let step = 1; step <= steps; ++step) {
        await go(page, lesson, step);
        if (USED[lesson] === USED.train) await until(page, (s) => s.data.status === 'ready');
        await settled(page);
        const name = `${sizeName}-${language}-${dark ? 'dark' : 'light'}-${lesson}-${step}${what}`;
        await screenshot(page, name);
        const colors = colorsOf(join(pictures, `${name}.png`), 40);
        check(colors >= 40, `${name}: only ${colors} colors; is anything drawn?`);
        const now = await state(page);
        const both = overlapping(now.rects);
        check(both.length === 0, `${name}: these overlap: ${both.join(', ')}`);
        check(now.language === language && now.dark === dark && now.lesson === lesson && now.step === step, `${name}: ${JSON.stringify([now.language, now.dark, now.lesson, now.step])}`);
      }
    }
  }
}

for (const [sizeName, size] of Object.entries(SIZES)) {
  test(`every step has its picture: ${sizeName}`, { slow: sizeName !== 'laptop' }, async () => {
    const server = await serve();
    try {
      await withPage({ address: server.address, size, allow: [/404/] }, async (page) => {
        if (sizeName !== 'tablet') await takeAllSteps(page, sizeName, '-before');
        for (const [lesson, use] of Object.entries(USED)) {
          await go(page, lesson, 1);
          if (lesson === 'train') await until(page, (s) => s.data.status === 'ready');
          await use(page);
        }
        await takeAllSteps(page, sizeName, '');
      });
    } finally {
      server.stop();
    }
  });
}
