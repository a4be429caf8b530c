// Starts the course: checks what the browser can do, loads the program with progress, feeds it input, draws when
// something changes, mirrors the step for screen readers, and opens window.neurona. See README.md.

const $ = (id) => document.getElementById(id);
const canvas = $('canvas');
const spanish = (navigator.language || 'en').startsWith('es');
const say = (es, en) => (spanish ? es : en);

// ---------------------------------------------------------------------------------------------- what is needed
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11]);

function missing() {
  if (typeof WebAssembly !== 'object') return say('WebAssembly', 'WebAssembly');
  if (!WebAssembly.validate(SIMD)) return say('WebAssembly con SIMD', 'WebAssembly with SIMD');
  if (typeof WebGL2RenderingContext === 'undefined') return 'WebGL 2';
  return '';
}

function stop(text) {
  $('bar').hidden = true;
  $('splash-text').textContent = text;
  $('splash').classList.remove('done');
}

// ------------------------------------------------------------------------------------------------- the program
let module = null;
const listeners = new Map();
let resolveReady;
const ready = new Promise((resolve) => { resolveReady = resolve; });

function emit(event, detail) {
  for (const listener of listeners.get(event) ?? []) {
    try { listener(detail); } catch (error) { console.error(error); }
  }
}

/** Asks the program; its errors become Errors here. */
function ask(method, ...args) {
  if (!module) throw new Error(`${method}: the course is still loading; wait for window.neurona.ready.`);
  const name = module.stringToNewUTF8(method);
  const json = module.stringToNewUTF8(JSON.stringify(args, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value)));
  const answer = module._neurona_call(name, json);
  const result = JSON.parse(module.UTF8ToString(answer));
  for (const pointer of [name, json, answer]) module._free(pointer);
  if ('error' in result) throw new Error(result.error);
  return result.value;
}

/** The same, when the answer may change what is on screen. */
function call(method, ...args) {
  try {
    return ask(method, ...args);
  } finally {
    wake();
  }
}

// --------------------------------------------------------------------------------------- the frames and the work
// Frames are drawn when something changed. Training runs between them, in slices that are tasks of their own: no task
// is long, and input waits for one slice at most. What the graphics cost decides how often a busy page is drawn.
const WORK_MS = 8;
const WORK_TO_FRAMES = 2;  // while it works, a frame that takes t is followed by 2 t without one
const HIDDEN_MS = 250;     // animation frames stop in a hidden tab; work does not
let frames = 0;
let frameAsked = false;
let tickAsked = false;
let working = false;
let frameBegan = 0;
let frameTook = 0;
let measuring = false;
const ticks = new MessageChannel();
ticks.port1.onmessage = tick;

/** Something has changed: draws soon, once, and works on afterwards. */
function wake() {
  if (frameAsked || !module) return;
  frameAsked = true;
  const wait = working ? frameBegan + (1 + WORK_TO_FRAMES) * frameTook - performance.now() : 0;
  if (document.hidden) setTimeout(frame, HIDDEN_MS);
  else if (wait > 4) setTimeout(() => requestAnimationFrame(frame), wait);
  else requestAnimationFrame(frame);
}

function askTick() {
  if (tickAsked) return;
  tickAsked = true;
  ticks.port2.postMessage(0);
}

function frame() {
  if (!frameAsked) return;
  frameAsked = false;
  frames += 1;
  frameBegan = performance.now();
  measuring = true;
  const box = canvas.getBoundingClientRect();
  module._neurona_frame(box.width, box.height, Math.max(0.5, window.devicePixelRatio || 1));
  askTick();
}

function tick() {
  tickAsked = false;
  if (measuring) {  // the browser has presented the frame by now
    measuring = false;
    frameTook += 0.3 * (performance.now() - frameBegan - frameTook);
  }
  const more = module._neurona_work(WORK_MS);
  working = (more & 1) !== 0;
  if (working) askTick();
  if (more & 2) wake();
}

