// Each layer by itself with its options, and a graph: outputs and gradients for a random gradient from above, in training mode.
// Inputs, weights and gradients from above are not stored: the test draws them by the same generator, in the same order.
import {Fixture, Random, elements, tf, tfl} from './common.mjs';

const kUnit = 1 / 64;  // of everything drawn
const kInputLimit = 125, kWeightLimit = 60, kPositiveLimit = 40;  // |integer|; positive things lie about 1

const camel = (text) => text.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const lowerFirst = (text) => text.charAt(0).toLowerCase() + text.slice(1);

/** Activations that TensorFlow.js' layers lack by name, or have with another slope. */
const kOwnActivations = {leaky_relu: (x) => tf.leakyRelu(x, 0.2)};

/** The layer of TensorFlow.js for a type and a configuration of ours (Keras' names). */
export function tfjsLayer(type, config, options = {}) {
  const args = {...options};
  for (const [key, value] of Object.entries(config)) if (!key.endsWith('initializer') && key !== 'groups') args[camel(key)] = value;
  if (args.activation in kOwnActivations) args.activation = 'linear';
  if (type === 'ZeroPadding2D') args.padding = [config.padding.slice(0, 2), config.padding.slice(2)];
  if (type === 'Softmax') args.axis = -1;  // which TensorFlow.js does not take by itself
  return tfl.layers[lowerFirst(type).replace('2D', '2d')](args);
}

/** Calls the layer in training mode, with what TensorFlow.js lacks put in: slopes and groups. */
function call(layer, {type, config}, inputs) {
  const own = kOwnActivations[config.activation] ?? ((x) => x);
  if ((config.groups ?? 1) > 1) {
    // Each group of filters sees its own group of channels.
    const xs = tf.split(inputs[0], config.groups, 3), kernels = tf.split(layer.weights[0].read(), config.groups, 3);
    const y = tf.concat(xs.map((x, g) => tf.conv2d(x, kernels[g], config.strides, config.padding)), 3);
    return own(config.use_bias ? tf.add(y, layer.weights[1].read()) : y);
  }
  return own(layer.apply(inputs.length === 1 ? inputs[0] : inputs, {training: true}));
}

// --- averages at a border: what TensorFlow.js does otherwise than Keras ------------------------------------------------------

/** First input row of output `o`, and how many rows of `size` a window of `pool` there covers. */
function windows(size, pool, stride, padding) {
  const count = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - pool) / stride) + 1;
  const before = padding === 'same' ? Math.floor(Math.max((count - 1) * stride + pool - size, 0) / 2) : 0;
  return Array.from({length: count}, (_, o) => {
    const begin = Math.max(o * stride - before, 0), end = Math.min(o * stride - before + pool, size);
    return {begin, end};
  });
}

/** The input's gradient of AveragePooling2D in float64: each output is shared by the pixels that its window really covers. */
function averagePoolingGradient({pool_size, strides, padding}, [N, H, W, C], upstream) {
  const rows = windows(H, pool_size[0], strides[0], padding), columns = windows(W, pool_size[1], strides[1], padding);
  const gradient = new Array(N * H * W * C).fill(0);
  let k = 0;
  for (let n = 0; n < N; ++n)
    for (const row of rows)
      for (const column of columns)
        for (let c = 0; c < C; ++c) {
          const share = upstream[k++] / ((row.end - row.begin) * (column.end - column.begin));
          for (let y = row.begin; y < row.end; ++y)
            for (let x = column.begin; x < column.end; ++x) gradient[((n * H + y) * W + x) * C + c] += share;
        }
  if (k !== upstream.length) throw new Error(`${k} windows for ${upstream.length} gradients`);
  return gradient;
}

// --- one layer ----------------------------------------------------------------------------------------------------------------

const values = (tensor) => Array.from(tensor.dataSync());
/** Odd integers: no element is 0, where the derivatives of kinked activations are a matter of taste. */
const odd = (integers) => integers.map((k) => (k % 2 === 0 ? k + 1 : k));

/** Stops unless TensorFlow.js moved the moving variance toward the biased variance of the batch (sum of squares over n, not n - 1). */
function checkMovingVariance(x, {momentum}, before, after) {
  const C = before.length, n = x.length / C;
  for (let c = 0; c < C; ++c) {
    const channel = x.filter((_, i) => i % C === c), mean = channel.reduce((a, b) => a + b) / n;
    const variance = channel.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    const expected = momentum * before[c] + (1 - momentum) * variance;
    if (Math.abs(after[c] - expected) > 1e-6) throw new Error(`moving variance ${after[c]}, not ${expected}`);
  }
}

