#include "sigtape/layers/signature/channels.h"

#include <gtest/gtest.h>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

TEST(SignatureChannels, CountsWords) {
  EXPECT_EQ(signature_channels(3, 4), 3 + 9 + 27 + 81);
  EXPECT_EQ(signature_channels(3, 4, true), 1 + 3 + 9 + 27 + 81);
  EXPECT_EQ(signature_channels(1, 1000), 1000);
  EXPECT_EQ(level_offset(4, 3), 4 + 16);
}

TEST(SignatureChannels, NamesTheLargestDepth) {
  EXPECT_THROW(signature_channels(0, 2), UsageError);
  EXPECT_THROW(signature_channels(2, 0), UsageError);
  EXPECT_NO_THROW(signature_channels(2, 62));
  try {
    signature_channels(2, 63);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("largest depth is 62"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace sigtape
