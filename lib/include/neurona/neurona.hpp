// Everything a program that uses the library needs.
#pragma once

#include "neurona/applications.hpp"
#include "neurona/backend.hpp"
#include "neurona/callback.hpp"
#include "neurona/data/imagenet.hpp"
#include "neurona/data/mnist.hpp"
#include "neurona/dataset.hpp"
#include "neurona/error.hpp"
#include "neurona/formats.hpp"
#include "neurona/image.hpp"
#include "neurona/layers.hpp"
#include "neurona/loss.hpp"
#include "neurona/metric.hpp"
#include "neurona/model.hpp"
#include "neurona/optimizer.hpp"
#include "neurona/regularizer.hpp"
#include "neurona/train.hpp"
