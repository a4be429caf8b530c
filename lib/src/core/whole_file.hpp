// Files that are written whole or not at all, and locks among processes.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace neurona::detail {

/// Where a chain of symbolic links ends, also when nothing is there yet. Errors: IoError for links that lead in a circle.
std::filesystem::path behind_links(const std::filesystem::path& path);

/// A new file beside `target` with a name that no other process uses ("NAME.part-1234-1"). It is removed unless it was put in place, and
/// by remove_temporary_files().
class TemporaryFile {
 public:
  /// Errors: IoError.
  explicit TemporaryFile(const std::filesystem::path& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Errors: IoError, such as for a full disk.
  void write(std::span<const std::byte> bytes);
  /// Takes the target's place at once, on the disk too; a file that was there gives its permissions. Errors: IoError.
  void put_in_place();

 private:
  std::filesystem::path target_, path_;
  std::FILE* file_ = nullptr;
  int slot_ = -1;  // in the list of files to remove
};

/// A lock that one process (and in it one owner) has at a time: a file that goes away with it, and by remove_temporary_files(). It ends with
/// its process, however that ends.
class FileLock {
 public:
  enum class State { held, taken, unavailable };
  explicit FileLock(std::filesystem::path path) : path_(std::move(path)) {}
  ~FileLock() { release(); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// Does not wait. `unavailable`: this file system has no locks, or the file cannot be made.
  State try_to_take();
  void release();
  /// The process that has it, as it wrote into the file; 0 when that is not known.
  long owner() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1, slot_ = -1;
};

}  // namespace neurona::detail
