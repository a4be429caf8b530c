// TensorFlow.js on its WebAssembly backend.
import { BATCH, CLASSES, SIDE, TRAINED, batches, graph, unknown } from './networks.mjs';

const PACKAGES = 'node_modules/@tensorflow';

// The packages come as classic scripts that share the global `tf`; their modules are not meant for a browser.
async function load(path) {
  const script = document.createElement('script');
  script.src = path;
  await new Promise((done, fail) => {
    script.onload = done;
    script.onerror = () => fail(new Error(`${path} is not there: npm ci was not run.`));
    document.head.append(script);
  });
}

// The backend takes no more threads than half of the logical processors, whatever it is asked for
// (tensorflow/tfjs issue 6081): it is told of as many as it needs.
async function withThreads(tf, threads) {
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads, configurable: true });
  tf.wasm.setThreadsCount(threads);
  try {
    if (!(await tf.setBackend('wasm'))) throw new Error('The wasm backend of TensorFlow.js did not start.');
  } finally {
    delete navigator.hardwareConcurrency;  // the real one lies in the prototype
  }
  if (tf.wasm.getThreadsCount() !== threads)
    throw new Error(`TensorFlow.js runs ${tf.wasm.getThreadsCount()} threads instead of ${threads}.`);
}

/** useLayers: train with the Keras-like interface instead of single operations. */
export async function start(threads, { useLayers = false } = {}) {
  for (const name of ['core', 'layers', 'backend-wasm']) await load(`${PACKAGES}/tfjs-${name}/dist/tf-${name}.min.js`);
  const tf = globalThis.tf;
  tf.wasm.setWasmPaths(`${PACKAGES}/tfjs-backend-wasm/dist/`);
  await withThreads(tf, threads);
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return {
    version: tf.wasm.version_wasm,
    details: () => ({ threads: tf.wasm.getThreadsCount(), simd }),
    trainer: (network) => (useLayers ? layersTrainer : operationsTrainer)(tf, TRAINED[network] ?? unknown(network, TRAINED)),
    predictor: (network) => predictor(tf, graph(network)),
  };
}

// ---------------------------------------------------------------------------------------------------------- training

/** Calls `step` with the next batch as tensors, again and again: {x, labels}; both are freed afterwards. */
function overBatches(tf, inputShape, step) {
  const data = batches(16);
  let next = 0;
  return async () => {
    const { images, labels } = data[next++ % data.length];
    const tensors = { x: tf.tensor(images, [BATCH, ...inputShape]), labels: tf.tensor(labels, [BATCH]) };
    try {
      return await step(tensors);
    } finally {
      tf.dispose(tensors);
    }
  };
}

const inputShapeOf = ({ convolution }) => (convolution ? [SIDE, SIDE, 1] : [SIDE * SIDE]);

/** A step of plain SGD with the Keras-like interface; returns the loss of its batch. */
function layersTrainer(tf, network) {
  const { learningRate, convolution, layers } = network;
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: inputShapeOf(network) }));
  if (convolution) {
    model.add(tf.layers.conv2d({ filters: convolution.filters, kernelSize: convolution.size, activation: 'relu' }));
    model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
    model.add(tf.layers.flatten());
  }
  for (const { normalize, units, activation = 'softmax' } of layers) {
    if (normalize) model.add(tf.layers.batchNormalization());
    const kernelInitializer = activation === 'selu' ? 'leCunNormal' : 'glorotUniform';
    model.add(tf.layers.dense({ units, activation, kernelInitializer }));
  }
  model.compile({ optimizer: tf.train.sgd(learningRate), loss: 'sparseCategoricalCrossentropy' });
  return overBatches(tf, inputShapeOf(network), ({ x, labels }) => model.trainOnBatch(x, labels));
}

/**
 * The same from single operations and an optimizer: twice as fast where the first layer is dense, since the Keras-like
 * interface fuses it, and a fused product computes the gradient of its input too, here of the images.
 */
