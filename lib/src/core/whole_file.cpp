#include "core/whole_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "neurona/error.hpp"
#include "neurona/formats.hpp"

namespace neurona {

namespace {

// What a signal handler may read: names that never move, in slots that are taken and given back.
constexpr std::size_t kMostFiles = 16, kLongestName = 4096;
constexpr std::string_view kPart = ".part-";  // behind a file's name: the process and a count follow

struct Slot {
  std::atomic<bool> is_taken{false}, is_in_use{false};
  char name[kLongestName] = {};
};

std::array<Slot, kMostFiles>& slots() {
  static std::array<Slot, kMostFiles> all;
  return all;
}

// -1 where there is no room: such a file is removed by its owner alone.
int remember(const std::string& name) {
  if (name.size() >= kLongestName) return -1;
  for (std::size_t i = 0; i < kMostFiles; ++i) {
    Slot& slot = slots()[i];
    if (slot.is_taken.exchange(true)) continue;
    std::memcpy(slot.name, name.c_str(), name.size() + 1);
    slot.is_in_use = true;
    return static_cast<int>(i);
  }
  return -1;
}

void forget(int slot) {
  if (slot < 0) return;
  slots()[static_cast<std::size_t>(slot)].is_in_use = false;
  slots()[static_cast<std::size_t>(slot)].is_taken = false;
}

IoError failed(const std::string& what, const std::filesystem::path& path) {
  const int why = errno;
  return IoError(what + " '" + path.string() + "': " + std::strerror(why) + "." +
                 (why == ENOSPC || why == EDQUOT ? " Make room on the disk and try again." : ""));
}

}  // namespace

void remove_temporary_files() noexcept {
  for (Slot& slot : slots())
    if (slot.is_in_use) ::unlink(slot.name);
}

namespace {

// The process of "NAME.part-1234-1"; 0 for other names.
long owner_in(std::string_view file, const std::string& name) {
  const std::string begin = name + std::string(kPart);
  if (!file.starts_with(begin)) return 0;
  const std::string_view rest = file.substr(begin.size());
  long process = 0;
  const auto [dash, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), process);
  const std::string_view count(dash, static_cast<std::size_t>(rest.data() + rest.size() - dash));
  const bool is_ours = problem == std::errc() && count.size() > 1 && count[0] == '-' &&
                       count.find_first_not_of("0123456789", 1) == std::string_view::npos;
  return is_ours ? process : 0;
}

}  // namespace

void remove_leftovers(const std::filesystem::path& path) noexcept try {
  const std::filesystem::path target = detail::behind_links(path);
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const long process = owner_in(entry.path().filename().string(), target.filename().string());
    if (process > 0 && entry.is_regular_file(error) && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH)
      std::filesystem::remove(entry.path(), error);
  }
} catch (...) {  // what cannot be tidied up stays
}

namespace detail {

std::filesystem::path behind_links(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  std::filesystem::path target = path;
  std::error_code error;
  for (int i = 0; std::filesystem::is_symlink(target, error); ++i) {
    if (i == kMostLinks) throw IoError("Cannot write '" + path.string() + "': its symbolic links lead in a circle.");
    target = target.parent_path() / std::filesystem::read_symlink(target, error);  // an absolute one replaces the whole
  }
  return target;
}

TemporaryFile::TemporaryFile(const std::filesystem::path& target) : target_(target) {
  static std::atomic<unsigned> count{0};
  for (;;) {
    path_ = target.string() + std::string(kPart) + std::to_string(::getpid()) + "-" + std::to_string(++count);
    slot_ = remember(std::filesystem::absolute(path_).string());
    const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      file_ = ::fdopen(descriptor, "wb");
      return;
    }
    forget(slot_);
    slot_ = -1;
    if (errno != EEXIST) throw failed("Cannot write", path_);
  }
}

TemporaryFile::~TemporaryFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (slot_ >= 0 || !path_.empty()) {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  forget(slot_);
}

void TemporaryFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
    throw failed("Cannot write all " + std::to_string(bytes.size()) + " bytes of", path_);
}

void TemporaryFile::put_in_place() {
  struct ::stat old{};
  const bool replaces = ::stat(target_.c_str(), &old) == 0;
  const int descriptor = ::fileno(file_);
  if (std::fflush(file_) != 0) throw failed("Cannot write", path_);
  if (replaces) static_cast<void>(::fchmod(descriptor, old.st_mode & 07777));  // where it may not be kept, the file is still good
  // Not every file system can (EINVAL, ENOSYS); a disk that fails says EIO or ENOSPC.
  if (::fsync(descriptor) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) throw failed("Cannot write", path_);
  if (std::fclose(std::exchange(file_, nullptr)) != 0) throw failed("Cannot write", path_);
  std::error_code error;
  std::filesystem::rename(path_, target_, error);
  if (error) throw IoError("Cannot rename '" + path_.string() + "' to '" + target_.string() + "': " + error.message() + ".");
  path_.clear();
  forget(std::exchange(slot_, -1));
}

FileLock::State FileLock::try_to_take() {
  if (descriptor_ >= 0) return State::held;
  for (;;) {
    const int descriptor = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) return State::unavailable;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const bool is_taken = errno == EWOULDBLOCK || errno == EINTR;
      ::close(descriptor);
      return is_taken ? State::taken : State::unavailable;
    }
    // Its last owner may have removed the file after it was opened here: then nobody else sees this lock.
    struct ::stat is{}, named{};
    if (::fstat(descriptor, &is) != 0 || ::stat(path_.c_str(), &named) != 0 || is.st_ino != named.st_ino || is.st_dev != named.st_dev) {
      ::close(descriptor);
      continue;
    }
    const std::string owner = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor, 0) == 0) static_cast<void>(!::write(descriptor, owner.data(), owner.size()));
    descriptor_ = descriptor;
    slot_ = remember(std::filesystem::absolute(path_).string());
    return State::held;
  }
}

void FileLock::release() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  forget(std::exchange(slot_, -1));
  ::close(std::exchange(descriptor_, -1));
}

long FileLock::owner() const {
  char text[32] = {};
  const int descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  const auto length = ::read(descriptor, text, sizeof text - 1);
  ::close(descriptor);
  return length > 0 ? std::atol(text) : 0;
}

}  // namespace detail

}  // namespace neurona
