// neurona: train, judge and use the course's networks in a terminal.
#include <cstdio>
#include <exception>
#include <new>

#include "common.hpp"
#include "interrupt.hpp"
#include "neurona/error.hpp"

using namespace neurona::cli;

int main(int argc, char** argv) {
  remember_command_line(argc, argv);
  handle_interrupts();
  CLI::App app("neurona: train, judge and use the networks of the course", "neurona");
  app.set_version_flag("--version", "neurona " NEURONA_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  add_data_command(app);
  add_train_command(app);
  add_evaluate_command(app);
  add_predict_command(app);
  add_summary_command(app);
  add_bench_command(app);
  try {
    // CLI11 would only say that a command is missing.
    if (argc > 1 && argv[1][0] != '-' &&
        app.get_subcommands([&](const CLI::App* command) { return command->get_name() == argv[1]; }).empty())
      throw CLI::ParseError("there is no command '" + std::string(argv[1]) + "'", kUsage);
    app.parse(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return kSuccess;
    std::fprintf(stderr, "neurona: the output could not be written; is the disk full?\n");
    return kFailure;
  } catch (const CLI::RuntimeError& e) {
    return e.get_exit_code();  // a command has said what failed
  } catch (const CLI::Success& e) {
    return app.exit(e);  // --help
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "neurona: %s\nRun 'neurona --help' or 'neurona COMMAND --help'.\n", e.what());
    return kUsage;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "neurona: not enough memory.\n");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "neurona: %s\n", e.what());
  }
  return kFailure;
}
