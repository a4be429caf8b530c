#include <doctest/doctest.h>

#include <string>

#include "backend/cpu/kernels.hpp"

using namespace neurona;

// They are linked beside the library's own, whose place they take: if they did not, the other tests would say nothing new.
TEST_CASE("This program computes with the relaxed kernels") {
  REQUIRE(cpu::runnable_kernels().size() == 1);
  CHECK(std::string(cpu::runnable_kernels().front()->name) == "128-bit, relaxed");
}
