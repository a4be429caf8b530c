// How fast oneDNN, driven by hand, trains and predicts what Neurona's benchmarks do.
//
//   g++ -O3 -march=native -std=c++20 onednn_peer.cpp -ldnnl
//
// Prints one JSON line about itself, then answers each line `TASK NETWORK THREADS` of standard input with a
// JSON line:
//
//   train mlp|mlp-improved|cnn THREADS      seconds of one step of SGD on a batch of 32 images, gathered from bytes
//   predict mlp|cnn|resnet50 THREADS        seconds of one forward pass of a single image
//   check-train NETWORK FILE                losses of five steps from the parameters and images in FILE
//   check-predict NETWORK FILE              probabilities (check_peers.py writes the files and compares)
//
// Primitives, their memory and argument lists are created once. Biases, activations and residual sums are
// post-ops, batch normalization is folded away for prediction, and what oneDNN has no good primitive for (the
// derivative of SELU, the SGD update) is a loop that the compiler vectorizes. The first request of a kind
// tries every style, and that kind keeps the fastest. What they took on two cores of a Xeon with AVX-512 in a
// virtual machine, in microseconds with one thread / two threads, each the least of two to four rounds (the
// machine's speed varied, at times by half; training on one batch that stayed the same, which now is gathered):
//
//                          train mlp  mlp-improved        cnn        predict mlp       cnn
//   blocked kernels       104 / 126    405 / 415    10500 / 5800      5.2 / 5.4    465 / 484
//   kernels (O,I)          96 /  78    321 / 297     7900 / 4400      4.9 / 7.5    371 / 217
//   kernels (I,O)          86 /  96    332 / 307     8700 / 5300      5.3 / 8.8    377 / 208
//
//                                  predict resnet50
//   images as oneDNN likes          56300 / 30200 (it likes NHWC)
//   images NHWC                     56500 / 30500
//   images nChw16c, Winograd        50600 / 25300
//
// With AVX-512 there is but the reference convolution for NHWC images of one channel (over a second for a step of
// the cnn), with AVX2 for the others: styles so slow are dropped after their second run.
//
// Tried and left out: batch normalization described as (N,C) (8 times slower than as pixels); dnnl::sum for the
// update (3 times slower than the loop where the kernel fits the cache, a quarter slower elsewhere, as fast
// there with two threads); matmul with a sum post-op in place of sgemm (8 to 50% slower); nChw16c without
// Winograd (as fast as NHWC). A third of the cnn's step is max-pooling, which oneDNN computes far below the
// memory's speed.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "onednn_predictor.hpp"
#include "onednn_trainer.hpp"

namespace peer {

namespace {

// The median of repetitions that fill the budget. Short runs share a repetition, or it would measure the
// clock.
double median_seconds(const std::function<void()>& run, double budget_s = 0.3) {
  const auto repetition = [&](std::int64_t count) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < count; ++i) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::int64_t count = 1;
  for (int i = 0; i < 3; ++i) run();
  while (repetition(count) < 0.01) count *= 2;
  std::vector<double> times;
  for (double total = 0; total < budget_s || times.size() < 3; total += times.back())
    times.push_back(repetition(count));
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2] / static_cast<double>(count);
}

// libgomp is here because oneDNN brings it; asking the linker for it would take another switch.
void set_threads(int threads) {
  static const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (!set) throw std::runtime_error("this oneDNN does not run on OpenMP");
  set(threads);
}

const std::vector<Style>& styles_of(const std::string& task, const std::string& network) {
  const bool is_small = network == "mlp" || network == "cnn";
  if (task == "train" && network == "cnn") return kConvolutionStyles;
  if ((task == "train" && (is_small || network == "mlp-improved")) || (task == "predict" && is_small))
    return kDenseStyles;
  if (task == "predict" && network == "resnet50") return kResNetStyles;
  throw std::runtime_error("'" + task + " " + network + "' is not supported");
}

template <class Network>
std::function<void()> make_run(const std::string& name, const Style& style, Source& source) {
  const auto network = std::make_shared<Network>(name, style, source);
  return [network] { network->step(); };
}

