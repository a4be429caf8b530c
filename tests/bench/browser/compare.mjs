// Neurona's page beside TensorFlow.js and ONNX Runtime Web, in turn: JSON of all figures.
//
//   node compare.mjs --site FOLDER [--rounds N]
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openPeers } from './run.mjs';

const { values: options } = parseArgs({ options: { site: { type: 'string' }, rounds: { type: 'string', default: '5' } } });
if (!options.site) throw new Error('node compare.mjs --site FOLDER [--rounds N]');

const PLAN = [
  ['training', 'mlp', ['tfjs']],
  ['training', 'mlp-improved', ['tfjs']],
  ['training', 'cnn', ['tfjs']],
  ['prediction', 'mlp', ['tfjs', 'ort']],
  ['prediction', 'cnn', ['tfjs', 'ort']],
  ['prediction', 'resnet50', ['tfjs', 'ort']],
];
const THREADS = [1, 2];

const peers = await openPeers({ site: resolve(options.site) });

/** Seconds of a step of training or of one prediction, on Neurona's own page. */
async function neurona(part, network, threads) {
  const address = `${peers.address}/site/bench.html`;
  if (peers.page.url() !== address) {
    await peers.page.goto(address);
    await peers.page.waitForFunction(() => window.neuronaBench);
  }
  const figures = await peers.page.evaluate((settings) => window.neuronaBench.measure(settings),
    { part, networks: [network], threads, repetitions: 3, least_ms: 200 });
  return part === 'training' ? figures[network].milliseconds_per_batch / 1e3 : figures[network].one_microseconds / 1e6;
}

const figures = new Map();
function keep(task, network, library, threads, figure) {
  const key = [task, network, library, threads].join();
  const kept = figures.get(key) ?? { task, network, library, threads };
  if (figure.error) kept.error = figure.error;
  else (kept.seconds ??= []).push(figure.seconds);
  figures.set(key, kept);
}

try {
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [task, network, libraries] of PLAN) {
      for (const threads of THREADS) {
        keep(task, network, 'neurona', threads, { seconds: await neurona(task, network, threads) });
        for (const library of libraries) {
          if (figures.get([task, network, library, threads].join())?.error) continue;
          try {
            keep(task, network, library, threads, { seconds: await peers.measure(task, network, library, threads) });
          } catch (error) {
            keep(task, network, library, threads, { error: error.message.replace(/^page\.evaluate: /, '').split('\n', 1)[0] });
          }
        }
      }
    }
    process.stderr.write(`  round ${round + 1} of ${options.rounds}\n`);
  }
} finally {
  await peers.close();
}
console.log(JSON.stringify([...figures.values()], null, 1));