// ---------------------------------------------------------------------------------------------------- the input
const KIND = { pointermove: 0, pointerdown: 1, pointerup: 2, pointercancel: 3, pointerleave: 4 };
const SOURCE = { mouse: 0, touch: 1, pen: 2 };

function pointer(event) {
  if (!module || !event.isPrimary) return;
  if ((event.type === 'pointerdown' || event.type === 'pointerup') && event.button !== 0) return;
  const box = canvas.getBoundingClientRect();
  const send = (one) => module._neurona_pointer(KIND[event.type], one.clientX - box.left, one.clientY - box.top,
    SOURCE[event.pointerType] ?? 0);
  if (event.type === 'pointerdown') {
    canvas.focus({ preventScroll: true });
    try { canvas.setPointerCapture(event.pointerId); } catch { /* a synthetic event has no pointer to capture */ }
  }
  const samples = event.type === 'pointermove' && event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  if (samples.length > 1) samples.forEach(send);
  else send(event);
  wake();
}

function listen() {
  for (const type of Object.keys(KIND)) canvas.addEventListener(type, pointer);
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  for (const type of ['keydown', 'keyup', 'wheel', 'focus', 'blur']) canvas.addEventListener(type, wake, { passive: true });
  canvas.addEventListener('webglcontextlost', (event) => {
    event.preventDefault();
    stop(say('El navegador ha retirado la tarjeta gráfica a esta página. Vuelve a cargarla.',
      'The browser took the graphics away from this page. Please load it again.'));
  });
  new ResizeObserver(wake).observe(canvas);
  const density = () => matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
    .addEventListener('change', () => { wake(); density(); }, { once: true });
  density();
  for (const query of ['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)'])
    matchMedia(query).addEventListener('change', () => { module._neurona_pointer(4, 0, 0, 0); wake(); });
  document.addEventListener('visibilitychange', () => { frameAsked = false; wake(); });
  for (const type of ['hashchange', 'popstate']) window.addEventListener(type, () => call('url'));
}

// ------------------------------------------------------------------------------------------------- the downloads
const aborts = new Map();

async function download(id, path) {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    const response = await fetch(path, { signal: abort.signal });
    if (!response.ok) throw Object.assign(new Error(`${path}: the server answered ${response.status}.`), { status: response.status });
    // A length is only that of the bytes we get when nothing was compressed for the journey.
    const total = response.headers.get('content-encoding') ? 0 : Number(response.headers.get('content-length') || 0);
    const parts = [];
    let received = 0;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      received += value.length;
      module._neurona_fetch_progress(id, received, total);
      wake();
    }
    if (total && received !== total) throw new Error(`${path}: ${received} of ${total} bytes arrived.`);
    const memory = module._malloc(Math.max(1, received));
    let at = memory;
    for (const part of parts) {
      module.HEAPU8.set(part, at);
      at += part.length;
    }
    module._neurona_fetch_done(id, memory, received);
    module._free(memory);
  } catch (error) {
    if (abort.signal.aborted) return;
    const text = error instanceof TypeError ? `${path}: the connection failed.` : error.message;
    const why = module.stringToNewUTF8(text);
    module._neurona_fetch_failed(id, why, error.status === 404 ? 1 : 0);
    module._free(why);
  } finally {
    aborts.delete(id);
    wake();
  }
}

// --------------------------------------------------------------------------------------------------- the mirror
let spoken = '';
let speakTimer = 0;

