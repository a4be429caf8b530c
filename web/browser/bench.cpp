// What bench.html measures; runs in a worker.
#include "bench.hpp"

#include <emscripten.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "neurona/backend.hpp"

// clang-format off
EM_JS(void, js_say, (const char* line), { Module["neuronaSay"](UTF8ToString(line)); })
// clang-format on

using neurona::bench::Json;

/// settings: {"part", "networks", "repetitions", "least_ms", "threads"} as JSON -> the part's JSON, or {"error": text}; the caller
/// frees it.
extern "C" EMSCRIPTEN_KEEPALIVE char* neurona_bench(const char* settings) {
  Json answer;
  try {
    const Json wanted = Json::parse(settings);
    neurona::bench::Settings s;
    s.networks = wanted.value("networks", s.networks);
    s.repetitions = wanted.value("repetitions", s.repetitions);
    s.least_ms = wanted.value("least_ms", s.least_ms);
    s.say = [](const std::string& line) { js_say(line.c_str()); };
    neurona::set_num_threads(wanted.value("threads", 1));
    const std::string part = wanted.at("part").get<std::string>();
    if (part == "machine") answer = neurona::bench::machine(s);
    for (const neurona::bench::Part& each : neurona::bench::parts())
      if (part == each.name) answer = each.measure(s);
    if (answer.is_null()) answer = {{"error", "There is no part '" + part + "'."}};
  } catch (const std::exception& error) {
    answer = {{"error", error.what()}};
  }
  return strdup(answer.dump().c_str());
}
