#include "i18n.hpp"

#include <array>
#include <cstddef>

namespace neurona::app {
namespace {

struct Entry {
  std::string_view es, en;
};
constexpr Entry kTable[] = {
#define NEURONA_STRING(id, es, en) {es, en},
#include "i18n.def"
#undef NEURONA_STRING
};

}  // namespace

std::string_view tr(Msg message, Language language) {
  const Entry& entry = kTable[std::size_t(message)];
  return language == Language::es ? entry.es : entry.en;
}

}  // namespace neurona::app
