// The networks as every library is given them: one description and one set of weights, so that their outputs can be
// compared. They follow lib/src/applications/; for prediction BatchNormalization is folded into its neighbors, as an
// exporter does, which leaves convolutions and dense layers with biases.

/** What is trained: layers behind a flat image of 28 x 28. */
export const TRAINED = {
  mlp: { learningRate: 0.1, layers: [{ units: 100, activation: 'sigmoid' }, { units: 10 }] },
  'mlp-improved': { learningRate: 0.05, layers: normalizedHead() },
  cnn: { learningRate: 0.05, convolution: { filters: 64, size: 3 }, layers: normalizedHead() },
};

export const BATCH = 32;
export const CLASSES = 10;
export const SIDE = 28;

function normalizedHead() {
  return [
    { normalize: true, units: 200, activation: 'selu' },
    { normalize: true, units: 100, activation: 'selu' },
    { normalize: true, units: 10 },
  ];
}

// ------------------------------------------------------------------------------------------------ random numbers
/** Uniform numbers of xorshift32, the same in every page: ResNet-50 needs 25 million, so it has to be quick. */
export class Random {
  constructor(seed) {
    this.state = seed;
  }

  /** In [0, 1). */
  next() {
    let s = this.state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.state = s;
    return (s >>> 0) / 4294967296;
  }

  integer(below) {
    return Math.floor(this.next() * below);
  }

  /** `count` numbers of mean 0 and this standard deviation. */
  array(count, deviation) {
    const values = new Float32Array(count), reach = Math.sqrt(3) * deviation;
    for (let i = 0; i < count; ++i) values[i] = reach * (2 * this.next() - 1);
    return values;
  }
}

/**
 * Batches that can be learned: each class has a picture of its own, half hidden by noise. As many as keep the pixels from
 * lying in the first-level cache, as those of a real data set would not.
 */
export function batches(count, seed = 7) {
  const random = new Random(seed), pixels = SIDE * SIDE;
  const pictures = Array.from({ length: CLASSES }, () => Float32Array.from({ length: pixels }, () => random.next()));
  return Array.from({ length: count }, () => {
    const images = new Float32Array(BATCH * pixels), labels = new Float32Array(BATCH);
    for (let n = 0; n < BATCH; ++n) {
      labels[n] = random.integer(CLASSES);
      const picture = pictures[labels[n]];
      for (let i = 0; i < pixels; ++i) images[n * pixels + i] = 0.5 * (picture[i] + random.next());
    }
    return { images, labels };
  });
}

// --------------------------------------------------------------------------------------------- graphs for prediction
/**
 * A graph is its input's shape (H, W, C) and layers in the order of computing. A layer reads `inputs`, the names of
 * earlier layers or 'input'. Kernels are HWIO and IO, as Keras has them.
 */
class Graph {
  constructor(shape, seed) {
    this.shape = shape;
    this.layers = [];
    this.random = new Random(seed);
    this.shapes = { input: shape };
  }

  add(op, inputs, shape, rest) {
    const name = `v${this.layers.length}`;
    this.layers.push({ name, op, inputs, shape, ...rest });
    this.shapes[name] = shape;
    return name;
  }

  /** gain: by how much the deviation differs from He's. */
  convolution(x, filters, size, { stride = 1, pad = 0, relu = true, gain = 1 } = {}) {
    const [height, width, channels] = this.shapes[x];
    const kernel = this.random.array(size * size * channels * filters, gain * Math.sqrt(2 / (size * size * channels)));
    const bias = this.random.array(filters, 0.05);
    const shape = [...[height, width].map((length) => outputs(length, size, stride, pad)), filters];
    return this.add('convolution', [x], shape, { size, stride, pad, relu, channels, filters, kernel, bias });
  }

  maxPooling(x, size, stride, pad = 0) {
    const [height, width, channels] = this.shapes[x];
    const shape = [...[height, width].map((length) => outputs(length, size, stride, pad)), channels];
    return this.add('maxPooling', [x], shape, { size, stride, pad });
  }

  addThenRelu(x, y) {
    return this.add('addThenRelu', [x, y], this.shapes[x]);
  }

  globalAverage(x) {
    return this.add('globalAverage', [x], [this.shapes[x][2]]);
  }

  flatten(x) {
    return this.add('flatten', [x], [this.shapes[x].reduce((a, b) => a * b)], { from: this.shapes[x] });
  }

  dense(x, units, activation, gain = 1) {
    const [features] = this.shapes[x];
    const kernel = this.random.array(features * units, gain / Math.sqrt(features));
    return this.add('dense', [x], [units], { features, units, activation, kernel, bias: this.random.array(units, 0.05) });
  }

  /** What the network is asked about, NHWC. */
  sample() {
    return this.random.array(this.shape.reduce((a, b) => a * b), 1);
  }
}

const outputs = (length, size, stride, pad) => Math.floor((length + 2 * pad - size) / stride) + 1;

function mlp(graph) {
  const x = graph.dense(graph.flatten('input'), 100, 'sigmoid');
  graph.dense(x, 10, 'softmax', 3);
}

function cnn(graph) {
  let x = graph.maxPooling(graph.convolution('input', 64, 3), 2, 2);
  x = graph.dense(graph.flatten(x), 200, 'selu');
  graph.dense(graph.dense(x, 100, 'selu'), 10, 'softmax');
}

// Keras' ResNet-50 v1: the stride sits on a block's first convolution and on its shortcut.
function resnet50(graph) {
  let x = graph.convolution('input', 64, 7, { stride: 2, pad: 3 });
  x = graph.maxPooling(x, 3, 2, 1);  // Keras pads with zeros; behind a ReLU they are what no maximum notices
  for (const [filters, blocks, first] of [[64, 3, 1], [128, 4, 2], [256, 6, 2], [512, 3, 2]]) {
    for (let i = 0; i < blocks; ++i) {
      const stride = i === 0 ? first : 1;
      const shortcut = i === 0 ? graph.convolution(x, 4 * filters, 1, { stride, relu: false, gain: 0.7 }) : x;
      x = graph.convolution(x, filters, 1, { stride });
      x = graph.convolution(x, filters, 3, { pad: 1 });
      // Without normalization each block would double the variance: the residual is kept small instead.
      x = graph.addThenRelu(shortcut, graph.convolution(x, 4 * filters, 1, { relu: false, gain: 0.3 }));
    }
  }
  graph.dense(graph.globalAverage(x), 1000, 'softmax', 3);
}

const PREDICTED = { mlp: [mlp, [SIDE, SIDE, 1]], cnn: [cnn, [SIDE, SIDE, 1]], resnet50: [resnet50, [224, 224, 3]] };

/** The network with its weights; the same each time. */
export function graph(network) {
  const [describe, shape] = PREDICTED[network] ?? unknown(network, PREDICTED);
  const result = new Graph(shape, 20240501);
  describe(result);
  return result;
}

export function unknown(name, known) {
  throw new Error(`'${name}' is not known here. Known: ${Object.keys(known).join(', ')}.`);
}
