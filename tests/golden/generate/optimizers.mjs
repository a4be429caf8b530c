// RMSprop, Adam and AdamW over seven steps: TensorFlow.js' optimizers, or, where they differ from Keras', Keras' in float64.
import {Fixture, drawPoints, make, tf, train} from './common.mjs';

// RMSprop. TensorFlow.js has Keras' rule (epsilon under the root):
//   a = rho*a + (1-rho)*g^2;  v = momentum*v + lr*g/sqrt(a + epsilon);  w -= v
// but not the centered one, where it subtracts epsilon under the root. That one is computed here, in float64:
//   m = rho*m + (1-rho)*g;  ... sqrt(a - m^2 + epsilon)
class CenteredRMSprop extends tf.Optimizer {
  states = new Map();
  constructor({learning_rate, rho, momentum, epsilon}) {
    super();
    Object.assign(this, {learning_rate, rho, momentum, epsilon});
  }
  applyGradients(gradients) {
    const {learning_rate, rho, momentum, epsilon} = this;
    for (const {name, tensor} of gradients) {
      const variable = tf.engine().registeredVariables[name], w = Float64Array.from(variable.dataSync()), g = tensor.dataSync();
      if (!this.states.has(name)) this.states.set(name, {a: new Float64Array(g.length), m: new Float64Array(g.length), v: new Float64Array(g.length)});
      const {a, m, v} = this.states.get(name);
      for (let i = 0; i < g.length; ++i) {
        a[i] = rho * a[i] + (1 - rho) * g[i] * g[i];
        m[i] = rho * m[i] + (1 - rho) * g[i];
        v[i] = momentum * v[i] + (learning_rate * g[i]) / Math.sqrt(a[i] - m[i] * m[i] + epsilon);
        w[i] -= v[i];
      }
      variable.assign(tf.tensor(Float32Array.from(w), variable.shape));
    }
  }
}

// Adam. Keras: w -= lr * sqrt(1-beta_2^t)/(1-beta_1^t) * m/(sqrt(v) + epsilon). TensorFlow.js adds its epsilon to sqrt(v/(1-beta_2^t)),
// as the paper's first formula: at step t that is Keras' epsilon times sqrt(1-beta_2^t). It also has 1-beta_2^t in float32, whose
// rounding shows in small weights (4.8e-4 after seven steps). So the steps are computed in float64, and each must agree with TensorFlow.js', given
// the epsilon that makes both the same. AdamW takes lr*weight_decay*w off each weight before the step.
const kAdamAgreement = 1e-3;  // of the learning rate, which is about the largest step

class KerasAdam extends tf.AdamOptimizer {
  step = 0;
  states = new Map();
  constructor({learning_rate, beta_1, beta_2, epsilon, weight_decay = 0}) {
    super(learning_rate, beta_1, beta_2, epsilon);
    Object.assign(this, {kerasEpsilon: epsilon, decay: 1 - learning_rate * weight_decay});
  }
  applyGradients(gradients) {
    const t = ++this.step, {beta1, beta2, learningRate, kerasEpsilon} = this;
    const rate = (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
    const after = new Map();
    for (const {name, tensor} of gradients) {
      const variable = tf.engine().registeredVariables[name], g = tensor.dataSync();
      const w = Float64Array.from(variable.dataSync(), (value) => value * this.decay);
      variable.assign(tf.tensor(Float32Array.from(w), variable.shape));
      if (!this.states.has(name)) this.states.set(name, {m: new Float64Array(g.length), v: new Float64Array(g.length)});
      const {m, v} = this.states.get(name);
      for (let i = 0; i < g.length; ++i) {
        m[i] += (g[i] - m[i]) * (1 - beta1);
        v[i] += (g[i] * g[i] - v[i]) * (1 - beta2);
        w[i] -= (rate * m[i]) / (Math.sqrt(v[i]) + kerasEpsilon);
      }
      after.set(name, w);
    }
    this.epsilon = kerasEpsilon / Math.sqrt(1 - beta2 ** t);
    super.applyGradients(gradients);
    for (const [name, w] of after) {
      const variable = tf.engine().registeredVariables[name];
      variable.dataSync().forEach((value, i) => {
        if (!(Math.abs(value - w[i]) < kAdamAgreement * learningRate)) throw new Error(`step ${t}: ${value}, in float64 ${w[i]}`);
      });
      variable.assign(tf.tensor(Float32Array.from(w), variable.shape));
    }
  }
}

export async function optimizers(folder) {
  const fixture = new Fixture();
  let seed = 4000;
  const rmsprop = {learning_rate: 1 / 64, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false};
  const adam = {learning_rate: 1 / 64, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7};
  // An epsilon that counts shows where it stands.
  const cases = {
    'rmsprop': {type: 'rmsprop', ...rmsprop},
    'rmsprop-epsilon': {type: 'rmsprop', ...rmsprop, rho: 0.75, epsilon: 0.001},
    'rmsprop-momentum': {type: 'rmsprop', ...rmsprop, momentum: 0.75, epsilon: 0.0001},
    'rmsprop-centered': {type: 'rmsprop', ...rmsprop, momentum: 0.5, epsilon: 0.0001, centered: true},
    'adam': {type: 'adam', ...adam},
    'adam-epsilon': {type: 'adam', ...adam, beta_1: 0.75, beta_2: 0.875, epsilon: 0.01},
    'adamw': {type: 'adamw', ...adam, weight_decay: 0.004},
    'adamw-decay': {type: 'adamw', ...adam, weight_decay: 0.5}
  };
  for (const [name, options] of Object.entries(cases))
    for (const loss of ['mean_squared_error', 'sparse_categorical_crossentropy']) {
      const {type, learning_rate, rho, momentum, epsilon, centered} = options;
      const problem = make(++seed, {
        name: `${name}-${loss === 'mean_squared_error' ? 'mse' : 'crossentropy'}`, input_shape: [7], samples: 101, optimizer: options, loss,
        layers: [{units: 6, activation: 'tanh'}, loss === 'mean_squared_error' ? {units: 3, activation: 'linear'} : {units: 4, activation: 'softmax'}]
      });
      const optimizer = type !== 'rmsprop' ? new KerasAdam(options)
                        : centered         ? new CenteredRMSprop(options)
                                           : new tf.RMSPropOptimizer(learning_rate, rho, momentum, epsilon);
      await train(fixture, problem, drawPoints(problem), {optimizer});
    }
  fixture.write(folder, 'optimizers.safetensors');
}
