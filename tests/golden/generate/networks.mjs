// The tutorial's networks with BatchNormalization and convolutions, and ten losses of a small one.
//
// Neither images nor initial weights are stored: the images are those of another fixture, the weights are drawn by the test too.
// Of a large tensor a witness is stored (see `witness`).
import {Fixture, Random, elements, recording, tf, tfl} from './common.mjs';
import {tfjsLayer} from './layers.mjs';

const kUnit = 1 / 4096;   // of all weights
const kWhole = 4096;      // tensors of up to so many elements are stored whole
const kPicked = 1024;     // elements stored of a larger one

const dense = (units, activation) => ({type: 'Dense', config: {units, activation, use_bias: true, kernel_initializer: 'lecun_normal'}});
const normalization = () => ({type: 'BatchNormalization', config: {momentum: 0.99, epsilon: 0.001}});
const conv = (filters) => ({type: 'Conv2D', config: {filters, kernel_size: [3, 3], strides: [1, 1], padding: 'valid', groups: 1, activation: 'relu', use_bias: true, kernel_initializer: 'glorot_uniform'}});
const pooling = () => ({type: 'MaxPooling2D', config: {pool_size: [2, 2], strides: [2, 2], padding: 'valid'}});
const reshape = (target_shape) => ({type: 'Reshape', config: {target_shape}});
const flatten = () => ({type: 'Flatten', config: {}});

/** How weight `i` of a layer is drawn: integers in [-limit, limit] times kUnit, plus offset. Moving statistics begin as Keras' do. */
function drawing(type, i, shape) {
  if (type === 'BatchNormalization') return [{limit: 1024, offset: 1}, {limit: 400, offset: 0}, {limit: 0, offset: 0}, {limit: 0, offset: 1}][i];
  const inputs = elements(shape.slice(0, -1));
  return {limit: shape.length === 1 ? 400 : Math.floor(Math.sqrt(3 / inputs) / kUnit), offset: 0};
}

/**
 * What is kept of a tensor: all of it, or, where it is large, some elements and the sums of all rows and of all columns. Every
 * element enters two sums, with a sign drawn for it (plain sums may vanish: those of a softmax's gradients do).
 */
function putWitness(fixture, name, {shape, witness}, values) {
  if (!witness) return fixture.put(name, 'F32', shape, values.map(Math.fround));
  const size = values.length, {columns} = witness;
  const random = new Random(witness.seed);
  const picked = Array.from({length: witness.picked}, () => Math.fround(values[random.below(size)]));
  const rowSums = new Array(size / columns).fill(0), columnSums = new Array(columns).fill(0);
  for (let i = 0; i < size; ++i) {
    const value = random.below(2) === 0 ? values[i] : -values[i];
    rowSums[Math.floor(i / columns)] += value;
    columnSums[i % columns] += value;
  }
  fixture.put(`${name}/picked`, 'F32', [picked.length], picked);
  fixture.put(`${name}/rows`, 'F32', [rowSums.length], rowSums.map(Math.fround));
  fixture.put(`${name}/columns`, 'F32', [columns], columnSums.map(Math.fround));
}

/** First output (as in inference), losses of all batches of an epoch, first gradients, and what the epoch changed. */
async function train(fixture, spec, data) {
  const model = tfl.sequential();
  spec.layers.forEach(({type, config}, i) => model.add(tfjsLayer(type, config, i === 0 ? {inputShape: spec.input_shape} : {})));
  const random = new Random(spec.seed);
  spec.weights = [];
  const before = [];
  model.layers.forEach((layer, l) => {
    const {type} = spec.layers[l];
    layer.setWeights(layer.weights.map(({shape, trainable}, i) => {
      const {limit, offset} = drawing(type, i, shape);
      const initial = random.integers(elements(shape), limit).map((k) => offset + k * kUnit);
      const large = initial.length > kWhole;
      // A large vector belongs to a flattened image, whose last axis are its 64 channels.
      const witness = {picked: kPicked, columns: shape.length > 1 ? shape.at(-1) : 64, seed: spec.seed + spec.weights.length + 1};
      spec.weights.push({shape, limit, offset, trainable, ...(large ? {witness} : {})});
      before.push(initial);
      return tf.tensor(initial, shape);
    }));
  });
  const optimizer = recording(new tf.SGDOptimizer(spec.learning_rate));
  model.compile({loss: 'sparseCategoricalCrossentropy', optimizer});

  const samples = data.labels.length;
  const x = tf.div(tf.tensor(data.x, [samples, ...spec.input_shape]), 255), y = tf.tensor(data.labels, [samples, 1]);
  const output = model.predict(tf.slice(x, 0, spec.batch_size));
  fixture.put(`${spec.name}/output`, 'F32', output.shape, Array.from(output.dataSync()));
  const losses = [];
  for (let begin = 0; begin < samples; begin += spec.batch_size)
    losses.push(await model.trainOnBatch(tf.slice(x, begin, spec.batch_size), tf.slice(y, begin, spec.batch_size)));
  fixture.put(`${spec.name}/losses`, 'F32', [losses.length], losses);
  // Keras' order: layer by layer (model.getWeights() of TensorFlow.js has all trainable ones first).
  model.layers.flatMap((layer) => layer.weights).forEach((weight, i) => {
    const after = weight.read().dataSync();
    if (weight.trainable) putWitness(fixture, `${spec.name}/gradients/${i}`, spec.weights[i], optimizer.steps[0][weight.val.name]);
    putWitness(fixture, `${spec.name}/changes/${i}`, spec.weights[i], before[i].map((b, k) => after[k] - b));
  });
  fixture.cases.push(spec);
  console.log(' ', spec.name, model.countParams(), losses.map((l) => l.toFixed(4)).join(' '));
}

/** `data` has the images of other fixtures: 96 of the MLP's, 320 of the trajectory's. */
export async function networks(folder, data) {
  const head = () => [flatten(), normalization(), dense(200, 'selu'), normalization(), dense(100, 'selu'), normalization(), dense(10, 'softmax')];
  const add = async (file, spec) => {
    const fixture = new Fixture();
    await train(fixture, {loss: 'sparse_categorical_crossentropy', batch_size: 32, unit: kUnit, ...spec}, data[spec.images]);
    fixture.write(folder, file);
  };
  await add('mlp-improved.safetensors', {name: 'mlp-improved', seed: 3000, images: 'mlp', learning_rate: 0.05, input_shape: [28, 28], layers: head()});
  await add('cnn.safetensors', {
    name: 'cnn', seed: 3100, images: 'mlp', learning_rate: 0.05, input_shape: [28, 28],
    layers: [reshape([28, 28, 1]), conv(64), pooling(), ...head()]
  });
  await add('conv-trajectory.safetensors', {
    name: 'conv-trajectory', seed: 3200, images: 'trajectory', learning_rate: 0.125, input_shape: [8, 8],
    layers: [reshape([8, 8, 1]), conv(6), pooling(), normalization(), flatten(), dense(10, 'softmax')]
  });
}