// The styles of one kind of request that this processor can do, and the fastest of them.
class Contest {
 public:
  Contest(const std::string& task, const std::string& network) {
    std::string refusals;
    for (const Style& style : styles_of(task, network)) {
      Source source;
      try {
        entries_.push_back({style.label, task == "train" ? make_run<Trainer>(network, style, source)
                                                         : make_run<Predictor>(network, style, source)});
      } catch (const dnnl::error& error) {  // no primitive for it, Winograd's without AVX-512 for one
        refusals += " " + style.label + ": " + error.what() + ".";
      }
    }
    if (entries_.empty()) throw std::runtime_error("oneDNN can none of the styles." + refusals);
    drop_hopeless();
    for (int round = 0; round < 3; ++round)  // in rounds, lest a neighbor on the machine decide
      for (Entry& entry : entries_) entry.seconds = std::min(entry.seconds, median_seconds(entry.run, 0.03));
    fastest_ = *std::ranges::min_element(entries_, {}, &Entry::seconds);
    for (Entry& entry : entries_) entry.run = nullptr;
  }

  std::string answer() const {
    std::ostringstream text;
    text.precision(9);
    text << "\"seconds\": " << median_seconds(fastest_.run) << ", \"variant\": \"" << fastest_.label
         << "\", \"variants\": {";
    for (const Entry& entry : entries_)
      text << (&entry == &entries_.front() ? "\"" : ", \"") << entry.label << "\": " << entry.seconds;
    text << "}";
    return text.str();
  }

 private:
  struct Entry {
    std::string label;
    std::function<void()> run;
    double seconds = INFINITY;
  };

  // Where oneDNN has but its reference primitives, which are a hundred times slower.
  void drop_hopeless() {
    for (Entry& entry : entries_) {
      entry.run();
      const auto start = std::chrono::steady_clock::now();
      entry.run();
      entry.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    const double least = std::ranges::min_element(entries_, {}, &Entry::seconds)->seconds;
    std::erase_if(entries_, [&](const Entry& entry) { return entry.seconds > 10 * least; });
  }

  std::vector<Entry> entries_;
  Entry fastest_;
};

std::string in_brackets(const std::vector<double>& values) {
  std::ostringstream text;
  text.precision(9);
  for (const double value : values) text << (text.tellp() > 0 ? ", " : "[") << value;
  return text.str() + "]";
}

// What every style makes of the parameters and images in a file: the losses of five steps, or the
// probabilities.
std::string check(const std::string& task, const std::string& network, const std::string& path) {
  std::string entries;
  for (const Style& style : styles_of(task, network)) {
    std::vector<double> results;
    try {
      Source source(path);
      if (task == "train") {
        Trainer trainer(network, style, source);
        for (int i = 0; i < 5; ++i) {
          trainer.step();
          results.push_back(trainer.loss());
        }
      } else {
        Predictor predictor(network, style, source);
        predictor.step();
        const memory& p = predictor.probabilities();
        results.assign(data(p), data(p) + size(p));
      }
    } catch (const dnnl::error&) {  // this processor has no primitive for the style
      continue;
    }
    entries += (entries.empty() ? "\"" : ", \"") + style.label + "\": " + in_brackets(results);
  }
  if (entries.empty()) throw std::runtime_error("oneDNN can none of the styles");
  return "\"results\": {" + entries + "}";
}

std::string answer(const std::string& line, std::map<std::string, Contest>& contests) {
  std::istringstream words(line);
  std::string task, network, last;
  if (!(words >> task >> network >> last)) throw std::runtime_error("expected TASK NETWORK THREADS");
  const std::string head = "{\"task\": \"" + task + "\", \"network\": \"" + network + "\", ";
  if (task.starts_with("check-")) return head + check(task.substr(6), network, last) + "}";
  const int threads = std::atoi(last.c_str());
  if (threads < 1) throw std::runtime_error("'" + last + "' is no number of threads");
  set_threads(threads);  // primitives are made for a number of threads, so each has its own networks
  const auto contest = contests.try_emplace(line, task, network).first;
  return head + "\"threads\": " + std::to_string(threads) + ", " + contest->second.answer() + "}";
}

}  // namespace

}  // namespace peer

int main(int, char** argv) {
  // Two OpenMP threads that land on one core wait for each other by spinning: milliseconds for each parallel
  // region. libgomp reads the variable before main does, hence the second start.
  if (!std::getenv("OMP_PROC_BIND")) {
    setenv("OMP_PROC_BIND", "true", 1);
    execv("/proc/self/exe", argv);
  }
  const dnnl_version_t* v = dnnl_version();
  std::ostringstream version;
  version << v->major << '.' << v->minor << '.' << v->patch;
  std::cout << "{\"name\": \"oneDNN " << version.str() << "\", \"version\": \"" << version.str() << "\"}"
            << std::endl;
  std::map<std::string, peer::Contest> contests;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << peer::answer(line, contests) << std::endl;
    } catch (const std::exception& error) {
      std::cout << "{\"error\": \"" << error.what() << "\"}" << std::endl;
    }
  }
}
