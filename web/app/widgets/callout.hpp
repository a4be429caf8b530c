#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "../layout.hpp"

namespace neurona::app {

enum class CalloutKind { check, passed, note, warning };

/// A tinted box with a mark and rich text: the check of a step, a plain word about data, an error.
/// Returns the height used; with draw = false it only measures.
float callout(Ui& ui, ImVec2 position, float width, std::string_view rich, CalloutKind kind,
              bool draw = true);
/// The same as a part of a stage.
Block callout_block(Ui& ui, std::string rich, CalloutKind kind);

}  // namespace neurona::app
