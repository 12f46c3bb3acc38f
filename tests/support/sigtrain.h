#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace sigtape::test {

/// How a program ended: its exit code, or 128 + signal as a shell says it.
struct ProgramResult {
  int code = -1;
  std::string out, err;
};

/// The program sigtrain, started with `arguments` in the current folder. Its
/// output goes into files of the temporary folder.
class Sigtrain {
 public:
  explicit Sigtrain(const std::vector<std::string>& arguments);
  /// Kills a program that still runs.
  ~Sigtrain();
  Sigtrain(const Sigtrain&) = delete;
  Sigtrain& operator=(const Sigtrain&) = delete;

  void send(int signal) const;
  bool is_running();
  /// Waits for its end.
  ProgramResult wait();

 private:
  std::filesystem::path folder_;
  pid_t process_ = -1;
  int status_ = -1;
  bool ended_ = false;
};

/// Runs sigtrain to its end.
ProgramResult run_sigtrain(const std::vector<std::string>& arguments);

/// The bytes of a file; "" where there is none.
std::string file_text(const std::filesystem::path& path);

/// Writes `text` into a new file at `path`.
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace sigtape::test
