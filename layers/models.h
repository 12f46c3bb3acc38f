#pragma once

#include <cstdint>
#include <memory>

#include "sigtape/layers/sequential.h"

/// The models of Kidger, Bonnier, Perez Arribas, Salvi and Lyons, "Deep
/// Signature Transforms" (NeurIPS 2019, arXiv:1905.08494), with the settings
/// of their paper. Each takes streams of `in_channels` channels (0: whatever
/// comes) to `out` features; every signature is truncated at `depth` and has
/// the zero basepoint. Named layers: augment or augment1, augment2, ..., and
/// linear.
namespace sigtape {

/// The signature of (stream, time), and a linear map. Streams of 2 points at
/// least.
std::shared_ptr<Sequential> signet(std::int64_t in_channels, std::int64_t out,
                                   std::int64_t depth);

/// The signature of (stream, time, 2 channels learned on windows of 4 points),
/// and a linear map. Streams of 5 points at least.
std::shared_ptr<Sequential> signet2(std::int64_t in_channels, std::int64_t out,
                                    std::int64_t depth);

/// deep_signet of two blocks. Streams of 8 points at least.
std::shared_ptr<Sequential> signet3(std::int64_t in_channels, std::int64_t out,
                                    std::int64_t depth);

/// `blocks` blocks of an augment and a signature, and a linear map. Each
/// augment learns 4 channels on windows of 4 points; the first one includes
/// stream and time as well. All signatures but the last are streams. Streams
/// of 3 blocks + 2 points at least. Throws UsageError for blocks < 1.
std::shared_ptr<Sequential> deep_signet(std::int64_t in_channels,
                                        std::int64_t out, std::int64_t depth,
                                        std::int64_t blocks);

}  // namespace sigtape
