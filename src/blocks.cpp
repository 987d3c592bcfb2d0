// Blocks of pairs, as R/blocks.R has them, for the engine.
#include "program.h"

using bridge::catch_failure;

namespace {

using BlocksPtr = std::shared_ptr<const rkeops::PairBlocks>;

// Numbers of groups, from 1 in R; NA: none.
std::vector<std::int32_t> groups_of(SEXP numbers) {
  std::vector<std::int32_t> groups(static_cast<std::size_t>(Rf_xlength(numbers)));
  const int* const from = INTEGER(numbers);
  for (std::size_t k = 0; k < groups.size(); ++k) groups[k] = from[k] == NA_INTEGER ? -1 : from[k] - 1;
  return groups;
}

SEXP from_one(const std::vector<std::int32_t>& groups) {
  return bridge::unwind_protect([&] {
    SEXP numbers = Rf_allocVector(INTSXP, static_cast<R_xlen_t>(groups.size()));
    for (std::size_t k = 0; k < groups.size(); ++k) INTEGER(numbers)[k] = groups[k] + 1;
    return numbers;
  });
}

// Points of a matrix of doubles, one after the other.
std::vector<double> points_of(SEXP matrix) {
  SEXP dim = Rf_getAttrib(matrix, R_DimSymbol);
  const auto rows = static_cast<std::size_t>(INTEGER(dim)[0]), columns = static_cast<std::size_t>(INTEGER(dim)[1]);
  std::vector<double> points(rows * columns);
  const double* const from = REAL(matrix);
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t r = 0; r < rows; ++r) points[r * columns + c] = from[r + c * rows];
  }
  return points;
}

}  // namespace

std::optional<rkeops::RunOptions> bridge::with_blocks(const rkeops::RunOptions& options, SEXP blocks) {
  const BlocksPtr* held = bridge::object_of<BlocksPtr>(blocks);
  if (!held) return std::nullopt;
  std::optional<rkeops::RunOptions> own(options);
  own->blocks = *held;
  return own;
}

// Integer vectors, see BlockGroups. Answers with an external pointer.
// [[Rcpp::export(rng = false)]]
SEXP rk_blocks(SEXP group_i, SEXP group_j, SEXP kept_i, SEXP kept_from, SEXP kept_to) {
  return catch_failure([&]() -> SEXP {
    BlocksPtr blocks = rkeops::make_blocks(
        {groups_of(group_i), groups_of(group_j), groups_of(kept_i), groups_of(kept_from), groups_of(kept_to)});
    const Rcpp::Shield<SEXP> pointer(bridge::new_pointer<BlocksPtr>());
    R_SetExternalPtrAddr(pointer, new BlocksPtr(std::move(blocks)));
    return pointer;
  });
}

// How many pairs are kept; NULL for a pointer that has come back from a file.
// [[Rcpp::export(rng = false)]]
SEXP rk_kept_pairs(SEXP pointer) {
  return catch_failure([&]() -> SEXP {
    const BlocksPtr* held = bridge::object_of<BlocksPtr>(pointer);
    return held ? bridge::make_numbers({rkeops::kept_pairs(**held)}) : R_NilValue;
  });
}

// Groups of the rows of two matrices of finite doubles, with as many columns, and which of them are kept.
// [[Rcpp::export(rng = false)]]
SEXP rk_groups_within(SEXP x, SEXP y, SEXP radius) {
  return catch_failure([&]() -> SEXP {
    const int dim = INTEGER(Rf_getAttrib(x, R_DimSymbol))[1];
    const rkeops::BlockGroups groups = rkeops::groups_within(points_of(x), points_of(y), dim, REAL(radius)[0]);
    return bridge::ListBuilder()
        .add("i", from_one(groups.group_i))
        .add("j", from_one(groups.group_j))
        .add("kept_i", from_one(groups.kept_i))
        .add("kept_from", from_one(groups.kept_from))
        .finish();
  });
}
