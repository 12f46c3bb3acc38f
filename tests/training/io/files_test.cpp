// What the operating system may answer to a call, besides doing it.
#include "sigtape/training/io/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/checkpoint.h"
#include "training/io/faulty_file_system.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

/// Answers each call with an error for the first `times` times.
class Stubborn : public FileSystem {
 public:
  int times = 1;
  int error = EINTR;

  int open(const char* path, int flags, unsigned mode) override {
    return answers() ? -1 : FileSystem::open(path, flags, mode);
  }
  long write(int descriptor, const void* from, std::size_t bytes) override {
    return answers() ? -1 : FileSystem::write(descriptor, from, bytes);
  }
  long read(int descriptor, void* to, std::size_t bytes) override {
    return answers() ? -1 : FileSystem::read(descriptor, to, bytes);
  }
  int sync(int descriptor) override {
    return answers() ? -1 : FileSystem::sync(descriptor);
  }
  int close(int descriptor) override {
    const int result = FileSystem::close(descriptor);
    return answers() ? -1 : result;
  }
  int rename(const char* from, const char* to) override {
    return answers() ? -1 : FileSystem::rename(from, to);
  }

 private:
  bool answers() {
    errno = error;
    return times-- > 0;
  }
};

TEST(Files, RepeatsInterruptedCalls) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a", moved = folder.path() / "b";
  Stubborn system;
  const auto again = [&] { system.times = 1; };
  again();
  OpenFile file(system, path, O_RDWR | O_CREAT);
  again();
  file.write(as_bytes("words"));
  again();
  file.sync();
  again();
  file.close();  // is not to be called again
  again();
  rename_path(system, path, moved);
  OpenFile back(system, moved, O_RDONLY);
  std::vector<std::byte> bytes(9);
  again();
  EXPECT_EQ(back.read(bytes), 5u);
  EXPECT_EQ(as_text(std::span(bytes).first(5)), "words");
}

template <class Call>
void expect_refusal(const Call& call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "no error: " << part;
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << error.what();
  }
}

TEST(Files, NamesPathAndCallThatFails) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  Stubborn system;
  system.times = 0;
  OpenFile file(system, path, O_RDWR | O_CREAT);
  system.error = EIO;
  std::vector<std::byte> bytes(4);
  system.times = 1;
  expect_refusal([&] { file.read(bytes); }, path.string() + ": read failed");
  system.times = 1;
  expect_refusal([&] { file.write(bytes); }, "write failed");
  system.times = 1;
  expect_refusal([&] { file.sync(); }, "fsync failed");
  system.error = EINVAL;  // no excuse for a file
  system.times = 1;
  expect_refusal([&] { file.sync(); }, "fsync failed");
  system.times = 1;
  expect_refusal([&] { file.close(); }, "close failed");
}

// Some file systems of networks know no fsync of a folder.
TEST(Files, AFolderThatCannotBeSyncedCountsAsSynced) {
  const TemporaryFolder folder;
  Stubborn system;
  system.times = 0;
  OpenFile open(system, folder.path(), O_RDONLY | O_DIRECTORY);
  system.error = EINVAL;
  system.times = 1;
  open.sync();
  system.error = EIO;
  system.times = 1;
  expect_refusal([&] { open.sync(); }, "fsync failed");
}

TEST(Files, MakesFoldersBesideOthersThatDo) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  EXPECT_TRUE(make_directories(system, "").empty());
  EXPECT_EQ(make_directories(system, folder.path() / "x" / "y" / "").size(),
            2u);
  write_file(system, folder.path() / "file", as_bytes("1"));
  expect_refusal([&] { make_directories(system, folder.path() / "file"); },
                 "mkdir failed");

  // Another process is first.
  class Late : public FileSystem {
   public:
    int make_directory(const char* path, unsigned mode) override {
      FileSystem::make_directory(path, mode);
      errno = EEXIST;
      return -1;
    }
  } late;
  EXPECT_TRUE(make_directories(late, folder.path() / "late").empty());
  EXPECT_TRUE(std::filesystem::is_directory(folder.path() / "late"));
}

TEST(Files, RemovesWhatIsThereAndMindsNothingThatIsNot) {
  const TemporaryFolder folder;
  remove_tree(posix_file_system(), folder.path() / "none");
  for (const int failing : {0, 1}) {  // unlink, rmdir
    const auto tree = folder.path() / "tree";
    std::filesystem::create_directories(tree);
    write_file(posix_file_system(), tree / "file", as_bytes("1"));
    FaultyFileSystem system;
    system.failing = failing;
    EXPECT_FALSE(try_remove_tree(system, tree));
    FaultyFileSystem gone;  // another process has removed it
    gone.failing = 1;
    gone.error = ENOENT;
    EXPECT_TRUE(try_remove_tree(gone, tree));
    remove_tree(posix_file_system(), tree);
  }
  expect_refusal([&] { list_directory(folder.path() / "none"); },
                 "reading the folder failed");
  EXPECT_EQ(parent_folder("name"), ".");
}

void save(FileSystem& system, const std::filesystem::path& path,
          const std::string& state) {
  save_checkpoint(system, path,
                  std::vector<CheckpointPart>{{"state.json", as_bytes(state)}});
}

std::string found(const std::filesystem::path& path) {
  const auto search = find_checkpoint(posix_file_system(), path);
  return search.checkpoint
             ? std::string(as_text(search.checkpoint->files.at("state.json")))
             : "none";
}

// Kernels and file systems say in three ways that they cannot exchange.
TEST(Files, ACheckpointNeedsNoExchange) {
  class NoExchange : public FileSystem {
   public:
    int error = 0;
    int exchange(const char*, const char*) override {
      errno = error;
      return -1;
    }
  } system;
  for (const int error : {EINVAL, ENOSYS, ENOTSUP}) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "last";
    system.error = error;
    save(system, path, "first");
    save(system, path, "second");
    EXPECT_EQ(found(path), "second");
    EXPECT_EQ(list_directory(folder.path()).size(), 1u);
  }
  system.error = EACCES;
  const TemporaryFolder folder;
  const auto path = folder.path() / "last";
  save(system, path, "first");
  expect_refusal([&] { save(system, path, "second"); }, "renameat2 failed");
  EXPECT_NE(found(path), "none");
}

// An interrupted save that was complete keeps its name until the next is done.
TEST(Files, ACheckpointTakesANameThatNothingHas) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "last";
  save(posix_file_system(), folder.path() / "last.tmp-2", "old");
  save(posix_file_system(), path, "new");
  EXPECT_EQ(found(path), "new");
  EXPECT_EQ(list_directory(folder.path()).size(), 1u);
}

TEST(Files, NoFolderHoldsNoCheckpoint) {
  const TemporaryFolder folder;
  EXPECT_EQ(found(folder.path() / "no" / "last"), "none");
}

}  // namespace
}  // namespace sigtape
