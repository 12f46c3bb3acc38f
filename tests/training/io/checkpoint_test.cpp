#include "sigtape/training/io/checkpoint.h"

#include <gtest/gtest.h>

#include <random>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/files.h"
#include "sigtape/training/io/manifest.h"
#include "training/io/faulty_file_system.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

/// A small checkpoint whose three files all follow from one number.
struct Sample {
  std::string model, optimizer, state;
  explicit Sample(int number)
      : model(200, static_cast<char>('a' + number % 26)),
        optimizer(300, static_cast<char>('A' + number % 26)),
        state("step " + std::to_string(number)) {}
  std::vector<CheckpointPart> parts() const {
    return {{"model.safetensors", as_bytes(model)},
            {"optimizer.safetensors", as_bytes(optimizer)},
            {"state.json", as_bytes(state)}};
  }
};

/// The number of the sample in `checkpoint`, every file of it compared.
int number_of(const Checkpoint& checkpoint) {
  const std::string state(as_text(checkpoint.files.at("state.json")));
  const int number = std::stoi(state.substr(5));
  const Sample expected(number);
  EXPECT_EQ(as_text(checkpoint.files.at("model.safetensors")), expected.model);
  EXPECT_EQ(as_text(checkpoint.files.at("optimizer.safetensors")),
            expected.optimizer);
  EXPECT_EQ(checkpoint.files.size(), 3u);
  return number;
}

/// Writes without waiting for the disk: these tests write thousands of files.
class FastFileSystem : public FileSystem {
 public:
  int sync(int) override { return 0; }
};

/// A checkpoint of files of about 20 kB, as small models have.
std::vector<CheckpointPart> large_parts(const std::string& model) {
  return {{"model.safetensors", as_bytes(model)},
          {"optimizer.safetensors", as_bytes(model)},
          {"state.json", as_bytes("{}")}};
}

int found_number(const std::filesystem::path& path) {
  const auto search = find_checkpoint(posix_file_system(), path);
  return search.checkpoint ? number_of(*search.checkpoint) : 0;
}

TEST(Checkpoint, SavesReplacesAndFinds) {
  for (const bool can_exchange : {true, false}) {
    const TemporaryFolder folder;
    FaultyFileSystem system;
    system.can_exchange = can_exchange;
    EXPECT_FALSE(find_checkpoint(system, folder / "last").checkpoint);
    for (int number = 1; number <= 3; ++number) {
      EXPECT_EQ(
          save_checkpoint(system, folder / "last", Sample(number).parts()),
          static_cast<std::uint64_t>(number));
      EXPECT_EQ(found_number(folder / "last"), number);
      EXPECT_EQ(list_directory(folder.path()),
                std::vector<std::string>{"last"});
    }
    EXPECT_EQ(
        list_directory(folder / "last"),
        (std::vector<std::string>{"manifest.json", "model.safetensors",
                                  "optimizer.safetensors", "state.json"}));
    system.lose_power();
    EXPECT_EQ(found_number(folder / "last"), 3);
    EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"last"});
  }
}

/// Saves sample 2 over sample 1 with one failing call; true if it got through.
bool save_with_fault(int failing, bool crash, bool can_exchange, bool first) {
  const TemporaryFolder folder;
  const auto path = folder / "last";
  if (!first) save_checkpoint(posix_file_system(), path, Sample(1).parts());
  FaultyFileSystem faulty;
  faulty.failing = failing;
  faulty.crash = crash;
  faulty.can_exchange = can_exchange;
  bool thrown = false;
  try {
    save_checkpoint(faulty, path, Sample(2).parts());
  } catch (const FileError& error) {
    thrown = true;
    EXPECT_NE(std::string(error.what()).find(folder.path().string()),
              std::string::npos);
  }
  if (crash) faulty.lose_power();
  const int found = found_number(path);
  if (!thrown) {
    EXPECT_EQ(found, 2) << failing;
  }
  if (!first) {
    EXPECT_TRUE(found == 1 || found == 2) << failing;
  }
  if (!crash && !first) {
    EXPECT_TRUE(std::filesystem::exists(path / "state.json"));
  }
  // Whatever was left, the next save succeeds, is found, and tidies up.
  save_checkpoint(posix_file_system(), path, Sample(3).parts());
  EXPECT_EQ(found_number(path), 3) << failing;
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"last"});
  return failing >= faulty.calls;
}

