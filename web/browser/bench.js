// The page that measures what this browser computes, in a worker, and shows it as tables that can be copied.
import { preferred } from './language.js';
import { relaxed, threads as canShare, variant } from './variant.js';

const $ = (id) => document.getElementById(id);

const TEXTS = {
  es: {
    other: 'English', title: 'Cuánto calcula este navegador',
    intro: 'Mide aquí mismo, sin enviar nada, cuántas imágenes por segundo entrena y lee cada red del curso. Cierra otras pestañas: lo que hagan cuenta.',
    threads: 'Hilos', parts: 'Qué', start: 'Medir', copy: 'Copiar las cifras', copied: 'Copiado.', stop: 'Parar',
    training: 'Entrenamiento', prediction: 'Lectura', layers: 'Capa a capa', gemm: 'Productos de matrices', growth: 'Cómo crece',
    network: 'red', perSecond: 'imágenes/s', batch: 'ms por lote', one: 'µs por imagen', layer: 'capa', direction: 'paso',
    forward: 'adelante', backward: 'atrás', time: 'µs', rate: 'GFLOP/s', moved: 'MB', peak: 'del máximo', size: 'tamaño',
    setting: 'con', measuring: 'Midiendo', done: 'Listo.', program: 'Programa', machine: 'máximo medido', cores: 'núcleos',
    fused: 'SIMD relajado', plain: 'SIMD', alone: 'Esta página no puede usar varios hilos: el servidor no la aísla de otros orígenes.',
    failed: 'No se pudo medir', batch_size: 'lote', width: 'ancho', thread: 'hilo', threads_: 'hilos',
    bit: ' bits', relaxed: 'relajado',
  },
  en: {
    other: 'Español', title: 'How fast this browser computes',
    intro: 'Measures right here, sending nothing, how many images a second each network of the course trains on and reads. Close other tabs: what they do counts.',
    threads: 'Threads', parts: 'What', start: 'Measure', copy: 'Copy the figures', copied: 'Copied.', stop: 'Stop',
    training: 'Training', prediction: 'Reading', layers: 'Layer by layer', gemm: 'Matrix products', growth: 'How it grows',
    network: 'network', perSecond: 'images/s', batch: 'ms a batch', one: 'µs an image', layer: 'layer', direction: 'pass',
    forward: 'forward', backward: 'backward', time: 'µs', rate: 'GFLOP/s', moved: 'MB', peak: 'of the peak', size: 'size',
    setting: 'with', measuring: 'Measuring', done: 'Done.', program: 'Program', machine: 'measured peak', cores: 'cores',
    fused: 'relaxed SIMD', plain: 'SIMD', alone: 'This page cannot use several threads: its server does not isolate it from other origins.',
    failed: 'Could not measure', batch_size: 'batch', width: 'width', thread: 'thread', threads_: 'threads',
    bit: '-bit', relaxed: 'relaxed',
  },
};
const PARTS = ['training', 'prediction', 'layers', 'gemm', 'growth'];
const AT_FIRST = ['training', 'prediction'];
const MOST_THREADS = 8;

const asked = new URLSearchParams(location.hash.slice(1)).get('lang');
let language = TEXTS[asked] ? asked : preferred();
let worker = null;
let figures = null;  // of the last run

const text = (name) => TEXTS[language][name] ?? name;
const number = (value, digits = 0) => value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const significant = (value) => number(value, value >= 100 ? 0 : value >= 10 ? 1 : 2);

function choices(place, type, name, values, chosen) {
  place.replaceChildren(...values.map(([value, label]) => {
    const input = Object.assign(document.createElement('input'), { type, name, value, checked: chosen.includes(value) });
    const line = document.createElement('label');
    line.append(input, label);
    return line;
  }));
}

const chosen = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((input) => input.value);

function words() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  $('language').textContent = text('other');
  $('language').href = `#lang=${language === 'es' ? 'en' : 'es'}`;
  const cores = navigator.hardwareConcurrency || 1;
  $('machine').textContent = `${cores} ${text('cores')} · ${relaxed ? text('fused') : text('plain')}${canShare || cores === 1 ? '' : ` · ${text('alone')}`}`;
  const counts = [1, 2, 4, 8].filter((n) => n === 1 || (canShare && n <= Math.min(cores, MOST_THREADS))).map((n) => [String(n), String(n)]);
  const before = { threads: chosen('threads'), parts: chosen('parts') };
  choices($('threads'), 'radio', 'threads', counts, before.threads.length ? before.threads : ['1']);
  choices($('parts'), 'checkbox', 'parts', PARTS.map((part) => [part, text(part)]), document.querySelector('input[name=parts]') ? before.parts : AT_FIRST);
  if (worker) $('start').textContent = text('stop');
  show();
}

// ------------------------------------------------------------------------------------------------------ the tables
/** Columns are [heading, value of a row]; a value that is a number from 0 to 1 under `peak` gets a bar. */
function table(title, columns, rows) {
  const element = document.createElement('table');
  element.append(row('th', columns.map(([heading]) => text(heading))));
  for (const each of rows) element.append(row('td', columns.map(([, value]) => value(each))));
  const box = Object.assign(document.createElement('div'), { className: 'scroll' });
  box.append(element);
  return [Object.assign(document.createElement('h2'), { textContent: title }), box];
}

