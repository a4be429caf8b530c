// Starts the course: checks what the browser can do, loads the program with progress, feeds it input, draws when
// something changes, mirrors the step for screen readers, and opens window.neurona. See README.md.

import { known, preferred } from './language.js';
import { variant } from './variant.js';

const $ = (id) => document.getElementById(id);
const canvas = $('canvas');
$('late').remove();  // this file has arrived

const PROGRAM = `neurona${variant()}`;  // of the builds, the best that this browser can run
for (const link of [{ rel: 'modulepreload', href: `${PROGRAM}.js` },
  { rel: 'preload', href: `${PROGRAM}.wasm`, as: 'fetch', type: 'application/wasm', crossOrigin: 'anonymous' }])
  document.head.append(Object.assign(document.createElement('link'), link));

let courseLanguage = '';

/** The course's language; before the start, the one it will have. */
function language() {
  let stored = null;
  try { stored = localStorage.getItem('neurona.language'); } catch { /* private window */ }
  return courseLanguage || known(new URLSearchParams(location.hash.slice(1)).get('lang')) || known(stored) || preferred();
}
const say = (es, en) => (language().startsWith('es') ? es : en);

// ---------------------------------------------------------------------------------------------- what is needed
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11]);

function missing() {
  if (typeof WebAssembly !== 'object') return say('WebAssembly', 'WebAssembly');
  if (!WebAssembly.validate(SIMD)) return say('WebAssembly con SIMD', 'WebAssembly with SIMD');
  // The class alone says nothing: graphics may be switched off or blocked.
  const graphics = document.createElement('canvas').getContext('webgl2');
  if (!graphics) return 'WebGL 2';
  graphics.getExtension('WEBGL_lose_context')?.loseContext();
  return '';
}

function stopWithout(what) {
  const others = say('prueba con una versión reciente de Firefox, Chrome, Edge o Safari.',
    'try a recent version of Firefox, Chrome, Edge or Safari.');
  stop(what === 'WebGL 2'
    ? say('Este navegador no ofrece WebGL 2, que el curso necesita. Puede que la aceleración gráfica esté desactivada en sus ajustes; si no, ',
      'This browser offers no WebGL 2, which the course needs. Graphics acceleration may be switched off in its settings; if not, ') + others
    : say(`Este navegador no tiene ${what}, que el curso necesita: `, `This browser lacks ${what}, which the course needs: `) + others);
}

// ------------------------------------------------------------------------------------------------- the program
let module = null;
let stopped = '';  // why it has come to its end
const listeners = new Map();
let resolveReady, rejectReady;
const ready = new Promise((resolve, reject) => { [resolveReady, rejectReady] = [resolve, reject]; });
ready.catch(() => {});  // nobody need wait for it

/** The end, of the start too: no frame and no work any more, the reason in words, and a button that loads the page again. */
function stop(text) {
  if (stopped) return;  // what comes later follows from it
  stopped = text;
  module = null;
  rejectReady(new Error(text));
  for (const abort of aborts.values()) abort.abort();
  document.documentElement.lang = say('es', 'en');
  canvas.hidden = $('mirror').hidden = $('bar').hidden = true;
  $('splash-text').textContent = text;
  $('again').textContent = say('Volver a cargar', 'Reload');
  $('again').hidden = false;
  $('splash').classList.remove('done');
  $('again').focus();
}

/** Calls a function of the program. One that throws leaves it in an unknown state: that is its end. */
function run(name, ...args) {
  if (!module) return 0;
  try {
    return module[name](...args);
  } catch (error) {
    stop(say('El curso se ha detenido por un error. Vuelve a cargar la página para seguir; el paso y los ajustes están en su dirección.',
      'The course stopped because of an error. Reload the page to go on; the step and the settings are in its address.')
      + (error.message ? ` (${error.message})` : ''));
    throw error;
  }
}

function emit(event, detail) {
  for (const listener of listeners.get(event) ?? []) {
    try { listener(detail); } catch (error) { console.error(error); }
  }
}

