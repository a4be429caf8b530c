// What all parts of the generator share: random numbers, safetensors files, networks and their data.
import fs from 'node:fs';
import path from 'node:path';
import {createRequire} from 'node:module';

// One copy of tfjs-core for all three: its CommonJS build.
const require = createRequire(import.meta.url);
export const tf = require('@tensorflow/tfjs-core');
export const tfl = require('@tensorflow/tfjs-layers');
require('@tensorflow/tfjs-backend-cpu');

// --- random numbers: mulberry32, so that the fixtures are the same whenever they are made -----------------------------

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** An integer in [0, n). */
  below(n) {
    return Math.floor((this.next() / 4294967296) * n);
  }
  /** `count` integers in [-limit, limit]. */
  integers(count, limit) {
    return Array.from({length: count}, () => this.below(2 * limit + 1) - limit);
  }
}

// --- safetensors --------------------------------------------------------------------------------------------------------

const kArrays = {U8: Uint8Array, I8: Int8Array, I32: Int32Array, F32: Float32Array, F64: Float64Array};

export class Fixture {
  tensors = new Map();
  cases = [];

  put(name, dtype, shape, values) {
    const array = kArrays[dtype].from(values);
    if (array.length !== shape.reduce((a, b) => a * b, 1)) throw new Error(`${name}: ${array.length} values for ${shape}`);
    array.forEach((stored, i) => {
      if (!Number.isFinite(values[i]) || stored !== values[i]) throw new Error(`${name}: ${values[i]} is not a finite ${dtype}`);
    });
    this.tensors.set(name, {dtype, shape, bytes: new Uint8Array(array.buffer)});
  }

  write(folder, file) {
    const header = {__metadata__: {versions: `tfjs ${tf.version_core}, ${tfl.version_layers}`, cases: JSON.stringify(this.cases)}};
    let offset = 0;
    for (const [name, {dtype, shape, bytes}] of this.tensors) {
      header[name] = {dtype, shape, data_offsets: [offset, offset + bytes.length]};
      offset += bytes.length;
    }
    let text = JSON.stringify(header);
    text = text.padEnd(Math.ceil(text.length / 8) * 8, ' ');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    fs.writeFileSync(path.join(folder, file), Buffer.concat([length, Buffer.from(text), ...[...this.tensors.values()].map((t) => t.bytes)]));
    console.log(file, fs.statSync(path.join(folder, file)).size);
  }
}

// --- networks -----------------------------------------------------------------------------------------------------------

// Inputs and weights are integers times a power of two, so that float32 holds them exactly; images are bytes / 255.
export const kInputUnit = 1 / 32;
export const kKernelUnit = 1 / 128;
export const kBiasUnit = 1 / 512;

export const elements = (shape) => shape.reduce((a, b) => a * b, 1);

/** The spec of a case, filled up, with its data and initial weights drawn. */
export function make(seed, {name, input_shape, layers, ...rest}) {
  const random = new Random(seed);
  const spec = {
    name, input_shape, loss: 'sparse_categorical_crossentropy', learning_rate: 0.125, momentum: 0, nesterov: false,
    batch_size: 16, samples: 37, images: false, input_unit: kInputUnit, ...rest,
    layers: layers.map((layer) => ({use_bias: true, ...layer}))
  };
  const weights = [];
  let inputs = elements(input_shape);
  for (const {units, use_bias, unit = kKernelUnit} of spec.layers) {
    const limit = Math.sqrt(6 / (inputs + units));  // Glorot's
    weights.push({shape: [inputs, units], unit, integers: random.integers(inputs * units, Math.min(127, Math.floor(limit / unit)))});
    if (use_bias) weights.push({shape: [units], unit: kBiasUnit, integers: random.integers(units, 60)});
    inputs = units;
  }
  spec.weight_units = weights.map((w) => w.unit);
  return {spec, random, weights, classes: inputs};
}

/** Points in [-2, 2]; the label is the largest of some random linear functions, and targets are smooth functions. */
export function drawPoints({spec, random, classes}) {
  const size = elements(spec.input_shape);
  const x = random.integers(spec.samples * size, 64);
  const direction = random.integers(size * classes, 8);
  const labels = [], targets = [];
  for (let n = 0; n < spec.samples; ++n) {
    const scores = Array.from({length: classes}, (_, c) => {
      let sum = 0;
      for (let i = 0; i < size; ++i) sum += x[n * size + i] * direction[i * classes + c];
      return sum;
    });
    labels.push(scores.indexOf(Math.max(...scores)));
    for (const score of scores) targets.push(Math.round(24 * Math.tanh(score / 512)));  // times 1/32: in [-0.75, 0.75]
  }
  return {x, labels, targets};
}

/** Gray images in ten classes: a pattern for each class inside an empty border, in noise. */
export function drawImages({spec, random}, border) {
  const [height, width] = spec.input_shape;
  const inside = (y, x) => y >= border && y < height - border && x >= border && x < width - border;
  const patterns = Array.from({length: 10}, () => Array.from({length: height * width}, () => (random.below(10) < 3 ? 200 : 40)));
  const x = [], labels = [];
  for (let n = 0; n < spec.samples; ++n) {
    const label = random.below(10);
    labels.push(label);
    for (let row = 0; row < height; ++row)
      for (let column = 0; column < width; ++column) {
        const noise = random.below(111) - 55;
        x.push(inside(row, column) ? Math.max(0, Math.min(255, patterns[label][row * width + column] + noise)) : 0);
      }
  }
  return {x, labels};
}

