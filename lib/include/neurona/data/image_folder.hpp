// Other data in MNIST's formats: Fashion-MNIST, KMNIST, EMNIST, Kaggle's copies.
#pragma once

#include <filesystem>
#include <functional>

#include "neurona/data/mnist.hpp"

namespace neurona::data {

/// Reads labeled gray images from a folder, MNIST itself or other data in its formats:
/// - the four files under MNIST's names, plain or .gz, each perhaps in a folder of its own name (Kaggle);
/// - the same with something before "train-" and "test-" or "t10k-" ("emnist-digits-train-images-idx3-ubyte"). Where a folder has several
///   such sets, `folder` ends in the one that is meant: "data/emnist-letters". EMNIST's images, which lie on their side, are set upright;
/// - CSV: one file with "train" in its name and one with "test", each line a label and the pixels. Without labels in the second (Kaggle's
///   "digit-recognizer") the last seventh of the first serves as test images.
/// Labels are counted: `class_names` has an entry for each label that occurs in the training images, in order, and the labels of the
/// result are places in it. The names are those of "classes.txt" or "labels.txt" (a line each), of an EMNIST "...mapping.txt", or the labels
/// themselves. `notes` say what was found. Errors: IoError for a folder without such files, or with more than one set; FormatError, by the
/// file's own name, for what is damaged or no such file.
Mnist read_image_folder(const std::filesystem::path& folder, const std::function<void(const Progress&)>& on_progress = {});

}  // namespace neurona::data
