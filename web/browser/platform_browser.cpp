#include "platform_browser.hpp"

#include <emscripten.h>
#include <emscripten/threading.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

// clang-format off
// (JavaScript in single quotes: C++ warns of characters that are none)
#pragma clang diagnostic ignored "-Winvalid-pp-token"
EM_JS(char*, js_fragment, (), { return stringToNewUTF8(location.hash.replace(/^#/, '')); })
EM_JS(void, js_set_fragment, (const char* text, int push), {
  Module.neuronaAddress('#' + UTF8ToString(text), push !== 0);
})
EM_JS(char*, js_load, (const char* key), {
  try { return stringToNewUTF8(localStorage.getItem('neurona.' + UTF8ToString(key)) || ''); } catch (e) { return 0; }
})
EM_JS(void, js_store, (const char* key, const char* value), {
  try { localStorage.setItem('neurona.' + UTF8ToString(key), UTF8ToString(value)); } catch (e) { /* private window */ }
})
EM_JS(void, js_fetch, (int id, const char* path), { Module.neuronaFetch(id, UTF8ToString(path)); })
EM_JS(void, js_cancel, (int id), { Module.neuronaCancel(id); })
EM_JS(void, js_copy, (const char* text), { navigator.clipboard?.writeText(UTF8ToString(text)).catch(() => {}); })
EM_JS(int, js_media, (const char* query), { return matchMedia(UTF8ToString(query)).matches ? 1 : 0; })
EM_JS(char*, js_language, (), { return stringToNewUTF8((navigator.languages?.length ? navigator.languages : [navigator.language || 'en']).join(',')); })
EM_JS(void, js_emit, (const char* event, const char* json), { Module.neuronaEmit(UTF8ToString(event), UTF8ToString(json)); })
// clang-format on

namespace neurona::app {
namespace {

std::string take(char* text) {
  if (!text) return {};
  std::string out(text);
  std::free(text);
  return out;
}

/// Downloads by number; JavaScript reports with the number, which may be gone by then.
std::map<int, Fetch*>& downloads() {
  static std::map<int, Fetch*> list;
  return list;
}

struct BrowserFetch : Fetch {
  int id;
  explicit BrowserFetch(int number) : id(number) { downloads()[id] = this; }
  ~BrowserFetch() override {
    downloads().erase(id);
    if (status == Status::running) js_cancel(id);
  }
};

Fetch* running(int id) {
  const auto it = downloads().find(id);
  return it == downloads().end() ? nullptr : it->second;
}

}  // namespace

std::string BrowserPlatform::url_fragment() const { return take(js_fragment()); }
void BrowserPlatform::set_url_fragment(std::string_view fragment, bool push) {
  js_set_fragment(std::string(fragment).c_str(), push);
}
std::string BrowserPlatform::load(std::string_view key) const {
  return take(js_load(std::string(key).c_str()));
}
void BrowserPlatform::store(std::string_view key, std::string_view value) {
  js_store(std::string(key).c_str(), std::string(value).c_str());
}
std::shared_ptr<Fetch> BrowserPlatform::fetch(std::string_view path) {
  static int next = 1;
  auto out = std::make_shared<BrowserFetch>(next++);
  js_fetch(out->id, std::string(path).c_str());
  return out;
}
void BrowserPlatform::copy_to_clipboard(std::string_view text) { js_copy(std::string(text).c_str()); }
bool BrowserPlatform::reduced_motion() const { return js_media("(prefers-reduced-motion: reduce)") != 0; }
bool BrowserPlatform::prefers_dark() const { return js_media("(prefers-color-scheme: dark)") != 0; }
std::string BrowserPlatform::preferred_language() const { return take(js_language()); }
int BrowserPlatform::thread_count() const {
#ifdef __EMSCRIPTEN_PTHREADS__
  return std::clamp(emscripten_num_logical_cores(), 1, 8);  // as many as CMakeLists.txt has made ready
#else
  return 1;
#endif
}
double BrowserPlatform::now_seconds() const { return emscripten_get_now() / 1000; }
void BrowserPlatform::emit(std::string_view event, std::string_view json) {
  js_emit(std::string(event).c_str(), std::string(json).c_str());
}

}  // namespace neurona::app

extern "C" {

EMSCRIPTEN_KEEPALIVE void neurona_fetch_progress(int id, double received, double total) {
  if (neurona::app::Fetch* fetch = neurona::app::running(id))
    fetch->received_bytes = std::size_t(received), fetch->total_bytes = std::size_t(total);
}

/// Takes over nothing: the caller frees `bytes`.
EMSCRIPTEN_KEEPALIVE void neurona_fetch_done(int id, const void* bytes, int size) {
  neurona::app::Fetch* fetch = neurona::app::running(id);
  if (!fetch) return;
  fetch->bytes.resize(std::size_t(size));
  std::memcpy(fetch->bytes.data(), bytes, std::size_t(size));
  fetch->received_bytes = fetch->total_bytes = std::size_t(size);
  fetch->status = neurona::app::Fetch::Status::done;
}

EMSCRIPTEN_KEEPALIVE void neurona_fetch_failed(int id, const char* why, int not_found) {
  if (neurona::app::Fetch* fetch = neurona::app::running(id)) {
    fetch->error = why;
    fetch->not_found = not_found != 0;
    fetch->status = neurona::app::Fetch::Status::failed;
  }
}
}
