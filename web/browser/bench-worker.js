// Measures away from the page, which stays alive. Messages in: {part, networks, repetitions, least_ms, threads, relaxed};
// out: {line} while it measures, then {result} or {error}.
import { relaxed as canRelax, variant } from './variant.js';

const programs = new Map();

async function program(name) {
  if (!programs.has(name)) {
    const { default: createBench } = await import(`./${name}.js`);
    programs.set(name, await createBench({ neuronaSay: (line) => postMessage({ line }) }));
  }
  return programs.get(name);
}

onmessage = async ({ data: { relaxed = canRelax, ...settings } }) => {
  try {
    const bench = await program(`neurona-bench${variant(settings.threads > 1, relaxed)}`);
    const text = bench.stringToNewUTF8(JSON.stringify(settings));
    const answer = bench._neurona_bench(text);
    const result = JSON.parse(bench.UTF8ToString(answer));
    for (const pointer of [text, answer]) bench._free(pointer);
    postMessage(result.error ? { error: result.error } : { result });
  } catch (error) {
    postMessage({ error: String(error?.message ?? error) });
  }
};
