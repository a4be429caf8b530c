#include "interrupt.hpp"

#include <csignal>
#include <unistd.h>

#include "neurona/formats.hpp"

namespace neurona::cli {

namespace {

volatile std::sig_atomic_t received = 0, is_polite = 0;

// Calls only what a signal handler may.
void on_signal(int signal) {
  if (is_polite != 0 && received == 0) {
    received = signal;
    return;
  }
  remove_temporary_files();
  if (isatty(STDOUT_FILENO) != 0) static_cast<void>(!write(STDOUT_FILENO, "\n", 1));  // below the line that was being redrawn
  std::signal(signal, SIG_DFL);
  raise(signal);
}

}  // namespace

void handle_interrupts() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old{}, ours{};
    if (sigaction(signal, nullptr, &old) != 0 || old.sa_handler == SIG_IGN) continue;
    ours.sa_handler = on_signal;
    ours.sa_flags = SA_RESTART | SA_NODEFER;  // raised in the handler, it ends the program at once
    sigemptyset(&ours.sa_mask);
    sigaction(signal, &ours, nullptr);
  }
}

PoliteInterrupts::PoliteInterrupts() {
  is_polite = 1;
  std::signal(SIGPIPE, SIG_IGN);
}

PoliteInterrupts::~PoliteInterrupts() { is_polite = 0; }

int interrupted() { return received; }

std::string interrupt_name() {
  switch (received) {
    case SIGINT: return "Ctrl-C";
    case SIGTERM: return "SIGTERM";
    case SIGHUP: return "SIGHUP";
    default: return "";
  }
}

int interrupt_status() {
  constexpr int kSignalled = 128;
  return kSignalled + received;
}

}  // namespace neurona::cli
