// Ten digits as a person draws them, in the unit box of the pad, y down; and those of the stroke files.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const arc = (cx, cy, rx, ry, from, to, n = 16) =>
  Array.from({ length: n + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / n) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });

export const DIGITS = [
  [arc(0.5, 0.5, 0.2, 0.3, -80, 285, 24)],
  [[[0.42, 0.3], [0.53, 0.2], [0.52, 0.5], [0.5, 0.82]]],
  [[...arc(0.5, 0.34, 0.18, 0.15, 190, 390), [0.34, 0.78], [0.7, 0.77]]],
  [[...arc(0.48, 0.34, 0.18, 0.15, 200, 440), ...arc(0.48, 0.65, 0.21, 0.17, -80, 150)]],
  [[[0.42, 0.2], [0.3, 0.55], [0.7, 0.54]], [[0.6, 0.38], [0.58, 0.84]]],
  [[[0.4, 0.22], [0.37, 0.46], ...arc(0.48, 0.63, 0.18, 0.18, -110, 150)], [[0.4, 0.22], [0.66, 0.21]]],
  [[[0.6, 0.2], [0.42, 0.42], ...arc(0.5, 0.65, 0.16, 0.16, 200, 560, 22)]],
  [[[0.32, 0.24], [0.68, 0.23], [0.56, 0.5], [0.46, 0.82]]],
  [[[0.62, 0.27], ...arc(0.5, 0.34, 0.14, 0.13, -30, -200, 10), [0.5, 0.49], ...arc(0.5, 0.65, 0.16, 0.16, -40, 250, 20), [0.5, 0.5], [0.62, 0.28]]],
  [[...arc(0.5, 0.38, 0.16, 0.16, 0, -360, 22), [0.65, 0.55], [0.58, 0.82]]],
];

// One writer in five is kept apart, as `neurona train --strokes` does: FNV-1a of the writer's name, modulo 5.
function heldOut(writer) {
  let hash = 2166136261;
  for (const byte of Buffer.from(writer)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return hash % 5 === 0;
}

/** Digits of writers that the shipped network never saw: {label, strokes} with strokes in the unit box. */
export function heldOutDigits(file) {
  return gunzipSync(readFileSync(file)).toString().trim().split('\n').map((line) => JSON.parse(line)).filter((digit) => heldOut(digit.writer));
}
