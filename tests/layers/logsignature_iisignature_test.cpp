// Log-signatures in the bracket basis against a second peer, iisignature.
#include <gtest/gtest.h>

#include "sigtape/layers/signature/logsignature.h"
#include "support/battery.h"
#include "support/golden.h"

namespace sigtape::test {
namespace {

// As iisignature writes it: letters from 1, "[1,[1,2]]".
std::string peer_name(const LyndonBracket& bracket) {
  if (bracket.parts.empty()) return std::to_string(bracket.letter + 1);
  return "[" + peer_name(bracket.parts[0]) + "," + peer_name(bracket.parts[1]) +
         "]";
}

TEST(LogSignature, AgreesWithIisignature) {
  const auto cases = golden_cases("iisignature_logsig");
  ASSERT_GE(cases.size(), 40u);
  for (const GoldenCase& golden : cases) {
    const std::int64_t channels = golden.arguments.at("channels"),
                       depth = golden.arguments.at("depth");
    SCOPED_TRACE("channels " + std::to_string(channels) + " depth " +
                 std::to_string(depth));
    std::vector<std::string> basis;
    for (const LyndonBracket& bracket : lyndon_brackets(channels, depth))
      basis.push_back(peer_name(bracket));
    EXPECT_EQ(basis, golden.arguments.at("basis").get<decltype(basis)>());

    Tensor path = golden_tensor(golden.at("path")).set_requires_grad();
    const Tensor y =
        logsignature(path, depth, {.mode = LogSignatureMode::brackets});
    EXPECT_LE(relative_error(y.to_vector(), golden.at("logsignature").values),
              1e-10);
    y.backward(golden_tensor(golden.at("g_logsignature")));
    // Of float32 there.
    EXPECT_LE(
        relative_error(path.grad().to_vector(), golden.at("d_path").values),
        1e-5);
  }
}

}  // namespace
}  // namespace sigtape::test
