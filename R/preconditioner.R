# Preconditioners: some columns of a are decomposed, as a Cholesky decomposition with pivots does, a = L L' + what is left.
#
# P = L L' + diag(d) stands for S = a + diag(ridge). It is a list of
#   rank     number of columns of L
#   solve    r -> P^-1 r
#   sample   normal numbers, rows(S) + rank of them in each column -> columns with covariance P
#   logdet   that of P

# What takes part in choosing the rank, in units of a pair of a product (1.2 ns on two cores, when measured): a further column in
# the product; an entry of a column that is decomposed; an entry of L in each step; a number that the decomposition of L visits;
# what R does for a step and for a block of columns.
rank_costs <- list(column = 0.15, entry = 10, apply = 4, factor = 2, step = 1e5, block = 1e6)

new_preconditioner <- function(system) {
  rows <- nrow(system$a)
  none <- list(rank = 0L, solve = identity, logdet = 0, sample = function(noise) noise[seq_len(rows), , drop = FALSE])
  if (identical(system$rank, 0) || (is.null(system$rank) && length(system$ridge) == 1L && !pays_at_all(system))) return(none)
  ridge <- rep_len(system$ridge, rows)
  entries <- entries_of(system$a)
  found <- if (is.null(system$rank)) decompose_until_it_pays(entries, ridge, system)
           else decompose(entries, system$rank, NULL, system)
  # Where nothing is decomposed the diagonal is all there is; a ridge of 0 is replaced by what is left.
  d <- if (ncol(found$factor) == 0L) ridge + found$left else ifelse.default(ridge > 0, ridge, mean(found$left))
  d <- pmax(d, 1e-14 * found$size)
  if (all(d > 0)) preconditioner_of(found$factor, d) else none
}

preconditioner_of <- function(factor, d) {
  rows <- nrow(factor)
  rank <- ncol(factor)
  of_rows <- seq_len(rows)
  core <- if (rank > 0L) chol(diag(rank) + crossprod(factor, factor / d))
  list(
    rank = rank,
    solve = function(r) {
      scaled <- r / d
      if (rank == 0L) return(scaled)
      scaled - factor %*% backsolve(core, backsolve(core, crossprod(factor, scaled), transpose = TRUE)) / d
    },
    sample = function(noise) {
      own <- sqrt(d) * noise[of_rows, , drop = FALSE]
      if (rank == 0L) own else own + factor %*% noise[-of_rows, , drop = FALSE]
    },
    logdet = sum(log(d)) + if (rank == 0L) 0 else 2 * sum(log(diag(core)))
  )
}

# Entries of a in float64: the diagonal, or those of some rows and columns. Pairs that are left out are 0.
entries_of <- function(a) {
  plain <- function(values) {
    if (has_blocks(a) || has_mask(a)) values[is.nan(values)] <- 0
    values
  }
  list(rows = nrow(a), diagonal = function() plain(as.vector(exactly(diag(a)))),
       columns = function(j) plain(exactly(as.matrix(a[, j, drop = FALSE]))),
       core = function(k) plain(exactly(as.matrix(a[k, k, drop = FALSE]))))
}

# `state`: where to go on from. The next `rank` columns, less if that describes all of a: block after block, each chosen among
# twice as many that are spread as what is left is. (One after the other they would be a pass over L each.)
decompose <- function(entries, rank, state, system) {
  if (is.null(state)) {
    diagonal <- pmax(entries$diagonal(), 0)
    state <- list(factor = matrix(0, entries$rows, 0L), left = diagonal, size = sum(diagonal), ended = FALSE)
  }
  end <- ncol(state$factor) + rank
  while (ncol(state$factor) < end && !state$ended) {
    done <- ncol(state$factor)
    state <- decompose_block(entries, min(end - done, max(16L, done %/% 2L)), state)
    system$progress$show(done, NA, end)
  }
  state
}

