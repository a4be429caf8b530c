#include "formats/file_kind.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "core/letter_case.hpp"

namespace neurona::detail {

namespace {

using namespace std::string_view_literals;

struct Beginning {
  std::size_t at;
  std::string_view bytes;
  const char* kind;
};

constexpr Beginning kBeginnings[] = {
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (Keras' .h5)"},
    {0, "\x89PNG"sv, "a PNG image"},
    {0, "\xff\xd8\xff"sv, "a JPEG image"},
    {0, "GIF8"sv, "a GIF image"},
    {0, "BM"sv, "a BMP image"},
    {8, "WEBP"sv, "a WebP image"},
    {0, "II*\0"sv, "a TIFF image"},
    {0, "MM\0*"sv, "a TIFF image"},
    {0, "%PDF"sv, "a PDF document"},
    {0, "\x1f\x8b"sv, "a gzip-compressed file"},
    {0, "BZh"sv, "a bzip2-compressed file"},
    {0, "\xfd"
        "7zXZ"sv,
     "an xz-compressed file"},
    {0, "7z\xbc\xaf"sv, "a 7-Zip archive"},
    {0, "Rar!"sv, "a RAR archive"},
    {257, "ustar"sv, "a tar archive"},
    {4, "TFL3"sv, "a TensorFlow Lite model"},
    {0, "\x93NUMPY"sv, "a NumPy array (.npy)"},
    {0, "\0\0\x08\x01"sv, "an IDX file of labels, as MNIST's"},
    {0, "\0\0\x08\x03"sv, "an IDX file of images, as MNIST's"},
    {0, "GGUF"sv, "a GGUF model"},
    {0, "version https://git-lfs"sv, "a pointer of Git LFS: the file itself was not fetched (git lfs pull)"},
    {0, "\x7f"
        "ELF"sv,
     "a program (ELF)"},
};

bool begins_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(), [](char w, char t) {
           return w == lower(t);
         });
}

// The files of a ZIP archive stand behind their headers: the name of the first is at byte 30.
std::string kind_of_zip(std::string_view zip) {
  const auto holds = [&](std::string_view name) { return zip.find(name) != std::string_view::npos; };
  if (holds("config.json") || holds("metadata.json") || holds("model.weights.h5")) return "a model of Keras 3 (.keras)";
  if (holds("/data.pkl") || holds("/version") || holds("/byteorder")) return "a PyTorch file (.pt)";
  if (holds(".npy")) return "NumPy arrays (.npz)";
  return "a ZIP archive";
}

}  // namespace

std::string file_kind(std::span<const std::byte> first_bytes) {
  std::string_view text(reinterpret_cast<const char*>(first_bytes.data()), first_bytes.size());
  if (text.empty()) return "an empty file";
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return kind_of_zip(text);
  for (const Beginning& known : kBeginnings)
    if (text.size() >= known.at && text.substr(known.at).starts_with(known.bytes)) return known.kind;
  if (text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) return "a Python pickle (PyTorch's older .pt, .pkl)";
  if (text[0] == '\x08' && text.size() > 2 && text[2] == '\x12') return "an ONNX model";
  if (text[0] == '\x08' && text.substr(0, 64).find("onnx") != std::string_view::npos) return "an ONNX model";
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // UTF-8's mark
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])) != 0) text.remove_prefix(1);
  for (const std::string_view word : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv, "<?xml"sv, "<!--"sv, "<script"sv})
    if (begins_with_word(text, word)) return word == "<?xml" ? "an XML document, perhaps a server's error" : "a web page (HTML)";
  if (text.starts_with("{") || text.starts_with("[")) return "a JSON text";
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t'; }))
    return "a text";
  return "";
}

}  // namespace neurona::detail
