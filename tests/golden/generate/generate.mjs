// Makes the fixtures: node generate.mjs FOLDER. See ../README.md for what they hold.
//
// What is stored comes from TensorFlow.js (an implementation of Keras independent of this library), run in float32 on its
// plain JavaScript backend; what TensorFlow.js does otherwise than Keras is computed here in float64 instead, and says so.
import fs from 'node:fs';

import {Fixture, build, drawImages, drawPoints, inputTensor, make, putProblem, targetTensor, tf, train, weightsOf} from './common.mjs';
import {graph, layers} from './layers.mjs';
import {networks} from './networks.mjs';
import {optimizers} from './optimizers.mjs';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node generate.mjs FOLDER');

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
  fixture.write(folder, 'mlp.safetensors');
  return data;
}

// --- 2. small networks: every activation under both losses, the optimizers, corners ----------------------------------------

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
  fixture.write(folder, 'dense.safetensors');
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
  const {model} = build(spec, weights, {metrics: ['accuracy']});
  const {history} = await model.fit(inputTensor(spec, data.x), targetTensor(spec, data), {
    batchSize: spec.batch_size, epochs: spec.epochs, validationSplit: spec.validation_split, shuffle: false, verbose: 0
  });
  putProblem(fixture, problem, data);
  for (const [name, key] of [['loss', 'loss'], ['accuracy', 'acc'], ['val_loss', 'val_loss'], ['val_accuracy', 'val_acc']]) {
    fixture.put(`fit/history/${name}`, 'F64', [spec.epochs], history[key]);
    console.log('  fit', name, history[key].map((v) => v.toFixed(4)).join(' '));
  }
  weightsOf(model).forEach((w, i) => fixture.put(`fit/after/${i}`, 'F32', weights[i].shape, w));
  fixture.write(folder, 'fit.safetensors');
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
  fixture.write(folder, 'extreme.safetensors');
}

// --- 5. ten losses of a run --------------------------------------------------------------------------------------------------

async function trajectory() {
  const fixture = new Fixture();
  const problem = make(400, {
    name: 'trajectory', input_shape: [8, 8], images: true, batch_size: 32, samples: 320, learning_rate: 2,
    layers: [{units: 16, activation: 'sigmoid', unit: 1 / 256}, {units: 10, activation: 'softmax'}]
  });
  const data = drawImages(problem, 0);
  await train(fixture, problem, data);
  fixture.write(folder, 'trajectory.safetensors');
  return data;
}

tf.env().set('IS_TEST', true);  // no advertisement
tf.setBackend('cpu');
await tf.ready();
fs.mkdirSync(folder, {recursive: true});
const images = {mlp: await mlp()};
await dense();
await fit();
await extreme();
images.trajectory = await trajectory();
await layers(folder);
await graph(folder);
await networks(folder, images);
await optimizers(folder);