/** The offset of a layer's weight `i`: scales and variances lie about 1, all else about 0. */
const offsetOf = (type, i) => (type === 'BatchNormalization' && (i === 0 || i === 3) ? 1 : 0);

/** Draws a layer's weights. */
function drawWeights(random, layer, type) {
  layer.setWeights(layer.weights.map(({shape}, i) => {
    const offset = offsetOf(type, i);
    const integers = random.integers(elements(shape), offset ? kPositiveLimit : kWeightLimit);
    return tf.tensor(integers.map((k) => offset + k * kUnit), shape);
  }));
}

const drawInput = (random, shape) => tf.tensor(odd(random.integers(elements(shape), kInputLimit)).map((k) => k * kUnit), shape);
const drawUpstream = (random, shape) => tf.tensor(random.integers(elements(shape), kWeightLimit).map((k) => k * kUnit), shape);

/** Has TensorFlow.js compute a case. Drawn in this order: inputs, weights, gradient from above. */
function addLayer(fixture, seed, {name, type, config, input_shapes, samples = 2}) {
  const random = new Random(seed);
  const spec = {name, seed, type, config, input_shapes, samples};
  fixture.cases.push(spec);
  const put = (what, shape, data) => fixture.put(`${name}/${what}`, 'F32', shape, data);
  const inputs = input_shapes.map((shape) => tf.variable(drawInput(random, [samples, ...shape])));
  const layer = tfjsLayer(type, config);
  if (config.groups > 1) layer.build([samples, ...input_shapes[0].slice(0, 2), input_shapes[0][2] / config.groups]);
  else layer.apply(inputs.length === 1 ? inputs[0] : inputs);  // builds it
  drawWeights(random, layer, type);
  const before = layer.weights.map((w) => values(w.read()));
  if (type === 'BatchNormalization') put('inference', [samples, ...input_shapes[0]], values(layer.apply(inputs[0], {training: false})));

  let output, upstream;
  const trainable = layer.trainableWeights.map((w) => w.val);
  const {grads} = tf.variableGrads(() => {
    const y = call(layer, spec, inputs);
    output = tf.keep(y.clone());
    upstream = tf.keep(drawUpstream(random, y.shape));
    return tf.sum(tf.mul(y, upstream));
  }, [...inputs, ...trainable]);
  const gradients = inputs.map((input) => values(grads[input.name]));
  if (type === 'AveragePooling2D') {
    const exact = averagePoolingGradient(config, [samples, ...input_shapes[0]], values(upstream));
    // Where no window is cut both must agree.
    if (config.padding === 'valid' && exact.some((g, i) => Math.abs(g - gradients[0][i]) > 1e-6)) throw new Error(`${name}: other gradients`);
    gradients[0] = exact.map(Math.fround);
  }
  put('output', output.shape, values(output));
  gradients.forEach((g, i) => put(`inputs/${i}`, [samples, ...input_shapes[i]], g));
  trainable.forEach((variable, i) => put(`weights/${i}`, variable.shape, values(grads[variable.name])));
  layer.nonTrainableWeights.forEach((w, i) => put(`moving/${i}`, w.shape, values(w.read())));
  if (type === 'BatchNormalization') checkMovingVariance(values(inputs[0]), config, before[3], values(layer.weights[3].read()));
}

