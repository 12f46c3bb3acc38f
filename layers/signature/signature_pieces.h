#pragma once

#include "sigtape/layers/signature/signature_plan.h"

/// Multiplying the pieces of cut paths (signature_plan.h): by Chen's identity
///   signature = initial (x) piece_0 (x) piece_1 (x) ..,
/// two neighbours at a time, then two neighbouring products, and so on. Words
/// stand without scalar term and not inverted here. The nodes of all paths are
/// [B, K, S] pieces, [B, S] initial values where there are any, [B, F - 1, S]
/// products, of K pieces and F factors a path.
namespace sigtape::cpu {

/// Whether products of signatures of `words` words are made with a pair in each
/// of `lanes` lanes: where that fits the second-level cache.
bool pieces_in_lanes(double words, int lanes);

/// Adds to the plan's bytes what the nodes and their products take.
void plan_pieces_memory(const SignatureShape& shape, int element_bytes,
                        SignaturePlan& plan);

/// The call whose paths are the pieces: without what concerns only the ends.
SignatureShape shape_of_pieces(const SignatureShape& shape,
                               const SignaturePlan& plan);

/// Writes the signatures from the nodes, of which the pieces are given and all
/// others are written.
template <class T>
void multiply_pieces(const SignatureShape& shape, const SignaturePlan& plan,
                     const T* initial, T* nodes, T* signature, void* workspace);

/// Writes dnodes, of which the pieces' are wanted, and, where it is not null,
/// dinitial, from what multiply_pieces left in nodes.
template <class T>
void multiply_pieces_adjoint(const SignatureShape& shape,
                             const SignaturePlan& plan, const T* nodes,
                             const T* dsignature, T* dnodes, T* dinitial,
                             void* workspace);

}  // namespace sigtape::cpu
