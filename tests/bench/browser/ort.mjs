// onnxruntime-web on its WebAssembly execution provider; its binary always uses SIMD.
import { graph } from './networks.mjs';
import { channelsFirst, onnxModel } from './onnx_model.mjs';

const FOLDER = new URL('node_modules/onnxruntime-web/dist/', import.meta.url);

export async function start(threads) {
  const ort = await import(`${FOLDER}ort.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = FOLDER.href;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  return {
    version: ort.env.versions.web,
    details: () => ({ threads: ort.env.wasm.numThreads, simd: true }),
    trainer: () => {
      throw new Error('onnxruntime-web does not train.');
    },
    predictor: (network) => predictor(ort, graph(network), threads),
  };
}

/** A function that predicts the network's sample and returns its output. */
async function predictor(ort, network, threads) {
  const session = await ort.InferenceSession.create(onnxModel(network), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  // It falls back to one thread where a page may not share memory.
  if (ort.env.wasm.numThreads !== threads)
    throw new Error(`onnxruntime-web runs ${ort.env.wasm.numThreads} threads instead of ${threads}.`);
  const [height, width, channels] = network.shape;
  const sample = channelsFirst(network.sample(), network.shape);
  return async () => {
    const { output } = await session.run({ input: new ort.Tensor('float32', sample, [1, channels, height, width]) });
    return output.data;
  };
}
