// A layer's options as plain data, for files and for printing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace neurona {

/// One option: true/false, whole number, number, word, or a list of whole numbers.
using ConfigValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;

/// Options by their Keras names. Errors of the readers: FormatError naming the key and the type expected.
class Config {
 public:
  void set(std::string key, ConfigValue value) { values_[std::move(key)] = std::move(value); }
  bool has(const std::string& key) const { return values_.contains(key); }
  bool boolean(const std::string& key) const;
  std::int64_t integer(const std::string& key) const;
  double number(const std::string& key) const;
  std::string text(const std::string& key) const;
  std::vector<std::int64_t> integers(const std::string& key) const;
  const std::map<std::string, ConfigValue>& values() const { return values_; }

 private:
  std::map<std::string, ConfigValue> values_;
};

}  // namespace neurona