export async function layers(folder) {
  const fixture = new Fixture();
  let seed = 1000;
  const add = (options) => addLayer(fixture, ++seed, options);
  const sizes = [[6, 8], [7, 5]];
  const paddings = ['valid', 'same'];

  // Conv2D: every combination of padding, strides, kernel, size and channels; biases, filters and ReLU in turn.
  let turn = 0;
  for (const padding of paddings)
    for (const strides of [[1, 1], [2, 2], [2, 1]])
      for (const k of [1, 2, 3, 5])
        for (const [H, W] of sizes)
          for (const C of [1, 3]) {
            const use_bias = turn % 3 !== 0, filters = 2 + (turn % 2), activation = turn % 5 === 4 ? 'relu' : 'linear';
            ++turn;
            add({
              name: `conv2d-${padding}-${strides.join('')}-k${k}-${H}x${W}x${C}`, type: 'Conv2D', input_shapes: [[H, W, C]],
              config: {filters, kernel_size: [k, k], strides, padding, groups: 1, activation, use_bias, kernel_initializer: 'glorot_uniform'}
            });
          }
  for (const [groups, padding, strides] of [[2, 'valid', [1, 1]], [3, 'same', [2, 2]], [6, 'same', [1, 1]]])
    add({
      name: `conv2d-groups${groups}`, type: 'Conv2D', input_shapes: [[5, 4, 6]],
      config: {filters: 6, kernel_size: [3, 3], strides, padding, groups, activation: 'linear', use_bias: true, kernel_initializer: 'glorot_uniform'}
    });
  for (const kernel_size of [[1, 3], [3, 2]])
    add({
      name: `conv2d-k${kernel_size.join('')}`, type: 'Conv2D', input_shapes: [[5, 6, 2]],
      config: {filters: 3, kernel_size, strides: [1, 2], padding: 'same', groups: 1, activation: 'selu', use_bias: true, kernel_initializer: 'glorot_uniform'}
    });

  for (const padding of paddings)
    for (const strides of [[1, 1], [2, 2]])
      for (const k of [2, 3])
        for (const depth_multiplier of [1, 2]) {
          const [H, W] = sizes[(k + depth_multiplier) % 2];
          add({
            name: `depthwise-${padding}-${strides.join('')}-k${k}-m${depth_multiplier}`, type: 'DepthwiseConv2D', input_shapes: [[H, W, 3]],
            config: {kernel_size: [k, k], strides, padding, depth_multiplier, activation: 'linear', use_bias: depth_multiplier === 2, depthwise_initializer: 'glorot_uniform'}
          });
        }

  // Pooling: inputs repeat often enough for windows with two equal largest elements.
  for (const type of ['MaxPooling2D', 'AveragePooling2D'])
    for (const padding of paddings)
      for (const pool of [2, 3])
        for (const stride of [1, 2, 3])
          for (const [H, W] of [[6, 8], [7, 5]])
            add({
              name: `${lowerFirst(type)}-${padding}-${pool}-${stride}-${H}x${W}`, type, input_shapes: [[H, W, 2]],
              config: {pool_size: [pool, pool], strides: [stride, stride], padding}
            });
  add({name: 'globalAveragePooling2D', type: 'GlobalAveragePooling2D', config: {}, input_shapes: [[5, 3, 4]]});

  for (const padding of [[1, 1, 1, 1], [2, 0, 1, 3]])
    add({name: `zeroPadding2D-${padding.join('')}`, type: 'ZeroPadding2D', config: {padding}, input_shapes: [[3, 4, 2]]});

  for (const [name, options] of Object.entries({'': {momentum: 0.99, epsilon: 0.001}, '-options': {momentum: 0.75, epsilon: 0.0625}})) {
    // Few samples, so that n and n - 1 under the variance differ plainly.
    add({name: `batchNormalization-2d${name}`, type: 'BatchNormalization', config: options, input_shapes: [[5]], samples: 7});
    add({name: `batchNormalization-4d${name}`, type: 'BatchNormalization', config: options, input_shapes: [[3, 2, 4]], samples: 2});
  }

  add({name: 'add-2', type: 'Add', config: {}, input_shapes: [[5], [5]]});
  add({name: 'add-3', type: 'Add', config: {}, input_shapes: [[3, 2, 4], [3, 2, 4], [3, 2, 4]]});
  add({name: 'concatenate-last', type: 'Concatenate', config: {axis: -1}, input_shapes: [[3, 2, 4], [3, 2, 1], [3, 2, 2]]});
  add({name: 'concatenate-1', type: 'Concatenate', config: {axis: 1}, input_shapes: [[3, 2, 4], [1, 2, 4]]});
  add({name: 'concatenate-2', type: 'Concatenate', config: {axis: 2}, input_shapes: [[3, 2, 4], [3, 5, 4]]});
  add({name: 'concatenate-vectors', type: 'Concatenate', config: {axis: -1}, input_shapes: [[3], [4]]});
  add({name: 'reshape', type: 'Reshape', config: {target_shape: [4, 2, 3]}, input_shapes: [[3, 8]]});
  add({name: 'reshape-flat', type: 'Reshape', config: {target_shape: [24]}, input_shapes: [[3, 2, 4]]});
  add({name: 'flatten', type: 'Flatten', config: {}, input_shapes: [[3, 2, 4]]});

  for (const activation of ['linear', 'sigmoid', 'tanh', 'relu', 'selu', 'softmax', 'leaky_relu', 'elu', 'gelu', 'swish']) {
    add({name: `activation-${activation}`, type: 'Activation', config: {activation}, input_shapes: [[3, 2, 4]]});
    add({
      name: `dense-${activation}`, type: 'Dense', input_shapes: [[6]], samples: 3,
      config: {units: 5, activation, use_bias: activation !== 'elu', kernel_initializer: 'glorot_uniform'}
    });
  }
  add({name: 'softmax', type: 'Softmax', config: {}, input_shapes: [[6]], samples: 3});
  add({name: 'softmax-4d', type: 'Softmax', config: {}, input_shapes: [[3, 2, 4]]});
  fixture.write(folder, 'layers.safetensors');
}