/** Makes an optimizer of TensorFlow.js keep what it is given in `steps`: the gradients by name, one map for each step. */
export function recording(optimizer) {
  const apply = optimizer.applyGradients;
  optimizer.steps = [];
  optimizer.applyGradients = (gradients) => {
    optimizer.steps.push(Object.fromEntries(gradients.map(({name, tensor}) => [name, Array.from(tensor.dataSync())])));
    apply.call(optimizer, gradients);
  };
  return optimizer;
}

/** SGD as the spec wants it. */
function sgd({learning_rate, momentum, nesterov}) {
  // TensorFlow.js keeps velocities as sums of gradients (a = m*a + g; w -= lr*a), Keras as steps (v = m*v - lr*g; w += v).
  // With one learning rate throughout v = -lr*a, so both are the same, with Nesterov's step too.
  return momentum > 0 ? new tf.MomentumOptimizer(learning_rate, momentum, nesterov) : new tf.SGDOptimizer(learning_rate);
}

export function build(spec, weights, {metrics, optimizer = sgd(spec)} = {}) {
  const model = tfl.sequential();
  const flatten = spec.input_shape.length > 1;
  if (flatten) model.add(tfl.layers.flatten({inputShape: spec.input_shape}));
  spec.layers.forEach(({units, activation, use_bias}, i) =>
    model.add(tfl.layers.dense({units, activation, useBias: use_bias, ...(i === 0 && !flatten ? {inputShape: spec.input_shape} : {})})));
  model.setWeights(weights.map(({shape, unit, integers}) => tf.tensor(integers.map((k) => k * unit), shape)));
  const loss = spec.loss.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  model.compile({loss, optimizer: recording(optimizer), metrics});
  return {model, optimizer};
}

export const weightsOf = (model) => model.getWeights().map((w) => Array.from(w.dataSync()));

export function inputTensor(spec, x) {
  const shape = [spec.samples, ...spec.input_shape];
  return spec.images ? tf.div(tf.tensor(x, shape), 255) : tf.tensor(x.map((k) => k * spec.input_unit), shape);
}

export function targetTensor(spec, {labels, targets}) {
  if (spec.loss === 'sparse_categorical_crossentropy') return tf.tensor(labels, [spec.samples, 1]);
  return tf.tensor(targets.map((k) => k * kInputUnit), [spec.samples, targets.length / spec.samples]);
}

export function putProblem(fixture, {spec, weights}, data) {
  fixture.cases.push(spec);
  fixture.put(`${spec.name}/x`, spec.images ? 'U8' : 'I8', [spec.samples, ...spec.input_shape], data.x);
  if (spec.loss === 'sparse_categorical_crossentropy') fixture.put(`${spec.name}/labels`, 'U8', [spec.samples], data.labels);
  else fixture.put(`${spec.name}/targets`, 'I8', [spec.samples, data.targets.length / spec.samples], data.targets);
  weights.forEach(({shape, integers}, i) => fixture.put(`${spec.name}/weights/${i}`, 'I8', shape, integers));
}

/** One epoch in order, batch by batch: first output, loss of each batch, gradients of the first, weights after the last. */
export async function train(fixture, problem, data, {rows, optimizer: own} = {}) {
  const {spec, weights} = problem;
  const {model, optimizer} = build(spec, weights, {optimizer: own});
  const x = inputTensor(spec, data.x), y = targetTensor(spec, data);
  const batch = Math.min(spec.batch_size, spec.samples);
  const output = Array.from(model.predict(tf.slice(x, 0, batch)).dataSync());
  const losses = [];
  for (let begin = 0; begin < spec.samples; begin += spec.batch_size) {
    const count = Math.min(spec.batch_size, spec.samples - begin);
    losses.push(await model.trainOnBatch(tf.slice(x, begin, count), tf.slice(y, begin, count)));
  }
  const names = model.trainableWeights.map((w) => w.val.name);
  const gradients = names.map((name) => optimizer.steps[0][name]);
  const after = weightsOf(model);

  putProblem(fixture, problem, data);
  // Of a first kernel only the rows that the inputs reach: the others have no gradient and stay as they are.
  if (rows) {
    const units = spec.layers[0].units;
    fixture.put(`${spec.name}/rows`, 'I32', [rows.length], rows);
    const reached = new Set(rows);
    gradients[0].forEach((g, i) => {
      const moved = g !== 0 || after[0][i] !== weights[0].integers[i] * weights[0].unit;
      if (moved && !reached.has(Math.floor(i / units))) throw new Error(`${spec.name}: row ${Math.floor(i / units)} is reached`);
    });
    for (const all of [gradients, after]) all[0] = rows.flatMap((row) => all[0].slice(row * units, (row + 1) * units));
  }
  const shapeOf = (i) => (rows && i === 0 ? [rows.length, spec.layers[0].units] : weights[i].shape);
  fixture.put(`${spec.name}/output`, 'F32', [batch, problem.classes], output);
  fixture.put(`${spec.name}/losses`, 'F32', [losses.length], losses);
  gradients.forEach((g, i) => fixture.put(`${spec.name}/gradients/${i}`, 'F32', shapeOf(i), g));
  after.forEach((w, i) => fixture.put(`${spec.name}/after/${i}`, 'F32', shapeOf(i), w));
  console.log(' ', spec.name, losses.map((l) => l.toFixed(4)).join(' '));
}