decompose_block <- function(entries, size, state) {
  least <- 1e-12 * state$size / entries$rows
  weights <- cumsum(state$left)
  total <- weights[length(weights)]
  state$ended <- TRUE
  if (!(total > least)) return(state)
  spread <- (seq_len(2L * size) - 0.5) / (2 * size) * total
  chosen <- unique(pmin(findInterval(spread, weights) + 1L, entries$rows))
  rest <- entries$core(chosen) - tcrossprod(state$factor[chosen, , drop = FALSE])
  root <- suppressWarnings(chol((rest + t(rest)) / 2, pivot = TRUE, tol = least))
  kept <- seq_len(min(attr(root, "rank"), size))
  if (!all(is.finite(root[kept, kept]))) return(state)
  pivots <- chosen[attr(root, "pivot")[kept]]
  root <- root[kept, kept, drop = FALSE]
  columns <- entries$columns(pivots) - tcrossprod(state$factor, state$factor[pivots, , drop = FALSE])
  columns <- t(backsolve(root, t(columns), transpose = TRUE))
  left <- pmax(state$left - rowSums(columns^2), 0)
  left[pivots] <- 0
  list(factor = cbind(state$factor, columns), left = left, size = state$size, ended = length(kept) == 0L)
}

# Steps of conjugate gradients for a condition number 1 + beyond, and what each costs.
expected_steps <- function(beyond, system) 1 + sqrt(1 + beyond) * log(2 / system$tol) / 2

step_cost <- function(rank, system) {
  rows <- nrow(system$a)
  rows^2 * (1 + rank_costs$column * (system$columns - 1)) + rank_costs$apply * rows * rank * system$columns + rank_costs$step
}

steps_alone <- function(system) {
  expected_steps(if (all(system$ridge > 0)) system$size / mean(system$ridge) else 1e6, system)
}

first_columns <- 16L

pays_at_all <- function(system) {
  steps_alone(system) * step_cost(0, system) > 3 * extra_cost(nrow(system$a), 0, first_columns)
}

# Columns are added as long as the steps that they are expected to save cost more than they do. What is left of a divided by the
# ridge bounds the condition number from above; spread over `rank` directions it is about what the largest one is.
decompose_until_it_pays <- function(entries, ridge, system) {
  rows <- entries$rows
  with_ridge <- all(ridge > 0)  # else what is left decides
  beyond <- function(state) {
    d <- if (with_ridge) ridge else max(mean(state$left), 1e-14 * state$size)
    3 * sum(state$left / d) / max(3, ncol(state$factor))
  }
  limit <- min(rows, max(first_columns, 2^26 %/% rows))  # half a GB
  state <- decompose(entries, 0, NULL, system)
  if (!pays_at_all(system)) return(state)
  before <- c(0, log(beyond(state)))
  size <- min(first_columns, limit)
  repeat {
    state <- decompose(entries, size, state, system)
    rank <- ncol(state$factor)
    now <- c(log(rank), log(beyond(state)))
    size <- as.integer(min(max(first_columns, rank %/% 2L), limit - rank))
    if (state$ended || size < 1L || !is.finite(now[2L])) break
    slope <- min(0, (now[2L] - before[2L]) / (now[1L] - before[1L]))
    expected <- exp(now[2L] + slope * log1p(size / rank))
    saved <- expected_steps(exp(now[2L]), system) * step_cost(rank, system) -
      expected_steps(expected, system) * step_cost(rank + size, system)
    if (saved < extra_cost(rows, rank, size)) break
    before <- now
  }
  # A decomposition that leaves nearly as many steps would only make them longer.
  helps <- !with_ridge || expected_steps(exp(now[2L]), system) < 0.9 * steps_alone(system)
  if (helps) state else decompose(entries, 0, NULL, system)
}

# Of `size` columns after `rank`.
extra_cost <- function(rows, rank, size) {
  rank_costs$entry * rows * size + rank_costs$factor * rows * size * (2 * rank + size) + rank_costs$block
}