// --- a graph --------------------------------------------------------------------------------------------------------------------

export async function graph(folder) {
  const fixture = new Fixture();
  const conv = (options) => ({kernel_size: [3, 3], strides: [1, 1], padding: 'same', groups: 1, activation: 'linear', use_bias: true, kernel_initializer: 'glorot_uniform', ...options});
  const dense = (units, activation) => ({units, activation, use_bias: true, kernel_initializer: 'glorot_uniform'});
  // Several values are used twice: normal, pooled, both, vector.
  const spec = {
    name: 'graph', seed: 2000, samples: 5,
    inputs: [{name: 'image', shape: [6, 7, 2]}, {name: 'vector', shape: [5]}],
    nodes: [
      {name: 'conv', type: 'Conv2D', config: conv({filters: 3, activation: 'relu'}), inputs: ['image']},
      {name: 'normal', type: 'BatchNormalization', config: {momentum: 0.75, epsilon: 0.001}, inputs: ['conv']},
      {name: 'pooled', type: 'MaxPooling2D', config: {pool_size: [2, 2], strides: [2, 2], padding: 'same'}, inputs: ['normal']},
      {name: 'strided', type: 'Conv2D', config: conv({filters: 3, strides: [2, 2]}), inputs: ['normal']},
      {name: 'sum', type: 'Add', config: {}, inputs: ['pooled', 'strided']},
      {name: 'both', type: 'Concatenate', config: {axis: -1}, inputs: ['sum', 'pooled']},
      {name: 'means', type: 'GlobalAveragePooling2D', config: {}, inputs: ['both']},
      {name: 'hidden', type: 'Dense', config: dense(6, 'tanh'), inputs: ['vector']},
      {name: 'mixed', type: 'Add', config: {}, inputs: ['means', 'hidden']},
      {name: 'joined', type: 'Concatenate', config: {axis: -1}, inputs: ['mixed', 'hidden']},
      {name: 'classes', type: 'Dense', config: dense(4, 'softmax'), inputs: ['joined']},
      {name: 'position', type: 'Dense', config: dense(2, 'linear'), inputs: ['means']}
    ],
    outputs: ['classes', 'position']
  };
  const random = new Random(spec.seed);
  const symbols = {}, layerOf = {};
  for (const {name, shape} of spec.inputs) symbols[name] = tfl.input({shape, name});
  for (const {name, type, config, inputs} of spec.nodes) {
    layerOf[name] = tfjsLayer(type, config, {name});
    symbols[name] = layerOf[name].apply(inputs.length === 1 ? symbols[inputs[0]] : inputs.map((input) => symbols[input]));
  }
  const model = tfl.model({inputs: spec.inputs.map(({name}) => symbols[name]), outputs: spec.outputs.map((name) => symbols[name])});
  const put = (what, shape, data) => fixture.put(`graph/${what}`, 'F32', shape, data);
  const xs = spec.inputs.map(({shape}) => drawInput(random, [spec.samples, ...shape]));
  for (const {name, type} of spec.nodes) drawWeights(random, layerOf[name], type);
  const upstream = spec.outputs.map((name) => drawUpstream(random, [spec.samples, ...symbols[name].shape.slice(1)]));

  model.predict(xs).forEach((y, i) => put(`inference/${i}`, y.shape, values(y)));
  const {grads} = tf.variableGrads(() => {
    const ys = model.apply(xs, {training: true});
    ys.forEach((y, i) => put(`output/${i}`, y.shape, values(y)));
    return tf.addN(ys.map((y, i) => tf.sum(tf.mul(y, upstream[i]))));
  });
  for (const {name} of spec.nodes) {
    layerOf[name].trainableWeights.forEach(({val}, i) => put(`weights/${name}/${i}`, val.shape, values(grads[val.name])));
    layerOf[name].nonTrainableWeights.forEach((w, i) => put(`moving/${i}`, w.shape, values(w.read())));
  }
  fixture.cases.push(spec);
  fixture.write(folder, 'graph.safetensors');
}