/** Asks the program; its errors become Errors here. */
function ask(method, ...args) {
  if (!module) throw new Error(`${method}: ${stopped || 'the course is still loading; wait for window.neurona.ready.'}`);
  const name = module.stringToNewUTF8(method);
  const json = module.stringToNewUTF8(JSON.stringify(args, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value)));
  const answer = run('_neurona_call', name, json);
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
  if (!frameAsked || !module) return;
  frameAsked = false;
  frames += 1;
  frameBegan = performance.now();
  measuring = true;
  const box = canvas.getBoundingClientRect();
  run('_neurona_frame', box.width, box.height, Math.max(0.5, window.devicePixelRatio || 1));
  askTick();
}

function tick() {
  tickAsked = false;
  if (measuring) {  // the browser has presented the frame by now
    measuring = false;
    frameTook += 0.3 * (performance.now() - frameBegan - frameTook);
  }
  const more = run('_neurona_work', WORK_MS);
  working = (more & 1) !== 0;
  if (working) askTick();
  if (more & 2) wake();
}

// ---------------------------------------------------------------------------------------------------- the input
// All of it is read here: SDL would keep every key, F5 and Ctrl+F too, and the zoom from the browser.
const KIND = { pointermove: 0, pointerdown: 1, pointerup: 2, pointercancel: 3, pointerleave: 4 };
const SOURCE = { mouse: 0, touch: 1, pen: 2 };
const KEYS = ['Tab', 'Enter', ' ', 'Escape', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown',
  'undo', 'Backspace'];  // in the order of Key, web/app/input.hpp
const LINE_PX = 20;  // of a wheel that counts lines
let pressed = null;  // the pointer whose press has not ended
let pressedBy = '';  // its type

function pointer(event) {
  if (!event.isPrimary) {
    // A second finger: it is a pinch, and what the first one began is taken back.
    if (event.type === 'pointerdown' && event.pointerType === 'touch' && pressed !== null && pressedBy === 'touch') {
      pressed = null;
      run('_neurona_pointer', KIND.pointercancel, 0, 0, SOURCE.touch);
      wake();
    }
    return;
  }
  let kind = event.type;
  if (kind === 'pointerdown') {
    if (event.button !== 0) return;
    if (pressed !== null && pressedBy !== event.pointerType) return;  // a palm beside the pen
    pressed = event.pointerId;
    pressedBy = event.pointerType;
    canvas.focus({ preventScroll: true });
    try { canvas.setPointerCapture(event.pointerId); } catch { /* a synthetic event has no pointer to capture */ }
  } else if (pressed !== null && event.pointerId !== pressed) {
    return;
  } else if (kind === 'pointerup' || kind === 'pointercancel' || (kind === 'pointermove' && pressed !== null && !(event.buttons & 1))) {
    // With a second button down the release of the first is a move, and the last one up may be another.
    if (pressed === null) return;
    pressed = null;
    if (kind === 'pointermove') kind = 'pointerup';
  }
  const box = canvas.getBoundingClientRect();
  const send = (one) => run('_neurona_pointer', KIND[kind], one.clientX - box.left, one.clientY - box.top, SOURCE[event.pointerType] ?? 0);
  const samples = kind === 'pointermove' && event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  if (samples.length > 1) samples.forEach(send);
  else send(event);
  wake();
}

function key(event) {
  if (event.altKey || event.isComposing) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && (event.shiftKey || event.key.toLowerCase() !== 'z')) return;
  const which = KEYS.indexOf(command ? 'undo' : event.key === 'Delete' ? 'Backspace' : event.key);
  if (which < 0) return;
  const leaves = run('_neurona_key', which, event.shiftKey ? 1 : 0);
  if (!leaves) event.preventDefault();
  wake();
}

function wheel(event) {
  if (event.ctrlKey) return;  // the browser's zoom; a pinch on a touchpad comes as this too
  event.preventDefault();
  const unit = [1, LINE_PX, canvas.clientHeight][event.deltaMode];
  run('_neurona_wheel', event.deltaX * unit, event.deltaY * unit);
  wake();
}

