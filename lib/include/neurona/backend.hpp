// Which code computes: chosen once, or per model.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace neurona {

class Backend;

/// "cpu" (fast, float32) or "reference" (plain loops, float32 and float64: the truth that "cpu" is compared with).
/// Models on several threads may share one. Errors: BackendError that lists the names known in this build.
std::shared_ptr<Backend> make_backend(std::string_view name);
std::vector<std::string> backend_names();
/// "cpu (AVX-512, 2 threads)", for reports.
std::string describe(const Backend& backend);

/// Threads that the cpu backend may use; at first the number of cores (1 in a page without threads). The results do
/// not depend on it. With OpenMP (the GNU runtime) start programs under OMP_WAIT_POLICY=passive on machines that have other
/// work too: its threads spin while they wait. Errors: ValueError below 1.
void set_num_threads(int threads);
int num_threads();
/// Starts the threads now, not at the first operation that is shared among them. Where the system refuses some (a limit on processes
/// or memory), fewer are used from then on: num_threads() tells how many.
void start_threads();
/// What to tell the user of threads that were refused; empty when none were, and after it was told once.
std::string take_thread_warning();

}  // namespace neurona
