// Drawing: mouse, finger, and the digits of people the network never saw.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SIZES, check, figure, press, serve, state, test, until, withPage } from './harness.mjs';
import { DIGITS, heldOutDigits } from './digits.mjs';

const LEAST_HELD_OUT_ACCURACY = 0.97;

const onPad = ([x, y], [left, top, width, height]) => ({ x: left + x * width, y: top + y * height });

async function drawByMouse(page, strokes) {
  const { pad } = (await state(page)).rects;
  for (const stroke of strokes) {
    const points = stroke.map((point) => onPad(point, pad));
    await page.mouse.move(points[0].x, points[0].y);
    await page.mouse.down();
    for (const { x, y } of points.slice(1)) await page.mouse.move(x, y, { steps: 3 });
    await page.mouse.up();
  }
}

async function drawByFinger(page, strokes) {
  const session = await page.context().newCDPSession(page);
  const { pad } = (await state(page)).rects;
  const touch = (type, point) => session.send('Input.dispatchTouchEvent', { type, touchPoints: point ? [onPad(point, pad)] : [] });
  for (const stroke of strokes) {
    await touch('touchStart', stroke[0]);
    for (const point of stroke.slice(1)) await touch('touchMove', point);
    await touch('touchEnd');
  }
}

for (const [how, size, draw] of [['the mouse', SIZES.laptop, drawByMouse], ['a finger', SIZES.phone, drawByFinger]]) {
  test(`digits drawn with ${how} are read`, {}, async () => {
    const server = await serve();
    try {
      await withPage({ address: server.address, size }, async (page) => {
        const wrong = [];
        for (let digit = 0; digit < 10; ++digit) {
          await draw(page, DIGITS[digit]);
          await until(page, (s, count) => s.strokes === count && s.prediction !== null, DIGITS[digit].length);
          await page.waitForTimeout(100);
          const { prediction } = await state(page);
          check(Math.abs(prediction.probabilities.reduce((a, b) => a + b) - 1) < 1e-3, 'The probabilities do not sum to 1.');
          if (prediction.label !== digit) wrong.push(`${digit} read as ${prediction.label}`);
          await press(page, 'clear');
          await until(page, (s) => s.strokes === 0 && s.prediction === null);
        }
        check(wrong.length === 0, wrong.join(', '));
      });
    } finally {
      server.stop();
    }
  });
}

test('probabilities move while one draws, and undo takes a stroke back', {}, async () => {
  const server = await serve();
  try {
    await withPage({ address: server.address }, async (page) => {
      const events = await page.evaluateHandle(() => {
        const seen = [];
        window.neurona.on('prediction', (prediction) => seen.push(prediction && prediction.label));
        return seen;
      });
      await drawByMouse(page, DIGITS[4]);
      await until(page, (s) => s.strokes === 2);
      const count = await events.evaluate((seen) => seen.length);
      check(count >= 8, `Only ${count} predictions while four strokes' worth of points were drawn.`);
      await press(page, 'undo');
      await until(page, (s) => s.strokes === 1);
      check((await state(page)).prediction !== null, 'One stroke is left and nothing is predicted.');
    });
  } finally {
    server.stop();
  }
});

