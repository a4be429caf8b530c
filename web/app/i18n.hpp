#pragma once

#include <string_view>

#include "language.hpp"

namespace neurona::app {

/// The interface's own words, complete in both languages by construction (i18n.def).
enum class Msg {
#define NEURONA_STRING(id, es, en) id,
#include "i18n.def"
#undef NEURONA_STRING
};

std::string_view tr(Msg message, Language language);

}  // namespace neurona::app