TEST(Checkpoint, EveryFailingCallLeavesTheOldOrTheNew) {
  for (const bool crash : {false, true})
    for (const bool can_exchange : {false, true})
      for (const bool first : {false, true}) {
        int failing = 0;
        while (!save_with_fault(failing, crash, can_exchange, first)) ++failing;
        EXPECT_GT(failing, 20);
      }
}

/// In place: a file system may wait for the disk where one is emptied.
void flip(const std::filesystem::path& file, std::size_t place, int bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(place));
  const int byte = stream.get();
  stream.seekp(static_cast<std::streamoff>(place));
  stream.put(static_cast<char>(byte ^ bit));
}

TEST(Checkpoint, FindsEveryFlippedBit) {
  const TemporaryFolder folder;
  FastFileSystem system;
  const auto path = folder / "last";
  save_checkpoint(system, path, Sample(1).parts());
  std::mt19937 random(5);
  for (int trial = 0; trial < 10000; ++trial) {
    const auto names = list_directory(path);
    const auto file = path / names[random() % names.size()];
    const std::size_t place = random() % std::filesystem::file_size(file);
    const auto bit = 1 << random() % 8;
    flip(file, place, bit);
    EXPECT_THROW(find_checkpoint(system, path), DataError)
        << file << " byte " << place;
    flip(file, place, bit);
  }
  EXPECT_EQ(found_number(path), 1);
}

TEST(Checkpoint, FindsFilesTornAtEverySector) {
  const TemporaryFolder folder;
  FastFileSystem system;
  const auto path = folder / "last";
  const std::string model(20000, 'm');
  save_checkpoint(system, path, large_parts(model));
  for (const std::string& name : list_directory(path)) {
    const auto whole = read_file(system, path / name, 1 << 20);
    for (std::size_t size = 0; size < whole.size(); size += 512) {
      // Cut off there, and with zeros where the rest was not yet written.
      auto torn = whole;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(size), torn.end(),
                std::byte{0});
      write_file(system, path / name, torn);
      EXPECT_THROW(find_checkpoint(system, path), DataError) << name << size;
      torn.resize(size);
      write_file(system, path / name, torn);
      EXPECT_THROW(find_checkpoint(system, path), DataError) << name << size;
    }
    write_file(system, path / name, whole);
  }
  EXPECT_TRUE(find_checkpoint(system, path).checkpoint);
}

/// A disk with room for so many bytes.
class FullDisk : public FastFileSystem {
 public:
  explicit FullDisk(std::size_t room) : room_(room) {}
  long write(int descriptor, const void* from, std::size_t bytes) override {
    const std::size_t part = std::min(bytes, room_);
    if (part == 0) {
      errno = ENOSPC;
      return -1;
    }
    room_ -= part;
    return FileSystem::write(descriptor, from, part);
  }

 private:
  std::size_t room_;
};

TEST(Checkpoint, AFullDiskKeepsTheOldOne) {
  const TemporaryFolder folder;
  FastFileSystem system;
  const auto path = folder / "last";
  save_checkpoint(system, path, Sample(1).parts());
  std::size_t room = 0;
  for (bool saved = false; !saved; room += 7) {
    FullDisk disk(room);
    try {
      save_checkpoint(disk, path, Sample(2).parts());
      saved = true;
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find("No space left"),
                std::string::npos);
      EXPECT_EQ(found_number(path), 1) << room;
      EXPECT_EQ(list_directory(folder.path()),
                std::vector<std::string>{"last"});
    }
  }
  EXPECT_GT(room, 500u);
  EXPECT_EQ(found_number(path), 2);
}

TEST(Checkpoint, FindsTornFiles) {
  const TemporaryFolder folder;
  FastFileSystem system;
  const auto path = folder / "last";
  save_checkpoint(system, path, Sample(1).parts());
  for (const std::string& name : list_directory(path)) {
    const auto whole = read_file(system, path / name, 1 << 20);
    for (std::size_t size = 0; size < whole.size(); size += 17) {
      write_file(system, path / name, std::span(whole).first(size));
      EXPECT_THROW(find_checkpoint(system, path), DataError);
    }
    std::filesystem::remove(path / name);
    EXPECT_THROW(find_checkpoint(system, path), DataError);
    write_file(system, path / name, whole);
  }
  EXPECT_EQ(found_number(path), 1);
}

