// The pages of docs/operations: their examples in YAML make models that run,
// every page is listed, and every function that it names is there. (Examples in
// C++ are compiled with this file.)
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sigtape/sigtape.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/model_factory.h"
#include "support/battery.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> pages() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(
           test::source_path("docs/operations")))
    found.push_back(entry.path().string());
  return found;
}

std::vector<std::string> blocks(const std::string& text,
                                const std::string& language) {
  std::vector<std::string> found;
  const std::string open = "```" + language + "\n";
  for (std::size_t at = text.find(open); at != std::string::npos;
       at = text.find(open, at)) {
    at += open.size();
    found.push_back(text.substr(at, text.find("```", at) - at));
  }
  return found;
}

TEST(OperationPages, ModelsRunAndLearn) {
  std::size_t count = 0;
  for (const std::string& page : pages()) {
    for (const std::string& block : blocks(text_of(page), "yaml")) {
      SCOPED_TRACE(page + "\n" + block);
      ++count;
      const Config config = parse_config(
          "data: {train: {random: {cases: 4, length: 40, channels: 3}}}\n" +
              block,
          "page.yaml");
      const auto model = make_model(config.model, 2);
      const Tensor x = cast(test::random_tensor({4, 40, 3}), DType::float32);
      const Tensor y = (*model)(x);
      EXPECT_EQ(y.shape(), Shape({4, 2}));
      sum(y).backward();
      for (const NamedTensor& p : model->named_parameters())
        EXPECT_TRUE(p.tensor.grad().defined()) << p.name;
    }
  }
  EXPECT_GE(count, 6u);
}

TEST(OperationPages, AreListedAndHaveAnExample) {
  const std::string list =
      text_of(test::source_path("docs/operations/README.md"));
  for (const std::string& page : pages()) {
    const std::string name = std::filesystem::path(page).filename();
    if (name == "README.md") continue;
    EXPECT_NE(list.find("(" + name + ")"), std::string::npos) << name;
    EXPECT_FALSE(blocks(text_of(page), "cpp").empty()) << name;
    EXPECT_NE(text_of(page).find("Errors: "), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace sigtape