function mirror(m) {
  document.documentElement.lang = m.language;
  document.title = m.document;
  document.documentElement.style.background = m.background;
  document.querySelectorAll('meta[name=theme-color]').forEach((meta) => { meta.content = m.background; });
  const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
  put('mirror-kicker', m.kicker);
  put('mirror-title', m.title);
  put('mirror-code', m.code);
  put('mirror-check', m.check);
  const prose = $('mirror-prose');
  if (prose.textContent !== m.prose.replaceAll('\n', '')) {
    prose.replaceChildren(...m.prose.split('\n').map((text) => Object.assign(document.createElement('p'), { textContent: text })));
  }
  if ($('mirror-formula').innerHTML !== m.formula) $('mirror-formula').innerHTML = m.formula;
  // Buttons a screen reader can press; the keyboard has the canvas' own order.
  const nav = $('mirror-controls');
  const names = m.controls.map((control) => control.name).join();
  if (nav.dataset.names !== names) {
    nav.dataset.names = names;
    nav.replaceChildren(...m.controls.map((control) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', tabIndex: -1 });
      button.addEventListener('click', () => call('activate', control.name));
      return button;
    }));
  }
  m.controls.forEach((control, i) => {
    const text = control.value ? `${control.label}: ${control.value}` : control.label;
    if (nav.children[i].textContent !== text) nav.children[i].textContent = text;
  });
  if (m.spoken !== spoken) {
    spoken = m.spoken;
    clearTimeout(speakTimer);
    speakTimer = setTimeout(() => put('mirror-live', spoken), 700);
  }
}

// ----------------------------------------------------------------------------------------------------- the door
const door = {
  ready,
  state() { return { ...ask('state'), frames }; },
  go(lesson, step = 1) { call('go', lesson, step); },
  set(name, value) { call('set', name, value); },
  async draw(strokes) {
    if (!Array.isArray(strokes)) throw new Error('draw: expected a list of strokes, each a list of [x, y] with numbers from 0 to 1.');
    await ready;
    return call('draw', strokes);
  },
  on(event, listener) {
    if (typeof listener !== 'function') throw new Error(`on: the listener of '${event}' is not a function.`);
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(listener);
    return () => listeners.get(event).delete(listener);
  },
};
window.neurona = Object.freeze(door);

// ----------------------------------------------------------------------------------------------------- the start
async function instantiate(imports, receive) {
  const response = await fetch('neurona.wasm', { credentials: 'same-origin' });
  if (!response.ok) throw new Error(`neurona.wasm: ${response.status}`);
  let received = 0;
  const expected = 2.6e6;  // what it weighs unpacked, about: the bar need not be exact
  const counter = new TransformStream({
    transform(part, controller) {
      received += part.length;
      document.querySelector('#bar i').style.width = `${Math.min(96, 4 + (92 * received) / expected)}%`;
      controller.enqueue(part);
    },
  });
  const counted = new Response(response.body.pipeThrough(counter), { headers: { 'content-type': 'application/wasm' } });
  const { instance, module: compiled } = await WebAssembly.instantiateStreaming(counted, imports);
  receive(instance, compiled);
}

async function start() {
  const lacking = missing();
  if (lacking) {
    stop(say(`Este navegador no tiene ${lacking}, que el curso necesita. Prueba con una versión reciente de Firefox, Chrome, Edge o Safari.`,
      `This browser lacks ${lacking}, which the course needs. Try a recent version of Firefox, Chrome, Edge or Safari.`));
    return;
  }
  const { default: createNeurona } = await import('./neurona.js');
  let failed;
  const settings = {
    canvas,
    instantiateWasm(imports, receive) {
      instantiate(imports, receive).catch((error) => failed(error));
      return {};
    },
    neuronaFetch: (id, path) => { download(id, path); },
    neuronaCancel: (id) => aborts.get(id)?.abort(),
    neuronaEmit(event, json) {
      const detail = JSON.parse(json);
      if (event === 'mirror') mirror(detail);
      else if (event === 'ready') queueMicrotask(() => resolveReady(door.state()));
      else emit(event, detail);
    },
  };
  module = await Promise.race([createNeurona(settings), new Promise((_, reject) => { failed = reject; })]);
  listen();
  wake();
  requestAnimationFrame(() => {
    $('splash').classList.add('done');
    setTimeout(() => $('splash').remove(), 300);
    canvas.focus({ preventScroll: true });
  });
}

start().catch((error) => {
  console.error(error);
  stop(say('No se pudo cargar el curso. Comprueba la conexión y vuelve a cargar la página.',
    'The course could not be loaded. Check the connection and load the page again.') + ` (${error.message})`);
});
