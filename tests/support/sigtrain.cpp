#include "support/sigtrain.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

extern char** environ;

namespace sigtape::test {

namespace fs = std::filesystem;

namespace {

pid_t start(const fs::path& folder, const std::vector<std::string>& arguments) {
  const std::string program = SIGTAPE_BINARY_DIR "/sigtrain";
  const std::string out = folder / "out", err = folder / "err";
  std::vector<char*> words = {const_cast<char*>("sigtrain")};
  for (const std::string& a : arguments) {
    words.push_back(const_cast<char*>(a.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), flags, 0600);
  pid_t process = -1;
  const int error = ::posix_spawn(&process, program.c_str(), &actions, nullptr,
                                  words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + program);
  return process;
}

}  // namespace

Sigtrain::Sigtrain(const std::vector<std::string>& arguments) {
  std::string name = fs::temp_directory_path() / "sigtrain-XXXXXX";
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  folder_ = name;
  process_ = start(folder_, arguments);
}

Sigtrain::~Sigtrain() {
  if (is_running()) {
    send(SIGKILL);
    wait();
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Sigtrain::send(int signal) const { ::kill(process_, signal); }

bool Sigtrain::is_running() {
  if (!ended_) ended_ = ::waitpid(process_, &status_, WNOHANG) == process_;
  return !ended_;
}

ProgramResult Sigtrain::wait() {
  if (!ended_) ::waitpid(process_, &status_, 0);
  ended_ = true;
  const int code =
      WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {code, file_text(folder_ / "out"), file_text(folder_ / "err")};
}

ProgramResult run_sigtrain(const std::vector<std::string>& arguments) {
  return Sigtrain(arguments).wait();
}

std::string file_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace sigtape::test