function operationsTrainer(tf, network) {
  const { learningRate, convolution, layers } = network;
  const variables = [];
  const variable = (initial) => {
    variables.push(tf.variable(initial));
    return variables.at(-1);
  };
  const random = (shape, inputs) => variable(tf.randomNormal(shape, 0, 1 / Math.sqrt(inputs)));

  const steps = [];
  let features = SIDE * SIDE;
  if (convolution) {
    const { filters, size } = convolution, side = (SIDE - size + 1) / 2;
    const kernel = random([size, size, 1, filters], size * size), bias = variable(tf.zeros([filters]));
    features = side * side * filters;
    steps.push((x) => tf.maxPool(tf.relu(tf.add(tf.conv2d(x, kernel, 1, 'valid'), bias)), 2, 2, 'valid'));
    steps.push((x) => tf.reshape(x, [BATCH, -1]));
  }
  for (const { normalize, units, activation } of layers) {
    if (normalize) steps.push(normalization(tf, features, variable));
    const kernel = random([features, units], features), bias = variable(tf.zeros([units]));
    steps.push((x) => tf.add(tf.matMul(x, kernel), bias));
    if (activation) steps.push(tf[activation]);
    features = units;
  }

  const optimizer = tf.train.sgd(learningRate);
  return overBatches(tf, inputShapeOf(network), async ({ x, labels }) => {
    const cost = tf.tidy(() => {
      const expected = tf.oneHot(tf.cast(labels, 'int32'), CLASSES);
      return optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(expected, steps.reduce((value, step) => step(value), x)), true, variables);
    });
    const [loss] = cost.dataSync();
    cost.dispose();
    return loss;
  });
}

/** BatchNormalization in training: by the batch's own mean and variance, which also move the running ones. */
function normalization(tf, features, variable) {
  const momentum = 0.99, epsilon = 1e-3;
  const gamma = variable(tf.ones([features])), beta = variable(tf.zeros([features]));
  const running = { mean: tf.variable(tf.zeros([features]), false), variance: tf.variable(tf.ones([features]), false) };
  return (x) => {
    const batch = tf.moments(x, 0);
    for (const [name, value] of Object.entries(running))
      value.assign(tf.add(tf.mul(value, momentum), tf.mul(batch[name], 1 - momentum)));
    const scale = tf.mul(gamma, tf.rsqrt(tf.add(batch.variance, epsilon)));
    return tf.add(tf.mul(tf.sub(x, batch.mean), scale), beta);
  };
}

// -------------------------------------------------------------------------------------------------------- prediction
/**
 * A function that predicts the network's sample and returns its output. Convolutions carry their bias and ReLU along, as
 * those of a converted model do.
 */
function predictor(tf, network) {
  const { shape, layers } = network;
  const sample = network.sample();
  const weights = new Map(layers.filter((layer) => layer.kernel).map((layer) => [layer.name, {
    kernel: layer.op === 'dense' ? tf.tensor(layer.kernel, [layer.features, layer.units])
      : tf.tensor(layer.kernel, [layer.size, layer.size, layer.channels, layer.filters]),
    bias: tf.tensor(layer.bias),
  }]));
  const compute = {
    convolution: ([x], { name, stride, pad, relu }) => tf.fused.conv2d({
      x, filter: weights.get(name).kernel, bias: weights.get(name).bias, strides: stride,
      pad: pad ? [[0, 0], [pad, pad], [pad, pad], [0, 0]] : 'valid', activation: relu ? 'relu' : 'linear',
    }),
    maxPooling: ([x], { size, stride, pad }) => tf.maxPool(x, size, stride, pad || 'valid'),
    addThenRelu: ([x, y]) => tf.relu(tf.add(x, y)),
    globalAverage: ([x]) => tf.mean(x, [1, 2]),
    flatten: ([x]) => tf.reshape(x, [1, -1]),
    dense: ([x], { name, activation }) =>
      tf[activation](tf.fused.matMul({ a: x, b: weights.get(name).kernel, bias: weights.get(name).bias })),
  };
  return async () => tf.tidy(() => {
    const values = { input: tf.tensor(sample, [1, ...shape]) };
    for (const layer of layers) values[layer.name] = compute[layer.op](layer.inputs.map((name) => values[name]), layer);
    return values[layers.at(-1).name].dataSync();
  });
}