function listen() {
  for (const type of Object.keys(KIND)) canvas.addEventListener(type, pointer);
  canvas.addEventListener('keydown', key);
  canvas.addEventListener('wheel', wheel, { passive: false });
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  for (const type of ['focus', 'blur']) canvas.addEventListener(type, wake);
  canvas.addEventListener('webglcontextlost', () => {
    stop(say('El navegador ha retirado la tarjeta gráfica a esta página. Vuelve a cargarla para seguir.',
      'The browser took the graphics away from this page. Reload it to go on.'));
  });
  new ResizeObserver(wake).observe(canvas);
  const density = () => matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
    .addEventListener('change', () => { wake(); density(); }, { once: true });
  density();
  for (const query of ['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)'])
    matchMedia(query).addEventListener('change', () => { run('_neurona_pointer', KIND.pointerleave, 0, 0, 0); wake(); });
  for (const type of ['beforeunload', 'pagehide']) window.addEventListener(type, leave);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) leave();
    frameAsked = false;
    wake();
  });
  for (const type of ['hashchange', 'popstate']) window.addEventListener(type, () => {
    addresses.length = 0;  // the visitor has chosen another one
    if (module) call('url');
  });
}

// --------------------------------------------------------------------------------------------------- the address
// Browsers take some hundred changes of the address in 30 s and drop the rest, silently (Chromium) or with an error
// (Safari). So there is a store of changes that fills up again, and the last state waits until it may be written.
const ADDRESS_STORE = 40;
const ADDRESS_EACH_MS = 1000;
let addressLeft = ADDRESS_STORE;
let addressFilled = performance.now();
let addressTimer = 0;
const addresses = [];  // that wait: { url, push }

function address(url, push) {
  const last = addresses.at(-1);
  if (push && url !== (last?.url ?? location.hash)) addresses.push({ url, push });
  else if (last) last.url = url;
  else if (url !== location.hash) addresses.push({ url, push: false });
  writeAddresses();
}

/** Writes what may be written; all of it when the page is left. */
function writeAddresses(leaving = false) {
  clearTimeout(addressTimer);
  const now = performance.now();
  const filled = Math.floor((now - addressFilled) / ADDRESS_EACH_MS);
  addressLeft = Math.min(ADDRESS_STORE, addressLeft + filled);
  addressFilled += filled * ADDRESS_EACH_MS;
  while (addresses.length && (addressLeft > 0 || leaving)) {
    const { url, push } = addresses[0];
    addressLeft = Math.max(0, addressLeft - 1);
    try { history[push ? 'pushState' : 'replaceState'](null, '', url); } catch { /* too often, or a frame that may not */ }
    if (location.hash !== url) break;
    addresses.shift();
  }
  if (addresses.length) addressTimer = setTimeout(() => writeAddresses(), ADDRESS_EACH_MS);
}

/** The page may be gone in a moment: what was done is drawn, and the address tells it. */
function leave() {
  if (frameAsked) frame();
  writeAddresses(true);
}

// ------------------------------------------------------------------------------------------------- the downloads
const QUIET_MS = 20000;  // so long without a byte, and a download has failed
const aborts = new Map();
const asked = new Set();

/** Ends `abort` when nothing arrives for a while; `heard` tells it that something did. */
function watch(abort, path) {
  let timer = 0;
  const quiet = () => abort.abort(new Error(say(`${path}: no llega nada desde hace ${QUIET_MS / 1000} s.`,
    `${path}: nothing has arrived for ${QUIET_MS / 1000} s.`)));
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(quiet, QUIET_MS);
  };
  heard();
  return { heard, end: () => clearTimeout(timer) };
}

/** All bytes of a file, in parts. */
async function fetchParts(id, path, abort, heard) {
  // Asked a second time, it did not arrive well: what a cache kept of it is no use.
  const cache = asked.has(path) ? 'reload' : 'default';
  asked.add(path);
  const response = await fetch(path, { signal: abort.signal, cache });
  const { status } = response;
  if (!response.ok)
    throw Object.assign(new Error(say(`${path}: el servidor respondió ${status}.`, `${path}: the server answered ${status}.`)), { status });
  // A length is only that of the bytes we get when nothing was compressed for the journey.
  const total = response.headers.get('content-encoding') ? 0 : Number(response.headers.get('content-length') || 0);
  const parts = [];
  let received = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    heard();
    parts.push(value);
    received += value.length;
    run('_neurona_fetch_progress', id, received, total);
    wake();
  }
  if (total && received !== total)
    throw new Error(say(`${path}: llegaron ${received} de ${total} bytes.`, `${path}: ${received} of ${total} bytes arrived.`));
  return { parts, received };
}