TEST(Checkpoint, FallsBackToTheNewestThatVerifiesAndNamesTheSkipped) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  for (int number = 1; number <= 3; ++number) {
    save_checkpoint(system, folder / "last", Sample(number).parts());
    if (number < 3)
      std::filesystem::copy(folder / "last",
                            folder / ("kept" + std::to_string(number)));
  }
  rename_path(system, folder / "kept1", folder / "last.tmp-7");
  rename_path(system, folder / "kept2", folder / "last.old-2");
  make_directories(system, folder / "last.tmp-9");
  write_file(system, folder / "last" / "model.safetensors", as_bytes("bad"));
  const auto search = find_checkpoint(system, folder / "last");
  ASSERT_TRUE(search.checkpoint);
  EXPECT_EQ(number_of(*search.checkpoint), 2);
  ASSERT_EQ(search.skipped.size(), 1u);
  EXPECT_NE(search.skipped[0].find("model.safetensors: expected 200 bytes"),
            std::string::npos);
  // The damaged one is replaced, and the good one outlives the save's failure.
  FaultyFileSystem full;
  full.failing = 12;
  full.crash = true;
  EXPECT_THROW(save_checkpoint(full, folder / "last", Sample(4).parts()),
               FileError);
  EXPECT_EQ(found_number(folder / "last"), 2);
  save_checkpoint(system, folder / "last", Sample(4).parts());
  EXPECT_EQ(found_number(folder / "last"), 4);
}

TEST(Checkpoint, ADamagedManifestIsReplacedByTheNextSave) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  save_checkpoint(system, folder / "last", Sample(1).parts());
  write_file(system, folder / "last" / "manifest.json", as_bytes("{"));
  EXPECT_THROW(find_checkpoint(system, folder / "last"), DataError);
  save_checkpoint(system, folder / "last", Sample(2).parts());
  EXPECT_EQ(found_number(folder / "last"), 2);
}

// What cannot be read may be the newest: a save neither removes nor passes it.
TEST(Checkpoint, AManifestThatCannotBeReadStopsTheNextSave) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  save_checkpoint(system, folder / "last", Sample(1).parts());
  const auto manifest = folder / "last.old-3" / "manifest.json";
  make_directories(system, manifest);
  EXPECT_THROW(save_checkpoint(system, folder / "last", Sample(2).parts()),
               FileError);
  EXPECT_TRUE(std::filesystem::exists(manifest));
  std::filesystem::remove_all(folder / "last.old-3");
  EXPECT_EQ(found_number(folder / "last"), 1);
}

TEST(Checkpoint, AnInterruptedFirstSaveIsNoCheckpoint) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  make_directories(system, folder / "last.tmp-1");
  write_file(system, folder / "last.tmp-1" / "manifest.json", as_bytes("{"));
  const auto search = find_checkpoint(system, folder / "last");
  EXPECT_FALSE(search.checkpoint);
  EXPECT_EQ(search.skipped.size(), 1u);
}

TEST(Checkpoint, RefusesNamesThatAreNoFileNames) {
  const TemporaryFolder folder;
  for (const char* name : {"", ".", "..", "a/b", "manifest.json"}) {
    const CheckpointPart part{name, {}};
    EXPECT_THROW(save_checkpoint(posix_file_system(), folder / "last",
                                 std::span(&part, 1)),
                 UsageError);
  }
  const std::vector<CheckpointPart> twice{{"a", {}}, {"a", {}}};
  EXPECT_THROW(save_checkpoint(posix_file_system(), folder / "last", twice),
               UsageError);
  EXPECT_THROW(save_checkpoint(posix_file_system(), folder / "last" / "",
                               Sample(1).parts()),
               UsageError);
}

TEST(Manifest, HasOneTextAndRefusesEveryOther) {
  const Manifest manifest{7, {{"a", {3, 0x1234}}, {"b", {0, 0}}}};
  const std::string text = manifest_text(manifest);
  EXPECT_EQ(parse_manifest(text, "m"), manifest);
  EXPECT_THROW(parse_manifest(text + " ", "m"), DataError);
  EXPECT_THROW(parse_manifest("", "m"), DataError);
  EXPECT_THROW(parse_manifest("[]", "m"), DataError);
  EXPECT_THROW(parse_manifest(std::string(100000, '['), "m"), DataError);
  for (const char* number : {"1.8446744073709552e19", "1e300", "-1", "0.5"}) {
    std::string other = text;
    other.replace(other.find(": 7"), 3, std::string(": ") + number);
    EXPECT_THROW(parse_manifest(other, "m"), DataError) << number;
  }
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_THROW(parse_manifest(flipped, "m"), DataError) << flipped;
  }
}

}  // namespace
}  // namespace sigtape
