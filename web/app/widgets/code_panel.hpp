#pragma once

#include <string_view>

#include "../ui.hpp"

namespace neurona::app {

enum class CodeTab { keras, cpp };

/// Tabs Keras | C++ over highlighted code; long lines wrap with a hanging indent. The tab for which there is
/// no code is not shown. Returns the height used; with draw = false it only measures.
/// @param tab  which one is open; changed by the learner
float code_panel(Ui& ui, ImVec2 position, float width, std::string_view keras, std::string_view cpp,
                 CodeTab& tab, bool draw = true);

}  // namespace neurona::app