async function download(id, path) {
  const abort = new AbortController();
  aborts.set(id, abort);
  const { heard, end } = watch(abort, path);
  try {
    const { parts, received } = await fetchParts(id, path, abort, heard);
    const memory = run('_malloc', Math.max(1, received));
    if (!memory) throw new Error(say(`${path}: no hay memoria para ${received} bytes.`, `${path}: there is no memory for ${received} bytes.`));
    let at = memory;
    for (const part of parts) {
      module.HEAPU8.set(part, at);
      at += part.length;
    }
    run('_neurona_fetch_done', id, memory, received);
    run('_free', memory);
  } catch (thrown) {
    const error = abort.signal.aborted ? abort.signal.reason : thrown;
    if (error.name === 'AbortError') return;  // nobody waits for it any more
    if (!module) throw error;
    const text = error instanceof TypeError ? say(`${path}: falló la conexión.`, `${path}: the connection failed.`) : error.message;
    const why = module.stringToNewUTF8(text);
    run('_neurona_fetch_failed', id, why, error.status === 404 ? 1 : 0);
    run('_free', why);
  } finally {
    end();
    aborts.delete(id);
    wake();
  }
}

// --------------------------------------------------------------------------------------------------- the mirror
const SPEAK_REST_MS = 700;   // what changes is said when it rests for so long,
const SPEAK_MOST_MS = 3000;  // and while it goes on changing, at least so often
let spoken = '';
let speakTimer = 0;
let unsaidSince = 0;
const mirrored = new Map();  // the elements of the controls, by name

function put(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function mirror(m) {
  const dark = parseInt(m.background.slice(1), 16) < 0x808080;
  courseLanguage = document.documentElement.lang = m.language;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  document.title = m.document;
  document.documentElement.style.background = m.background;
  document.querySelectorAll('meta[name=theme-color]').forEach((meta) => { meta.content = m.background; });
  put('mirror-kicker', m.kicker);
  put('mirror-title', m.title);
  put('mirror-code', m.code);
  put('mirror-check', m.check);
  const prose = $('mirror-prose');
  if (prose.textContent !== m.prose.replaceAll('\n', '')) {
    prose.replaceChildren(...m.prose.split('\n').map((text) => Object.assign(document.createElement('p'), { textContent: text })));
  }
  const formula = $('mirror-formula');
  if (formula.dataset.source !== m.formula) {
    formula.innerHTML = m.formula;
    formula.dataset.source = m.formula;
  }
  mirrorControls(m.controls);
  const focused = document.activeElement === canvas && m.controls.find((control) => control.focused);
  put('mirror-focus', focused ? describe(focused) : '');
  if (m.spoken !== spoken) speak(m.spoken);
}

const describe = (control) => (control.value ? `${control.label}: ${control.value}` : control.label);

function speak(text) {
  spoken = text;
  const now = performance.now();
  if (!speakTimer) unsaidSince = now;
  clearTimeout(speakTimer);
  speakTimer = setTimeout(() => {
    speakTimer = 0;
    put('mirror-live', spoken);
  }, Math.max(0, Math.min(SPEAK_REST_MS, unsaidSince + SPEAK_MOST_MS - now)));
}

/** Every control as an element that a screen reader can use; the keyboard has the canvas' own order. */
function mirrorControls(controls) {
  const nav = $('mirror-controls');
  const at = [...nav.children].indexOf(document.activeElement);
  const names = new Set(controls.map((control) => control.name));
  for (const [name, element] of mirrored) {
    if (names.has(name)) continue;
    element.remove();
    mirrored.delete(name);
  }
  controls.forEach((control, i) => {
    if (!mirrored.has(control.name)) mirrored.set(control.name, control.slider ? rangeFor(control.name) : buttonFor(control.name));
    const element = mirrored.get(control.name);
    element.dataset.control = control.name;
    if (nav.children[i] !== element) nav.insertBefore(element, nav.children[i] ?? null);
    if (control.slider) {
      element.setAttribute('aria-label', control.label);
      element.setAttribute('aria-valuetext', control.value);
    } else if (element.textContent !== describe(control)) {
      element.textContent = describe(control);
    }
  });
  // The focused one is gone ("pause" came in place of "play"): its place keeps the focus.
  if (at >= 0 && document.activeElement === document.body) nav.children[Math.min(at, nav.children.length - 1)]?.focus();
}

function buttonFor(name) {
  const button = Object.assign(document.createElement('button'), { type: 'button', tabIndex: -1 });
  button.addEventListener('click', () => call('activate', name));
  return button;
}

/** A slider's element knows a step down and a step up; what they come to is the slider's own affair. */
function rangeFor(name) {
  const range = Object.assign(document.createElement('input'), { type: 'range', min: -1, max: 1, step: 1, value: 0, tabIndex: -1 });
  const press = (which) => {
    call('focus', name);
    run('_neurona_key', KEYS.indexOf(which), 0);
  };
  range.addEventListener('keydown', (event) => {
    if (!/^(Arrow|Page|Home$|End$)/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    press(event.key);
  });
  range.addEventListener('input', () => {
    press(Number(range.value) < 0 ? 'ArrowLeft' : 'ArrowRight');
    range.value = 0;
  });
  return range;
}

// ----------------------------------------------------------------------------------------------------- the door
const EVENTS = ['prediction', 'step', 'language', 'theme', 'training'];

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
    if (!EVENTS.includes(event)) throw new Error(`on: no event is called '${event}'. Known: ${EVENTS.join(', ')}.`);
    if (typeof listener !== 'function') throw new Error(`on: the listener of '${event}' is not a function.`);
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(listener);
    return () => listeners.get(event).delete(listener);
  },
};
window.neurona = Object.freeze(door);

