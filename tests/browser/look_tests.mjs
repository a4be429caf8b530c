// Pictures of every step, in both languages, light and dark, at three sizes: build/screenshots/. What can be checked
// without eyes is: something is drawn, nothing lies outside the screen, controls do not overlap.
import { inflateSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SIZES, check, go, pictures, screenshot, serve, set, settled, state, test, until, withPage } from './harness.mjs';
import { DIGITS } from './digits.mjs';

/** How many different colours a PNG of 8-bit RGB or RGBA holds, up to `enough`. */
function coloursOf(file, enough) {
  const png = readFileSync(file);
  const width = png.readUInt32BE(16), height = png.readUInt32BE(20), channels = png[25] === 6 ? 4 : 3;
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  let above = new Uint8Array(stride);
  const colours = new Set();
  for (let y = 0; y < height; ++y) {
    const filter = raw[y * (stride + 1)];
    const line = raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    for (let i = 0; i < stride; ++i) {
      const a = i >= channels ? line[i - channels] : 0, b = above[i], c = i >= channels ? above[i - channels] : 0;
      const p = a + b - c, pa = Math.abs(p - a), pb = Math.abs(p - b), pc = Math.abs(p - c);
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      line[i] = (line[i] + [0, a, b, (a + b) >> 1, paeth][filter]) & 255;
    }
    for (let i = 0; i < stride; i += channels) colours.add((line[i] << 16) | (line[i + 1] << 8) | line[i + 2]);
    if (colours.size >= enough) break;
    above = line;
  }
  return colours.size;
}

function overlapping(rects) {
  const list = Object.entries(rects).filter(([name]) => /^(play|pause|batch|epoch|reset|new-seed|next|back|language|theme|menu|undo|clear|evaluate|retry)$/.test(name));
  const out = [];
  list.forEach(([a, [ax, ay, aw, ah]], i) => list.slice(i + 1).forEach(([b, [bx, by, bw, bh]]) => {
    if (ax < bx + bw - 1 && bx < ax + aw - 1 && ay < by + bh - 1 && by < ay + ah - 1) out.push(`${a} and ${b}`);
  }));
  return out;
}

for (const [sizeName, size] of Object.entries(SIZES)) {
  for (const language of ['es', 'en']) {
    for (const dark of [false, true]) {
      const name = `${sizeName}-${language}-${dark ? 'dark' : 'light'}`;
      test(`every step has its picture: ${name}`, { slow: sizeName === 'tablet' || (dark && language === 'en') }, async () => {
        const server = await serve();
        try {
          await withPage({ address: server.address, fragment: `lesson=draw&lang=${language}`, size, dark, allow: [/404/] }, async (page) => {
            const take = async (what) => {
              await settled(page);
              await screenshot(page, `${name}-${what}`);
              const colours = coloursOf(join(pictures, `${name}-${what}.png`), 40);
              check(colours >= 40, `${what}: only ${colours} colours; is anything drawn?`);
              const both = overlapping((await state(page)).rects);
              check(both.length === 0, `${what}: these overlap: ${both.join(', ')}`);
              const { language: now, dark: isDark } = await state(page);
              check(now === language && isDark === dark, `${what}: language ${now}, dark ${isDark}`);
            };
            await take('draw-empty');
            await page.evaluate((strokes) => window.neurona.draw(strokes), DIGITS[4]);
            for (const step of [1, 2, 3]) {
              await go(page, 'draw', step);
              await page.waitForTimeout(300);
              await take(`draw-${step}`);
            }
            await go(page, 'train', 1);
            await until(page, (s) => s.data.status === 'ready');
            for (const step of [1, 2, 3, 4]) {
              await go(page, 'train', step);
              await take(`train-${step}-before`);
            }
            await set(page, 'epochs', 2);
            await set(page, 'training', 'play');
            await until(page, (s) => s.training.status === 'finished' || s.training.status === 'stopped_early');
            for (const step of [4, 5, 6, 7]) {
              await go(page, 'train', step);
              if (step === 6) {
                await set(page, 'training', 'evaluate');
                await until(page, (s) => s.training.test_accuracy !== undefined);
              }
              await take(`train-${step}`);
            }
            await go(page, 'convolution', 1);
            await take('coming');
          });
        } finally {
          server.stop();
        }
      });
    }
  }
}
