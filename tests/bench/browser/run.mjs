// How fast other libraries do in a page what Neurona does there.
//
//   npm ci --omit=optional && node run.mjs [--only tfjs|ort] [--threads 1|2] [--json]
//
// The command prints a table and fails when a library computes something else than expected. Chromium is the program
// that the variable CHROMIUM names, or `chromium` on the PATH.
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { serve } from './server.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

const FIGURES = {
  tfjs: { training: ['mlp', 'mlp-improved', 'cnn'], prediction: ['mlp', 'cnn', 'resnet50'] },
  'tfjs-layers': { training: ['mlp', 'mlp-improved', 'cnn'] },
  ort: { prediction: ['mlp', 'cnn', 'resnet50'] },
};

// What TensorFlow.js says where its WebAssembly backend lacks an operation: a finding, not a fault.
const MISSING = /Kernel '.*' not registered for backend 'wasm'/;

const launch = async () => chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });

function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      try {
        const path = join(folder, name);
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not here
      }
    }
  }
  throw new Error('No Chromium: install the package chromium, or set CHROMIUM to the program.');
}

/**
 * Opens a browser and a server; site: a folder that is served below /site/, such as build/site. Returns
 *   measure(task, network, library, threads), outputs(...), losses(...), describe(library, threads): see window.peer;
 *     they reject with the library's own error,
 *   page: the browser's only page, free for other use between two calls,
 *   address: where the server answers,
 *   close().
 */
export async function openPeers({ site } = {}) {
  const server = await serve({ folders: { '/': HERE, ...(site ? { '/site/': resolve(site) } : {}) } });
  const browser = await launch().catch(async (error) => {
    await server.close();
    throw error;
  });
  const page = await browser.newPage();

  // A page for each pair of library and threads; leaving it ends its threads and frees its memory.
  async function ask(library, threads, name, ...values) {
    const address = `${server.address}/peers.html?library=${library}&threads=${threads}`;
    if (page.url() !== address) {
      await page.goto(address);
      await page.waitForFunction(() => window.peer);
    }
    return page.evaluate(([f, given]) => window.peer[f](...given), [name, values]);
  }

  return {
    measure: (task, network, library, threads) => ask(library, threads, 'measure', task, network, library, threads),
    outputs: (network, library, threads) => ask(library, threads, 'outputs', network, library, threads),
    losses: (network, library, threads, steps) => ask(library, threads, 'losses', network, library, threads, steps),
    describe: (library, threads) => ask(library, threads, 'describe', library, threads),
    page,
    address: server.address,
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

// -------------------------------------------------------------------------------------------------- the command line

// Sums of thousands of products in another order differ by some 1e-5 of the largest output; a wrong padding or a kernel
// in the wrong order changes all of it.
const OUTPUT_TOLERANCE = 1e-3;
const LOSS_STEPS = 100, LOSS_WINDOW = 10, LOSS_SHARE = 0.7;

const mean = (values) => values.reduce((a, b) => a + b) / values.length;
const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);  // NaN stays NaN

/** The text of what is wrong with a training's losses, or null. */
function wrongLosses(losses) {
  const first = mean(losses.slice(0, LOSS_WINDOW)), last = mean(losses.slice(-LOSS_WINDOW));
  return last < LOSS_SHARE * first ? null : `the loss went from ${first} to ${last} in ${losses.length} steps`;
}

/** The largest difference, as a share of the largest output; NaN where they do not even have the same length. */
function difference(outputs, expected) {
  return outputs.length === expected.length ? largest(outputs.map((value, i) => value - expected[i])) / largest(expected) : NaN;
}

function row(cells) {
  return cells.map((cell, i) => String(cell).padEnd([12, 11, 13, 8, 0][i])).join('');
}

const plan = (library) => Object.entries(FIGURES[library])
  .flatMap(([task, networks]) => networks.map((network) => [task, network]));

async function main() {
  const { values: options } = parseArgs({
    options: { only: { type: 'string' }, threads: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const say = options.json ? () => {} : console.log;
  const libraries = Object.keys(FIGURES).filter((library) => !options.only || library.split('-')[0] === options.only);
  const counts = [1, 2].filter((count) => !options.threads || String(count) === options.threads);
  if (!libraries.length || !counts.length) throw new Error('node run.mjs [--only tfjs|ort] [--threads 1|2] [--json]');

  const figures = [], wrong = [], runs = [], predicted = {};
  const note = (who, text) => text && wrong.push(`${who}: ${text}`);
  const peers = await openPeers();
  try {
    say(row(['', 'task', 'network', 'threads', 'median']));
    for (const library of libraries) {
      for (const threads of counts) {
        for (const [task, network] of plan(library)) {
          const figure = { library, task, network, threads }, who = `${library} ${task} ${network} ${threads}`;
          figures.push(figure);
          try {
            figure.seconds = await peers.measure(task, network, library, threads);
            if (task === 'training') {
              note(who, wrongLosses(await peers.losses(network, library, threads, LOSS_STEPS)));
            } else {
              const outputs = await peers.outputs(network, library, threads);
              // The first to answer is what the others are compared with.
              if (predicted[network]) figure.difference = difference(outputs, predicted[network]);
              predicted[network] ??= outputs;
              if (figure.difference !== undefined && !(figure.difference < OUTPUT_TOLERANCE))
                note(who, `the outputs differ by ${figure.difference}`);
            }
          } catch (error) {
            figure.error = error.message.replace(/^page\.evaluate: /, '').split('\n', 1)[0];
            if (!MISSING.test(figure.error)) note(who, figure.error);
          }
          say(row([library, task, network, threads, figure.error ?? `${(figure.seconds * 1e3).toFixed(3)} ms`]));
        }
        runs.push(await peers.describe(library, threads));
      }
    }
  } finally {
    await peers.close();
  }
  if (options.json) console.log(JSON.stringify({ figures, runs, wrong }, null, 2));
  for (const run of runs) say(`${run.library} ${run.version}, ${run.threads} threads, SIMD ${run.simd}: ${run.browser}`);
  if (!wrong.length) {
    const compared = figures.filter((figure) => figure.difference !== undefined).map((figure) => figure.difference);
    if (figures.some((figure) => figure.task === 'training')) say('The losses of every training that ran fell.');
    if (compared.length) say(`A network's outputs differ by at most ${largest(compared).toExponential(1)} of its largest.`);
    if (options.only) say('The libraries were not compared with each other.');
  }
  for (const text of wrong) console.error(`wrong: ${text}`);
  if (wrong.length) process.exitCode = 1;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
