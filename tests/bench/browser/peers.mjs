// Measures other libraries in this page. A library keeps its number of threads once it runs, so a page serves one pair
// of library and threads: load it again for another.
import * as ort from './ort.mjs';
import * as tfjs from './tfjs.mjs';
import { unknown } from './networks.mjs';

const LIBRARIES = {
  tfjs: tfjs.start,
  'tfjs-layers': (threads) => tfjs.start(threads, { useLayers: true }),
  ort: ort.start,
};
const WARM_UP_MS = 500;  // compiled code is replaced by optimized code meanwhile
const REPETITION_MS = 200, MEASURING_MS = 1000, LEAST_REPETITIONS = 3;

let running = null;  // {library, threads, api: a promise}
const predictors = {};  // by network: ResNet-50 is a hundred megabytes, which no second call shall build again

async function started(library, threads) {
  running ??= { library, threads, api: (LIBRARIES[library] ?? unknown(library, LIBRARIES))(threads) };
  if (running.library !== library || running.threads !== threads)
    throw new Error(`This page runs ${running.library} with ${running.threads} threads; load it again for another pair.`);
  return running.api;
}

function predictorOf(api, network) {
  return (predictors[network] ??= api.predictor(network));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** The median of repetitions; a repetition makes as many steps as fill its time, at least one. */
async function secondsOf(step) {
  for (let steps = 0, end = performance.now() + WARM_UP_MS; steps < 2 || performance.now() < end; ++steps) await step();
  const seconds = [];
  for (let total = 0; seconds.length < LEAST_REPETITIONS || total < MEASURING_MS;) {
    const start = performance.now();
    let steps = 0, elapsed = 0;
    do {
      await step();
      ++steps;
      elapsed = performance.now() - start;
    } while (elapsed < REPETITION_MS);
    seconds.push(elapsed / 1000 / steps);
    total += elapsed;
  }
  return median(seconds);
}

window.peer = {
  /** task: 'training' (seconds of a step with a batch of 32) or 'prediction' (seconds for one sample). */
  async measure(task, network, library, threads) {
    const api = await started(library, threads);
    const makers = { training: api.trainer, prediction: (name) => predictorOf(api, name) };
    return secondsOf(await (makers[task] ?? unknown(task, makers))(network));
  },

  /** What the network says of its sample: the same from every library. */
  async outputs(network, library, threads) {
    const predict = await predictorOf(await started(library, threads), network);
    return Array.from(await predict());
  },

  /** The losses of the first steps of training. */
  async losses(network, library, threads, steps) {
    const train = await (await started(library, threads)).trainer(network);
    const losses = [];
    while (losses.length < steps) losses.push(await train());
    return losses;
  },

  /** What runs here: the library's version, what it says of threads and SIMD, and the browser. */
  async describe(library, threads) {
    const api = await started(library, threads);
    return {
      library,
      version: api.version,
      ...api.details(),
      crossOriginIsolated,
      processors: navigator.hardwareConcurrency,
      browser: navigator.userAgent,
    };
  },
};
