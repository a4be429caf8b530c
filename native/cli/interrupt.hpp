// Ctrl-C and its kind: a training ends well, everything else ends at once, and nothing half-written stays.
#pragma once

#include <string>

namespace neurona::cli {

/// Handles SIGINT, SIGTERM and SIGHUP from now on, but for those that the program was started to ignore (nohup). A signal removes what
/// was begun to be written and ends the program, unless a PoliteInterrupts is alive: then the first one is only remembered, and the
/// second ends the program.
void handle_interrupts();

/// While it lives, the first signal is remembered for interrupted(); an output that nobody reads any more ("| head") ends nothing.
class PoliteInterrupts {
 public:
  PoliteInterrupts();
  ~PoliteInterrupts();
  PoliteInterrupts(const PoliteInterrupts&) = delete;
  PoliteInterrupts& operator=(const PoliteInterrupts&) = delete;
};

/// The signal that came; 0: none.
int interrupted();
/// "Ctrl-C", "SIGTERM", "SIGHUP".
std::string interrupt_name();
/// What a shell expects of a program that a signal ended: 130 for Ctrl-C.
int interrupt_status();

}  // namespace neurona::cli