test('the MLP is fetched when it is chosen; the drawing stays and both answers are told', {}, async () => {
  const server = await serve();
  try {
    const fetched = [];
    const before = (page) => page.on('request', (request) => /models\//.test(request.url()) && fetched.push(request.url().replace(/.*\//, '')));
    await withPage({ address: server.address, before }, async (page) => {
      await page.evaluate((strokes) => window.neurona.draw(strokes), DIGITS[7]);
      const first = await state(page);
      check(first.values.network === 'cnn' && first.prediction.label === 7 && !first.network.other, `at first: ${JSON.stringify(first.network)}`);
      check(!fetched.includes('digits-mlp.safetensors'), 'The MLP was fetched before anybody chose it.');
      await press(page, 'network-1');
      await until(page, (s) => s.values.network === 'mlp' && s.network.status === 'ready');
      await until(page, (s) => s.prediction !== null);
      const { network, strokes, prediction } = await state(page);
      check(network.parameters !== first.network.parameters && network.multiply_adds < first.network.multiply_adds, `the MLP: ${JSON.stringify(network)}`);
      check(strokes === DIGITS[7].length && prediction.label === 7, `The MLP reads ${prediction?.label}, ${strokes} strokes are left.`);
      check(network.other?.label === 7, `The CNN, now the other one: ${JSON.stringify(network.other)}`);
      await until(page, () => /network=mlp/.test(location.hash));
      // An address opens with the network that it names.
      await page.reload();
      await page.evaluate(() => window.neurona.ready.then(() => null));
      check((await state(page)).network.parameters === network.parameters, 'The address was not followed.');
      // What each costs, as the card tells it: the middle of many readings.
      for (const kind of ['cnn', 'mlp']) {
        await page.evaluate((name) => window.neurona.set('network', name), kind);
        await until(page, (s, name) => s.values.network === name && s.network.status === 'ready', kind);
        const times = await page.evaluate(async (digits) => {
          const out = [];
          for (let i = 0; i < 10; ++i)
            for (const one of digits) {
              await window.neurona.draw(one);
              out.push(window.neurona.state().prediction.milliseconds);
            }
          return out.sort((a, b) => a - b);
        }, DIGITS);
        figure(`${kind}: ${times[times.length >> 1].toFixed(2)} ms a reading, at most ${times.at(-1).toFixed(2)}`);
      }
    });
  } finally {
    server.stop();
  }
});

test('the door refuses what are no strokes and keeps the drawing', {}, async () => {
  const server = await serve();
  try {
    await withPage({ address: server.address }, async (page) => {
      await page.evaluate((strokes) => window.neurona.draw(strokes), DIGITS[3]);
      for (const bad of ['three', [], [[]], [[[0.5]]], [[['a', 'b']]], [[[null, 0.5], [0.5, 0.5]]], [[[1e9, 0.5]]]]) {
        const said = await page.evaluate((strokes) => window.neurona.draw(strokes).then(() => '', (error) => error.message), bad);
        check(said.startsWith('draw:'), `draw(${JSON.stringify(bad)}) said '${said}'`);
      }
      const { strokes, prediction } = await state(page);
      check(strokes === DIGITS[3].length && prediction?.label === 3, 'Bad input touched the drawing.');
    });
  } finally {
    server.stop();
  }
});

const strokesFile = process.env.STROKES_DIR ? join(process.env.STROKES_DIR, 'dev.jsonl.gz') : '';
test('reads at least 97% of the digits of writers it was not trained on, through the page',
  { slow: true, lacks: existsSync(strokesFile) ? '' : 'STROKES_DIR is not set' }, async () => {
    const digits = heldOutDigits(strokesFile);
    check(digits.length > 1000, `Only ${digits.length} digits.`);
    const server = await serve();
    try {
      await withPage({ address: server.address }, async (page) => {
        // As they were written (filling the pad), and as people place digits: small, large, off-centre.
        for (const [name, placed] of [['filling the pad', { size: [0.8, 0.8], shift: 0 }], ['small to large, off-centre', { size: [0.25, 0.75], shift: 1 }]]) {
          const right = await page.evaluate(async ([list, how]) => {
            let seed = 7;
            const uniform = (from, to) => {
              seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
              return from + ((to - from) * seed) / 4294967296;
            };
            let count = 0;
            for (const { strokes, label } of list) {
              const points = strokes.flat();
              const width = Math.max(...points.map((p) => p[0])), height = Math.max(...points.map((p) => p[1]));
              const scale = uniform(...how.size) / Math.max(width, height, 0.01);  // a dot has no size
              const roomX = 1 - width * scale, roomY = 1 - height * scale;
              const x = how.shift ? uniform(0.03, roomX - 0.03) : roomX / 2, y = how.shift ? uniform(0.03, roomY - 0.03) : roomY / 2;
              const answer = await window.neurona.draw(strokes.map((stroke) => stroke.map((p) => [x + p[0] * scale, y + p[1] * scale])));
              count += answer.label === label;
            }
            return count;
          }, [digits, placed]);
          const accuracy = right / digits.length;
          figure(`${name}: ${right} of ${digits.length} (${(100 * accuracy).toFixed(2)}%)`);
          check(accuracy >= LEAST_HELD_OUT_ACCURACY, `${name}: only ${(100 * accuracy).toFixed(2)}% were read.`);
        }
      });
    } finally {
      server.stop();
    }
  });
