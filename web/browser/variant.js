// Which build of a program this browser can run: with relaxed SIMD (fused multiply-adds), with threads, with both or neither.

// A module whose one function is f32x4.relaxed_madd.
const RELAXED = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0,
  32, 0, 32, 1, 32, 2, 253, 133, 2, 11]);

export const relaxed = WebAssembly.validate(RELAXED);
// Threads share memory, which a page may only where it is cut off from other origins (COOP and COEP).
export const threads = globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function'
  && (navigator.hardwareConcurrency || 1) > 1;

/** The end of the program's name: '', '-relaxed', '-threads' or '-threads-relaxed'. */
export function variant(wantsThreads = threads, wantsRelaxed = relaxed) {
  return (wantsThreads ? '-threads' : '') + (wantsRelaxed ? '-relaxed' : '');
}