function row(kind, values) {
  const line = document.createElement('tr');
  for (const value of values) {
    const cell = document.createElement(kind);
    if (value && typeof value === 'object') {
      cell.className = 'bar';
      cell.title = `${number(100 * value.share)} %`;
      const filled = document.createElement('b');
      filled.style.width = `${Math.min(100, 100 * value.share)}%`;
      const track = document.createElement('i');
      track.append(filled);
      cell.append(track);
    } else {
      cell.textContent = value;
    }
    line.append(cell);
  }
  return line;
}

const SHOWN = {
  training: (part) => [table(text('training'),
    [['network', ([name]) => name], ['perSecond', ([, r]) => number(r.samples_per_second)], ['batch', ([, r]) => significant(r.milliseconds_per_batch)]],
    Object.entries(part))],
  prediction: (part) => [table(text('prediction'),
    [['network', ([name]) => name], ['one', ([, r]) => significant(r.one_microseconds)],
      ['perSecond', ([, r]) => (r.samples_per_second ? number(r.samples_per_second) : '')]],
    Object.entries(part))],
  layers: (part) => Object.entries(part).map(([name, { layers }]) => table(`${text('layers')}: ${name}`,
    [['layer', (r) => r.layer], ['direction', (r) => text(r.direction)], ['time', (r) => number(r.microseconds)], ['rate', (r) => number(r.gflops, 1)],
      ['moved', (r) => number(r.megabytes, 2)], ['peak', (r) => ({ share: r.peak })]],
    layers)),
  gemm: (part) => [table(text('gemm'), [['size', (r) => `${r.m} × ${r.n} × ${r.k}`], ['rate', (r) => number(r.gflops, 1)]], part)],
  growth: (part) => [table(text('growth'),
    [['network', (r) => r.name], ['setting', (r) => r.setting], ['perSecond', (r) => number(r.rate)]],
    [...Object.entries(part.batch).flatMap(([name, list]) => list.map((r) => ({ name, setting: `${text('batch_size')} ${r.batch_size}`, rate: r.samples_per_second }))),
      ...part.width.map((r) => ({ name: `784-${r.width}-10`, setting: `${text('width')} ${r.width}`, rate: r.samples_per_second })),
      ...Object.entries(part.threads).flatMap(([name, list]) => list.map((r) => ({ name, setting: `${r.threads} ${text('threads_')}`, rate: r.samples_per_second })))])],
};

// "cpu (128-bit, relaxed, 2 threads)", in the language of the page.
const described = (backend) => backend.replace('-bit', text('bit')).replace('relaxed', text('relaxed'))
  .replace(/(\d+) threads?/, (_, count) => `${count} ${text(count === '1' ? 'thread' : 'threads_')}`);

function show() {
  const results = $('results');
  results.replaceChildren();
  if (!figures) return;
  const line = document.createElement('p');
  line.textContent = `${described(figures.machine.backend)} · ${text('machine')}: ${number(figures.machine.gflops, 1)} GFLOP/s`;
  results.append(line);
  for (const part of PARTS)
    if (figures[part]) results.append(...SHOWN[part](figures[part]).flat());
}

// -------------------------------------------------------------------------------------------------- the measuring
/** One part, as JSON; lines that it tells on the way go to `tell`. */
function measure(settings, tell = () => {}) {
  worker ??= new Worker(new URL('bench-worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if ('line' in data) tell(data.line);
      else if ('error' in data) reject(new Error(data.error));
      else resolve(data.result);
    };
    worker.onerror = (event) => reject(new Error(event.message || 'worker'));
    worker.postMessage(settings);
  });
}

function end() {
  worker?.terminate();
  worker = null;
  $('start').textContent = text('start');
}

async function run() {
  const settings = { threads: Number(chosen('threads')[0]), repetitions: 3, least_ms: 60 };
  const parts = chosen('parts');
  figures = null;
  show();
  $('copy').hidden = true;
  const began = {};
  try {
    for (const part of ['machine', ...parts]) {
      $('status').textContent = `${text('measuring')}: ${text(part)} …`;
      const result = await measure({ ...settings, part }, (line) => {
        if (line.trim()) $('status').textContent = `${text('measuring')}: ${line.trim().replace(/\s+/g, ' ')}`;
      });
      began[part] = result;
      if (part === 'machine') began.program = { name: `neurona-bench${variant(settings.threads > 1)}`, agent: navigator.userAgent, date: new Date().toISOString().slice(0, 10) };
      figures = began;
      show();
    }
    $('status').textContent = text('done');
    $('copy').hidden = false;
  } catch (error) {
    $('status').textContent = `${text('failed')}: ${error.message}`;
  } finally {
    end();
  }
}

$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (worker) {
    end();
    $('status').textContent = '';
    return;
  }
  run();
  $('start').textContent = text('stop');
});
$('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(JSON.stringify(figures, null, 2));
  $('status').textContent = text('copied');
});
window.addEventListener('hashchange', () => {
  const wanted = new URLSearchParams(location.hash.slice(1)).get('lang');
  if (TEXTS[wanted]) language = wanted;
  words();
});
words();

/** For whoever drives the page: measure({part, networks, threads, relaxed, repetitions, least_ms}) -> that part's figures. */
window.neuronaBench = Object.freeze({ measure, figures: () => figures });
