#include "neurona/config.hpp"

#include "neurona/error.hpp"

namespace neurona {

namespace {

template <class T>
const T& get(const std::map<std::string, ConfigValue>& values, const std::string& key, const char* expected) {
  const auto it = values.find(key);
  if (it == values.end()) throw FormatError("Config: '" + key + "' is missing; expected " + expected + ".");
  const T* value = std::get_if<T>(&it->second);
  if (value == nullptr) throw FormatError("Config: '" + key + "' is not " + expected + ".");
  return *value;
}

}  // namespace

bool Config::boolean(const std::string& key) const { return get<bool>(values_, key, "true or false"); }

std::int64_t Config::integer(const std::string& key) const { return get<std::int64_t>(values_, key, "a whole number"); }

double Config::number(const std::string& key) const {
  const auto it = values_.find(key);
  if (it != values_.end())
    if (const auto* whole = std::get_if<std::int64_t>(&it->second)) return static_cast<double>(*whole);
  return get<double>(values_, key, "a number");
}

std::string Config::text(const std::string& key) const { return get<std::string>(values_, key, "a word"); }

std::vector<std::int64_t> Config::integers(const std::string& key) const {
  return get<std::vector<std::int64_t>>(values_, key, "a list of whole numbers");
}

}  // namespace neurona