// ----------------------------------------------------------------------------------------------------- the start
async function instantiate(imports, receive) {
  const abort = new AbortController();
  const { heard, end } = watch(abort, `${PROGRAM}.wasm`);
  try {
    const response = await fetch(`${PROGRAM}.wasm`, { credentials: 'same-origin', signal: abort.signal });
    if (!response.ok) throw new Error(`${PROGRAM}.wasm: ${response.status}`);
    let received = 0;
    const expected = 1.6e6;  // what it weighs unpacked, about: the bar need not be exact
    const counter = new TransformStream({
      transform(part, controller) {
        heard();
        received += part.length;
        document.querySelector('#bar i').style.width = `${Math.min(96, 4 + (92 * received) / expected)}%`;
        controller.enqueue(part);
      },
    });
    const counted = new Response(response.body.pipeThrough(counter), { headers: { 'content-type': 'application/wasm' } });
    const { instance, module: compiled } = await WebAssembly.instantiateStreaming(counted, imports);
    receive(instance, compiled);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    end();
  }
}

const NETWORK_MS = 150;  // that the first frame waits for the network

async function start() {
  const lacking = missing();
  if (lacking) return stopWithout(lacking);
  const { default: createNeurona } = await import(`./${PROGRAM}.js`);
  const context = canvas.getContext.bind(canvas);  // a frame paints what has changed over the frame before
  canvas.getContext = (kind, wanted) => context(kind, { ...wanted, preserveDrawingBuffer: true });
  let failed;
  let network = null;  // the download that the program begins with
  const settings = {
    canvas,
    instantiateWasm(imports, receive) {
      instantiate(imports, receive).catch((error) => failed(error));
      return {};
    },
    neuronaFetch(id, path) {
      const arrival = download(id, path);
      network ??= arrival;
    },
    neuronaAddress: address,
    neuronaCancel: (id) => aborts.get(id)?.abort(),
    neuronaEmit(event, json) {
      const detail = JSON.parse(json);
      if (event === 'mirror') mirror(detail);
      else if (event === 'ready') queueMicrotask(() => resolveReady(door.state()));
      else emit(event, detail);
    },
  };
  const program = await Promise.race([createNeurona(settings), new Promise((_, reject) => { failed = reject; })]);
  if (!program._neurona_started()) return stopWithout('WebGL 2');
  module = program;
  listen();
  // The page asked for the network when it opened: mostly it is here, and the first frame can read a digit.
  run('_neurona_work', 0);
  await Promise.race([network, new Promise((late) => { setTimeout(late, NETWORK_MS); })]);
  wake();
  requestAnimationFrame(() => {
    if (stopped) return;
    $('splash').classList.add('done');
    canvas.focus({ preventScroll: true });
  });
}

$('again').addEventListener('click', () => location.reload());

start().catch((error) => {
  console.error(error);
  stop(say('No se pudo cargar el curso. Comprueba la conexión y vuelve a cargar la página.',
    'The course could not be loaded. Check the connection and load the page again.') + ` (${error.message})`);
});
