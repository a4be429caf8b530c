// Learning rates that change with the epoch, for LearningRateScheduler:
// LearningRateScheduler([](std::int64_t epoch, double) { return step_decay(0.1, epoch, 0.5, 10); }).
#pragma once

#include <cstdint>

namespace neurona {

/// Falls from `initial` to 0 along half a cosine over `epochs` (Loshchilov and Hutter 2017, without restarts).
double cosine_decay(double initial, std::int64_t epoch, std::int64_t epochs);

/// initial * factor^floor(epoch / every). Errors: ValueError for `every` below 1.
double step_decay(double initial, std::int64_t epoch, double factor, std::int64_t every);

/// initial * rate^(epoch / epochs): `rate` times as much every `epochs` epochs, without steps between (Keras'
/// ExponentialDecay). Errors: ValueError for `epochs` below 1.
double exponential_decay(double initial, std::int64_t epoch, double rate, std::int64_t epochs = 1);

}  // namespace neurona
