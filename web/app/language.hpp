#pragma once

#include <string>
#include <string_view>

namespace neurona::app {

enum class Language { es, en };

/// "es" or "en".
std::string_view code_of(Language language);
/// Reads "es", "en", "es-MX" ..., and as Spanish the languages whose speakers know it too ("ca", "gl", "eu" ...); anything
/// else gives `otherwise`.
Language language_from(std::string_view code, Language otherwise = Language::en);

/// The first that language_from() knows of a list such as "fr,ca-ES,en"; English when it knows none.
Language language_among(std::string_view list);

/// The text in capitals, with those of Spanish.
std::string in_capitals(std::string_view text);

/// Numbers as the language writes them: 57 000 (with U+202F, a narrow no-break space) and 0,31 in Spanish, 57,000 and
/// 0.31 in English. Spanish keeps four digits together (1875), English does not (1,875).
std::string format_integer(long long value, Language language);
/// Fixed decimals: format_number(0.3125, 2, es) = "0,31".
std::string format_number(double value, int decimals, Language language);
/// A count where there is no room for all its digits: 4,8 M; 168 k; 970.
std::string format_short(long long value, Language language);
/// As many decimals as `digits` significant digits need: 0,00031; 1,42; 1250. Exponents beyond 1e-5 and 1e7.
std::string format_significant(double value, int digits, Language language);
/// A share of one as per cent: 96,2 % (with the space of Spanish) or 96.2%.
std::string format_percent(double share, int decimals, Language language);
/// Bytes as kB or MB: 1,6 MB.
std::string format_bytes(double bytes, Language language);

}  // namespace neurona::app
