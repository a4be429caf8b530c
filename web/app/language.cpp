#include "language.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace neurona::app {

std::string_view code_of(Language language) { return language == Language::es ? "es" : "en"; }

Language language_from(std::string_view code, Language otherwise) {
  std::string head(code.substr(0, code.find_first_of("-_.")));
  for (char& c : head)
    if (c >= 'A' && c <= 'Z') c = char(c | 32);
  // As in language.js: those of Spain, and the large ones of America beside Spanish.
  static constexpr std::string_view kSpanish[]{"es", "ca", "gl", "eu", "ast", "an", "ext", "qu", "gn", "ay"};
  if (std::find(std::begin(kSpanish), std::end(kSpanish), head) != std::end(kSpanish)) return Language::es;
  return head == "en" ? Language::en : otherwise;
}

Language language_among(std::string_view list) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view code = list.substr(0, end);
    // Known is what does not depend on the answer for the unknown.
    if (const Language language = language_from(code, Language::en);
        language == language_from(code, Language::es))
      return language;
    list.remove_prefix(std::min(list.size(), end + 1));
  }
  return Language::en;
}

namespace {

std::string group(std::string digits, Language language) {
  // Spanish orthography groups from five digits on; English from four.
  const std::size_t least = language == Language::es ? 5 : 4;
  if (digits.size() < least) return digits;
  const std::string_view separator = language == Language::es ? "\u202f" : ",";
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, separator);
  return digits;
}

std::string localize(std::string text, Language language) {
  std::string sign;
  if (!text.empty() && text[0] == '-') sign = "−", text.erase(0, 1);
  const std::size_t point = text.find('.');
  std::string whole = text.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  if (whole.find_first_not_of("0123456789") != std::string::npos) return sign + text;  // inf, nan
  std::string out = sign + group(whole, language);
  if (!fraction.empty()) out += (language == Language::es ? "," : ".") + fraction;
  return out;
}

}  // namespace

std::string in_capitals(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= 'a' && out[i] <= 'z') out[i] = char(out[i] - 32);
    // U+00E0 to U+00FE (á é í ó ú ñ ü ...) are two bytes; the capital's second one is 0x20 less.
    if (out[i] == '\xc3' && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) >= 0xa0) {
      ++i;
      out[i] = char(out[i] - 0x20);
    }
  }
  return out;
}

std::string format_integer(long long value, Language language) {
  return localize(std::to_string(value), language);
}

std::string format_number(double value, int decimals, Language language) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  // "-0.00" is zero
  if (buffer[0] == '-' && std::atof(buffer) == 0) return localize(buffer + 1, language);
  return localize(buffer, language);
}

std::string format_significant(double value, int digits, Language language) {
  if (value == 0 || std::isnan(value) || std::isinf(value)) return format_number(value, 0, language);
  const double magnitude = std::floor(std::log10(std::fabs(value)));
  if (magnitude < -5 || magnitude > 7) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.*e", digits - 1, value);
    std::string text = buffer;
    const std::size_t e = text.find('e');
    return localize(text.substr(0, e), language) + "e" + std::to_string(std::atoi(text.c_str() + e + 1));
  }
  const int decimals = std::max(0, digits - 1 - int(magnitude));
  std::string text = format_number(value, decimals, language);
  if (decimals > 0) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == ',' || text.back() == '.') text.pop_back();
  }
  return text;
}

std::string format_percent(double share, int decimals, Language language) {
  // U+00A0 keeps number and sign together
  return format_number(share * 100, decimals, language) + (language == Language::es ? "\u00a0%" : "%");
}

std::string format_short(long long value, Language language) {
  if (value < 10000) return format_integer(value, language);
  if (value < 1000000) return format_number(double(value) / 1e3, 0, language) + "\u00a0k";
  return format_number(double(value) / 1e6, 1, language) + "\u00a0M";
}

std::string format_bytes(double bytes, Language language) {
  if (bytes < 1e6) return format_number(bytes / 1e3, 0, language) + "\u00a0kB";
  return format_number(bytes / 1e6, 1, language) + "\u00a0MB";
}

}  // namespace neurona::app
