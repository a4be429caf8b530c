// TensorFlow.js on its WebAssembly backend.
import { BATCH, SIDE, TRAINED, batches, graph, unknown } from './networks.mjs';

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

export async function start(threads) {
  for (const name of ['core', 'layers', 'backend-wasm']) await load(`${PACKAGES}/tfjs-${name}/dist/tf-${name}.min.js`);
  const tf = globalThis.tf;
  tf.wasm.setWasmPaths(`${PACKAGES}/tfjs-backend-wasm/dist/`);
  tf.wasm.setThreadsCount(threads);
  if (!(await tf.setBackend('wasm'))) throw new Error('The wasm backend of TensorFlow.js did not start.');
  await tf.ready();
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return {
    version: tf.version_wasm,
    details: () => ({ threads: tf.wasm.getThreadsCount(), simd }),
    trainer: (network) => trainer(tf, network),
    predictor: (network) => predictor(tf, graph(network)),
  };
}

// ---------------------------------------------------------------------------------------------------------- training
/** A function that makes one step of plain SGD and returns the loss of its batch. */
function trainer(tf, network) {
  const { learningRate, convolution, layers } = TRAINED[network] ?? unknown(network, TRAINED);
  const inputShape = convolution ? [SIDE, SIDE, 1] : [SIDE * SIDE];
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape }));
  if (convolution) {
    model.add(tf.layers.conv2d({ filters: convolution.filters, kernelSize: convolution.size, activation: 'relu' }));
    model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
    model.add(tf.layers.flatten());
  }
  for (const { normalise, units, activation = 'softmax' } of layers) {
    if (normalise) model.add(tf.layers.batchNormalization());
    model.add(tf.layers.dense({ units, activation, kernelInitializer: activation === 'selu' ? 'leCunNormal' : 'glorotUniform' }));
  }
  model.compile({ optimizer: tf.train.sgd(learningRate), loss: 'sparseCategoricalCrossentropy' });

  const data = batches(16);
  let next = 0;
  return async () => {
    const { images, labels } = data[next++ % data.length];
    const x = tf.tensor(images, [BATCH, ...inputShape]), y = tf.tensor(labels, [BATCH, 1]);
    try {
      return await model.trainOnBatch(x, y);
    } finally {
      tf.dispose([x, y]);
    }
  };
}

// -------------------------------------------------------------------------------------------------------- prediction
const ACTIVATION = { sigmoid: 'sigmoid', selu: 'selu', softmax: 'softmax' };

/** A function that predicts the network's sample and returns its output. Convolutions carry bias and ReLU, as in a converted model. */
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
      tf[ACTIVATION[activation]](tf.fused.matMul({ a: x, b: weights.get(name).kernel, bias: weights.get(name).bias })),
  };
  return async () => tf.tidy(() => {
    const values = { input: tf.tensor(sample, [1, ...shape]) };
    for (const layer of layers) values[layer.name] = compute[layer.op](layer.inputs.map((name) => values[name]), layer);
    return values[layers.at(-1).name].dataSync();
  });
}
