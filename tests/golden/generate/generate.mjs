// Makes the fixtures: node generate.mjs FOLDER. See ../README.md for what they hold.
//
// What is stored comes from TensorFlow.js (an implementation of Keras independent of this library), run in float32 on its
// plain JavaScript backend; what TensorFlow.js clips is computed here in float64 instead, and says so.
import fs from 'node:fs';
import path from 'node:path';
import {createRequire} from 'node:module';

// One copy of tfjs-core for all three: its CommonJS build.
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core');
const tfl = require('@tensorflow/tfjs-layers');
require('@tensorflow/tfjs-backend-cpu');

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node generate.mjs FOLDER');

// --- random numbers: mulberry32, so that the fixtures are the same whenever they are made -----------------------------

class Random {
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

class Fixture {
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

  write(file) {
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
const kInputUnit = 1 / 32;
const kKernelUnit = 1 / 128;
const kBiasUnit = 1 / 512;

const elements = (shape) => shape.reduce((a, b) => a * b, 1);

/** The spec of a case, filled up, with its data and initial weights drawn. */
function make(seed, {name, input_shape, layers, ...rest}) {
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
function drawPoints({spec, random, classes}) {
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

/** Grey images in ten classes: a pattern for each class inside an empty border, in noise. */
function drawImages({spec, random}, border) {
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

/** An optimiser of TensorFlow.js that keeps what it is given: the gradients by name, one map for each step. */
function recording(Base) {
  return class extends Base {
    steps = [];
    applyGradients(gradients) {
      this.steps.push(Object.fromEntries(gradients.map(({name, tensor}) => [name, Array.from(tensor.dataSync())])));
      super.applyGradients(gradients);
    }
  };
}
const RecordingSGD = recording(tf.SGDOptimizer);
const RecordingMomentum = recording(tf.MomentumOptimizer);

function build(spec, weights, metrics) {
  const model = tfl.sequential();
  const flatten = spec.input_shape.length > 1;
  if (flatten) model.add(tfl.layers.flatten({inputShape: spec.input_shape}));
  spec.layers.forEach(({units, activation, use_bias}, i) =>
    model.add(tfl.layers.dense({units, activation, useBias: use_bias, ...(i === 0 && !flatten ? {inputShape: spec.input_shape} : {})})));
  model.setWeights(weights.map(({shape, unit, integers}) => tf.tensor(integers.map((k) => k * unit), shape)));
  // TensorFlow.js keeps velocities as sums of gradients (a = m*a + g; w -= lr*a), Keras as steps (v = m*v - lr*g; w += v).
  // With one learning rate throughout v = -lr*a, so both are the same, with Nesterov's step too.
  const optimizer = spec.momentum > 0 ? new RecordingMomentum(spec.learning_rate, spec.momentum, spec.nesterov)
                                      : new RecordingSGD(spec.learning_rate);
  const loss = spec.loss.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  model.compile({loss, optimizer, metrics});
  return {model, optimizer};
}

const weightsOf = (model) => model.getWeights().map((w) => Array.from(w.dataSync()));

function inputTensor(spec, x) {
  const shape = [spec.samples, ...spec.input_shape];
  return spec.images ? tf.div(tf.tensor(x, shape), 255) : tf.tensor(x.map((k) => k * spec.input_unit), shape);
}

function targetTensor(spec, {labels, targets}) {
  if (spec.loss === 'sparse_categorical_crossentropy') return tf.tensor(labels, [spec.samples, 1]);
  return tf.tensor(targets.map((k) => k * kInputUnit), [spec.samples, targets.length / spec.samples]);
}

function putProblem(fixture, {spec, weights}, data) {
  fixture.cases.push(spec);
  fixture.put(`${spec.name}/x`, spec.images ? 'U8' : 'I8', [spec.samples, ...spec.input_shape], data.x);
  if (spec.loss === 'sparse_categorical_crossentropy') fixture.put(`${spec.name}/labels`, 'U8', [spec.samples], data.labels);
  else fixture.put(`${spec.name}/targets`, 'I8', [spec.samples, data.targets.length / spec.samples], data.targets);
  weights.forEach(({shape, integers}, i) => fixture.put(`${spec.name}/weights/${i}`, 'I8', shape, integers));
}

/** One epoch in order, batch by batch: first output, loss of each batch, gradients of the first, weights after the last. */
async function train(fixture, problem, data, {rows} = {}) {
  const {spec, weights} = problem;
  const {model, optimizer} = build(spec, weights);
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

// --- 1. the tutorial's MLP ------------------------------------------------------------------------------------------------

async function mlp() {
  const fixture = new Fixture();
  const problem = make(1, {
    name: 'mlp', input_shape: [28, 28], images: true, batch_size: 32, samples: 96, learning_rate: 0.1,
    layers: [{units: 100, activation: 'sigmoid', unit: 1 / 1024}, {units: 10, activation: 'softmax', unit: 1 / 512}]
  });
  const data = drawImages(problem, 4);
  const rows = Array.from({length: 784}, (_, i) => i).filter((i) => data.x.some((pixel, k) => k % 784 === i && pixel !== 0));
  await train(fixture, problem, data, {rows});
  fixture.write('mlp.safetensors');
}

// --- 2. small networks: every activation under both losses, the optimisers, corners ----------------------------------------

async function dense() {
  const fixture = new Fixture();
  let seed = 100;
  const add = async (options) => {
    const problem = make(++seed, {input_shape: [7], ...options});
    await train(fixture, problem, drawPoints(problem));
  };
  const mse = 'mean_squared_error';
  for (const activation of ['linear', 'sigmoid', 'tanh', 'relu', 'selu', 'softmax']) {
    await add({name: `${activation}-mse`, loss: mse, layers: [{units: 6, activation}, {units: 3, activation}]});
    await add({name: `${activation}-crossentropy`, layers: [{units: 6, activation}, {units: 4, activation: 'softmax'}]});
  }
  for (const nesterov of [false, true]) {
    const momentum = {momentum: 0.875, nesterov, samples: 101};  // seven steps; the last batch has five samples
    const name = nesterov ? 'nesterov' : 'momentum';
    await add({name: `${name}-mse`, loss: mse, ...momentum, layers: [{units: 6, activation: 'selu'}, {units: 3, activation: 'linear'}]});
    await add({name: `${name}-crossentropy`, ...momentum, layers: [{units: 6, activation: 'tanh'}, {units: 4, activation: 'softmax'}]});
  }
  // A network that ends in no softmax gives the loss probabilities that need not sum to 1.
  await add({name: 'probabilities', layers: [{units: 6, activation: 'tanh'}, {units: 4, activation: 'sigmoid'}]});
  await add({
    name: 'deep', learning_rate: 0.0625,
    layers: [{units: 19, activation: 'relu'}, {units: 13, activation: 'selu', use_bias: false}, {units: 9, activation: 'sigmoid'},
             {units: 4, activation: 'softmax'}]
  });
  await add({name: 'one-unit', loss: mse, layers: [{units: 1, activation: 'linear'}]});
  await add({name: 'last-batch-of-one', samples: 33, layers: [{units: 6, activation: 'tanh'}, {units: 4, activation: 'softmax'}]});
  fixture.write('dense.safetensors');
}

// --- 3. fit: epochs, validation and accuracy --------------------------------------------------------------------------------

async function fit() {
  const fixture = new Fixture();
  const problem = make(200, {
    name: 'fit', input_shape: [7], samples: 107, learning_rate: 0.25, epochs: 5, validation_split: 0.2,
    layers: [{units: 8, activation: 'tanh'}, {units: 4, activation: 'softmax'}]
  });
  const {spec, weights} = problem;
  const data = drawPoints(problem);
  const {model} = build(spec, weights, ['accuracy']);
  const {history} = await model.fit(inputTensor(spec, data.x), targetTensor(spec, data), {
    batchSize: spec.batch_size, epochs: spec.epochs, validationSplit: spec.validation_split, shuffle: false, verbose: 0
  });
  putProblem(fixture, problem, data);
  for (const [name, key] of [['loss', 'loss'], ['accuracy', 'acc'], ['val_loss', 'val_loss'], ['val_accuracy', 'val_acc']]) {
    fixture.put(`fit/history/${name}`, 'F64', [spec.epochs], history[key]);
    console.log('  fit', name, history[key].map((v) => v.toFixed(4)).join(' '));
  }
  weightsOf(model).forEach((w, i) => fixture.put(`fit/after/${i}`, 'F32', weights[i].shape, w));
  fixture.write('fit.safetensors');
}

// --- 4. an extreme loss -----------------------------------------------------------------------------------------------------

/** Log-sum-exp in float64: the mean loss, each sample's, and d(mean loss)/d(logits). */
function crossentropy64(logits, labels, classes) {
  const N = labels.length, losses = [], gradient = [];
  for (let n = 0; n < N; ++n) {
    const row = logits.slice(n * classes, (n + 1) * classes);
    const largest = Math.max(...row);
    const sum = row.reduce((a, z) => a + Math.exp(z - largest), 0);
    losses.push(largest + Math.log(sum) - row[labels[n]]);
    row.forEach((z, c) => gradient.push((Math.exp(z - largest) / sum - (c === labels[n] ? 1 : 0)) / N));
  }
  return {losses, gradient, mean: losses.reduce((a, b) => a + b, 0) / N};
}

async function extreme() {
  const fixture = new Fixture();
  const problem = make(300, {
    name: 'extreme', input_shape: [6], samples: 24, batch_size: 24, learning_rate: 0.125, input_unit: 1 / 4,
    layers: [{units: 5, activation: 'softmax', use_bias: false}]
  });
  const {spec, random, classes} = problem;
  // Integer weights up to 40 and inputs up to 10 in quarters: logits are exact in float32 and reach some hundreds.
  problem.weights = [{shape: [6, classes], unit: 1, integers: random.integers(6 * classes, 40)}];
  spec.weight_units = [1];
  const x = random.integers(spec.samples * 6, 40);
  const kernel = problem.weights[0].integers;
  const logits = [], labels = [];
  for (let n = 0; n < spec.samples; ++n) {
    const row = Array.from({length: classes}, (_, c) => {
      let sum = 0;
      for (let i = 0; i < 6; ++i) sum += x[n * 6 + i] * spec.input_unit * kernel[i * classes + c];
      return sum;
    });
    logits.push(...row);
    // Mostly the least likely class, sometimes the likeliest (a loss of nearly 0), sometimes any.
    labels.push(n % 4 === 3 ? row.indexOf(Math.max(...row)) : n % 4 === 2 ? random.below(classes) : row.indexOf(Math.min(...row)));
  }
  const {losses, gradient, mean} = crossentropy64(logits, labels, classes);
  const dkernel = kernel.map((_, k) => {
    let sum = 0;
    for (let n = 0; n < spec.samples; ++n) sum += x[n * 6 + Math.floor(k / classes)] * spec.input_unit * gradient[n * classes + (k % classes)];
    return sum;
  });

  // tfjs-core has the same from logits, unclipped, in float32: both must agree. tfjs-layers clips.
  const unclipped = (await tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(labels, 'int32'), classes), tf.tensor(logits, [spec.samples, classes])).data())[0];
  if (Math.abs(unclipped - mean) > 1e-6 * mean) throw new Error(`tfjs-core finds ${unclipped}, float64 ${mean}`);
  const clipped = await build(spec, problem.weights).model.trainOnBatch(inputTensor(spec, x), targetTensor(spec, {labels}));
  console.log(`  extreme: float64 ${mean}, tfjs-core from logits ${unclipped}, tfjs-layers from clipped probabilities ${clipped}`);

  putProblem(fixture, problem, {x, labels});
  fixture.put('extreme/sample_losses', 'F64', [spec.samples], losses);
  fixture.put('extreme/losses', 'F64', [1], [mean]);
  fixture.put('extreme/gradients/0', 'F64', [6, classes], dkernel);
  fixture.put('extreme/after/0', 'F64', [6, classes], kernel.map((w, i) => w - spec.learning_rate * dkernel[i]));
  fixture.write('extreme.safetensors');
}

// --- 5. ten losses of a run --------------------------------------------------------------------------------------------------

async function trajectory() {
  const fixture = new Fixture();
  const problem = make(400, {
    name: 'trajectory', input_shape: [8, 8], images: true, batch_size: 32, samples: 320, learning_rate: 2,
    layers: [{units: 16, activation: 'sigmoid', unit: 1 / 256}, {units: 10, activation: 'softmax'}]
  });
  await train(fixture, problem, drawImages(problem, 0));
  fixture.write('trajectory.safetensors');
}

tf.env().set('IS_TEST', true);  // no advertisement
tf.setBackend('cpu');
await tf.ready();
fs.mkdirSync(folder, {recursive: true});
await mlp();
await dense();
await fit();
await extreme();
await trajectory();
