# Plain-R reference of every reduction on F for all pairs (array D x M x N, see all_pairs()); weights likewise.

values_and_positions <- function(order_of) list(
  value = function(v, k) { o <- order_of(v)[seq_len(k)]; v[o] },
  position = function(v, k) as.numeric(order_of(v)[seq_len(k)])
)
smallest <- values_and_positions(function(v) order(v))
largest <- values_and_positions(function(v) order(-v))

log_sum_exp <- function(v, w = 1) {
  m <- max(v)
  if (is.infinite(m)) m <- 0
  m + log(sum(exp(v - m) * w))
}
soft_max <- function(v, w) sum(exp(v - max(v)) * w) / sum(exp(v - max(v)))

# rows x D; or rows x K x D, without its last dimension where D = 1.
shaped <- function(x, rows, k, d) {
  x <- array(x, c(k, rows, d))
  if (k == 1L) return(matrix(x, rows, d))
  x <- aperm(x, c(2L, 1L, 3L))
  if (d == 1L) matrix(x, rows, k) else x
}

# The weight's components share the one component of F.
fold_weighted <- function(pairs, weights, axis, f) {
  rows <- dim(pairs)[if (axis == 1) 2L else 3L]
  at <- function(x, d, r) if (axis == 1) x[d, r, ] else x[d, , r]
  matrix(vapply(seq_len(dim(weights)[1]), function(d) {
    vapply(seq_len(rows), function(r) f(at(pairs, 1L, r), at(weights, d, r)), 0)
  }, numeric(rows)), rows)
}

reduce_reference <- function(reduction, pairs, axis, k = 1L, weights = NULL) {
  rows <- dim(pairs)[if (axis == 1) 2L else 3L]
  part <- function(f) shaped(fold(pairs, axis, function(v) f(v, k)), rows, k, dim(pairs)[1])
  switch(reduction,
    Sum = sum_pairs(pairs, axis),
    Min = , KMin = part(smallest$value),
    ArgMin = , ArgKMin = part(smallest$position),
    Min_ArgMin = , KMin_ArgKMin = list(part(smallest$value), part(smallest$position)),
    Max = part(largest$value), ArgMax = part(largest$position),
    Max_ArgMax = list(part(largest$value), part(largest$position)),
    LogSumExp = part(function(v, k) log_sum_exp(v)),
    LogSumExpWeight = fold_weighted(pairs, weights, axis, log_sum_exp),
    SumSoftMaxWeight = fold_weighted(pairs, weights, axis, soft_max)
  )
}

reduction_formula <- function(reduction, formula, axis, option = NULL) {
  sprintf("%s_Reduction(%s)", reduction, paste(c(formula, option, axis), collapse = ","))
}
