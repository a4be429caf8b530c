// Writes a graph of networks.mjs as an ONNX model: protocol buffers by hand, for the few messages of onnx.proto3 that
// are needed. Channels come first in ONNX (NCHW), so kernels are rearranged here, not at every prediction.

const IR_VERSION = 8, OPSET = 13, FLOAT = 1;
const ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7;

// ------------------------------------------------------------------------------------------------- protocol buffers
// A message is a list of byte arrays, joined only at the end: ResNet-50's weights are 100 MB.

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Uint8Array.from([...bytes, value]);
}

const sizeOf = (parts) => parts.reduce((size, part) => size + part.length, 0);
const integer = (field, value) => [varint(field * 8), varint(value)];
const message = (field, ...parts) => {
  const flat = parts.flat();
  return [varint(field * 8 + 2), varint(sizeOf(flat)), ...flat];
};
const text = (field, value) => message(field, [new TextEncoder().encode(value)]);

function joined(parts) {
  const bytes = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// ------------------------------------------------------------------------------------------------------ ONNX messages
function attribute(name, value) {
  const content = Array.isArray(value)
    ? [...value.flatMap((each) => integer(8, each)), ...integer(20, ATTRIBUTE_INTS)]
    : [...integer(3, value), ...integer(20, ATTRIBUTE_INT)];
  return message(5, text(1, name), content);
}

function node(type, inputs, output, attributes = {}) {
  return message(1, inputs.flatMap((name) => text(1, name)), text(2, output), text(4, type),
    Object.entries(attributes).flatMap(([name, value]) => attribute(name, value)));
}

function initializer(name, shape, values) {
  return message(5, shape.flatMap((length) => integer(1, length)), integer(2, FLOAT), text(8, name),
    message(9, [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]));
}

function valueInfo(field, name, shape) {
  const dimensions = shape.flatMap((length) => message(1, integer(1, length)));
  return message(field, text(1, name), message(2, message(1, integer(1, FLOAT), message(2, dimensions))));
}

// ------------------------------------------------------------------------------------------------- NHWC becomes NCHW
/** x (H,W,C) -> (C,H,W) */
export function channelsFirst(values, [height, width, channels]) {
  const result = new Float32Array(values.length), pixels = height * width;
  for (let i = 0; i < pixels; ++i)
    for (let c = 0; c < channels; ++c) result[c * pixels + i] = values[i * channels + c];
  return result;
}

/** kernel (KH,KW,C,F) -> (F,C,KH,KW) */
function convolutionKernel({ kernel, size, channels, filters }) {
  const result = new Float32Array(kernel.length), taps = size * size;
  for (let tap = 0; tap < taps; ++tap)
    for (let c = 0; c < channels; ++c)
      for (let f = 0; f < filters; ++f)
        result[(f * channels + c) * taps + tap] = kernel[(tap * channels + c) * filters + f];
  return result;
}

/** The kernel (H*W*C,F) of a dense layer behind a flattened (H,W,C), for a flattened (C,H,W). */
function kernelBehindFlatten(kernel, units, [height, width, channels]) {
  const result = new Float32Array(kernel.length), pixels = height * width;
  for (let i = 0; i < pixels; ++i)
    for (let c = 0; c < channels; ++c)
      result.set(kernel.subarray((i * channels + c) * units, (i * channels + c + 1) * units), (c * pixels + i) * units);
  return result;
}

// ---------------------------------------------------------------------------------------------------------- the model
const SPELLING = { sigmoid: 'Sigmoid', selu: 'Selu', softmax: 'Softmax' };

function written(layer, output, flattened) {
  const { op, name, inputs, size, stride, pad } = layer;
  const window = { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] };
  const weights = [`${name}_kernel`, `${name}_bias`];
  switch (op) {
    case 'convolution': {
      const { channels, filters, bias, relu } = layer;
      const result = relu ? `${name}_linear` : output;
      return [
        initializer(weights[0], [filters, channels, size, size], convolutionKernel(layer)),
        initializer(weights[1], [filters], bias),
        node('Conv', [...inputs, ...weights], result, window),
        relu ? node('Relu', [result], output) : [],
      ].flat();
    }
    case 'maxPooling':
      return node('MaxPool', inputs, output, window);
    case 'addThenRelu':
      return [...node('Add', inputs, `${name}_sum`), ...node('Relu', [`${name}_sum`], output)];
    case 'globalAverage':
      return [...node('GlobalAveragePool', inputs, `${name}_pixel`), ...node('Flatten', [`${name}_pixel`], output, { axis: 1 })];
    case 'flatten':
      return node('Flatten', inputs, output, { axis: 1 });
    case 'dense': {
      const { kernel, bias, features, units, activation } = layer;
      return [
        initializer(weights[0], [features, units], flattened ? kernelBehindFlatten(kernel, units, flattened) : kernel),
        initializer(weights[1], [units], bias),
        node('Gemm', [...inputs, ...weights], `${name}_linear`),
        node(SPELLING[activation], [`${name}_linear`], output),
      ].flat();
    }
    default:
      throw new Error(`The layer '${op}' has no counterpart in ONNX here.`);
  }
}

/** The bytes of the model; it reads `input` (1, C, H, W) and gives `output`. */
export function onnxModel({ shape: [height, width, channels], layers }) {
  const last = layers.at(-1), flattened = {};
  for (const { op, name, from } of layers) if (op === 'flatten') flattened[name] = from;
  const parts = layers.flatMap((layer) => written(layer, layer === last ? 'output' : layer.name, flattened[layer.inputs[0]]));
  const graph = message(7, parts, text(2, 'network'), valueInfo(11, 'input', [1, channels, height, width]),
    valueInfo(12, 'output', [1, ...last.shape]));
  return joined([...integer(1, IR_VERSION), ...message(8, text(1, ''), integer(2, OPSET)), ...graph]);
}
