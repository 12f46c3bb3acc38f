// The committed reference page and JSON Schema are those of the table. To write
// them anew, run this test with SIGTAPE_UPDATE_DOCS=1 in the environment.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sigtape/training/config/load.h"
#include "sigtape/training/config/schema.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

void expect_committed(const std::string& path, const std::string& text) {
  const std::string absolute = test::source_path(path);
  if (std::getenv("SIGTAPE_UPDATE_DOCS")) {
    std::ofstream(absolute, std::ios::binary) << text;
    return;
  }
  std::ifstream file(absolute, std::ios::binary);
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), text)
      << path << " is out of date: run this test with SIGTAPE_UPDATE_DOCS=1";
}

TEST(Docs, ReferencePageIsCommitted) {
  expect_committed("docs/configuration.md", reference_page());
}

TEST(Docs, JsonSchemaIsCommitted) {
  expect_committed("docs/sigtape.schema.json", json_schema());
}

void expect_documented(const config::Section& section) {
  for (const config::Field& field : section.fields) {
    EXPECT_NE(reference_page().find("\n| `" + field.key + "` |"),
              std::string::npos)
        << field.key;
    EXPECT_FALSE(field.help.empty()) << field.key;
    for (const config::Section* below : field.sections)
      expect_documented(*below);
  }
}

TEST(Docs, EveryKeyIsOnThePage) { expect_documented(config::schema()); }

TEST(Docs, JsonSchemaClosesEveryMap) {
  const auto json = nlohmann::json::parse(json_schema());
  EXPECT_EQ(json["additionalProperties"], false);
  EXPECT_EQ(json["required"], (nlohmann::json{"data", "model"}));
  const auto& train = json["properties"]["train"]["anyOf"][0];
  EXPECT_EQ(train["properties"]["epochs"]["default"], 100);
  EXPECT_EQ(train["properties"]["epochs"]["minimum"], 1);
  EXPECT_EQ(train["properties"]["label_smoothing"]["exclusiveMaximum"], 1);
}

}  // namespace
}  // namespace sigtape
