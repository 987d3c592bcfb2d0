# How reductions of LazyTensors are evaluated: over one index by the engine, over both by putting its results together.

# `name`_Reduction of x over `index`; `option` is K or a weight.
reduce_lazytensor <- function(x, name, index, option = NULL, call = NULL, na_rm = FALSE, blocks = NULL, self = TRUE) {
  x <- with_pairs(check_lazytensor(x, "x", call), blocks, self, call)
  reduce_over(x, name, check_index(index, call, both = TRUE), option, call, na_rm)
}

reduce_over <- function(x, name, axis, option = NULL, call = NULL, na_rm = FALSE) {
  if (is.null(option) && isFALSE(na_rm)) {
    values <- rk_reduce(list(x, index = c("i", "j", "ij")[axis + 1L]), name)
    if (!is.null(values)) return(evaluated(values, x, call))
  }
  if (is_nearest_of_others(x, name, axis, option, na_rm)) return(nearest_others(x, name, axis, option, call))
  weight <- if (is.LazyTensor(option)) option
  complex <- check_complex_reduction(x, name, weight, call)
  components <- .subset2(if (is.null(weight)) x else weight, "components")
  if (check_flag(na_rm, "na.rm", call) || has_mask(x) || has_mask(weight)) {
    pair <- leave_out(x, weight, name, na_rm)
    x <- pair$x
    weight <- pair$weight
  }
  merged <- if (is.null(weight)) unclass(x) else merge_operands(list(x, weight), call)
  rows <- check_occurs(merged, axis, call)
  fold <- list(name = name, axis = axis, formulas = if (is.null(weight)) merged$formula else merged$formulas,
               k = if (is.null(weight)) option, merged = merged, components = components, complex = complex, call = call)
  if (axis == 2L) reduce_both(fold) else reduce_one(fold, rows)
}

# `parts`: what stands before the axis.
evaluate_fold <- function(fold, name = fold$name, axis = fold$axis, parts = c(fold$formulas, whole(fold$k))) {
  evaluate(paste0(name, "_Reduction(", paste0(parts, ",", collapse = ""), axis, ")"), fold$merged, fold$call)
}

whole <- function(k) if (!is.null(k)) sprintf("%.0f", k)

reduce_one <- function(fold, rows) {
  result <- evaluate_fold(fold)
  if (fold$complex) result <- certified(deinterleave(result), result)
  if (is.list(result)) {
    result <- stats::setNames(result, c("value", "position"))
    result$position <- as_positions(result$position, rows)
  } else if (startsWith(fold$name, "Arg")) {
    result <- as_positions(result, rows)
  }
  named_reduction(result, fold$merged, fold$axis, fold$components)
}

# Row numbers are integers while they fit.
as_positions <- function(position, rows) {
  if (rows <= .Machine$integer.max) storage.mode(position) <- "integer"
  position
}

# ---- both indices

reduce_both <- function(fold) {
  switch(fold$name,
    Sum = combine_sums(fold),
    Min = , Max = combine_extrema(fold),
    LogSumExp = , LogSumExpWeight = , SumSoftMaxWeight = combine_logarithms(fold),
    ArgMin = , ArgMax = combine_positions(fold)$position,
    Min_ArgMin = , Max_ArgMax = combine_positions(fold),
    KMin = combine_nearest(fold)$value,
    ArgKMin = combine_nearest(fold)$position,
    KMin_ArgKMin = combine_nearest(fold),
    {
      evaluate_fold(fold, axis = 1L)  # an error that names the reduction, if there is none of this name
      rkeops_abort("unsupported", sprintf("%s reduces over one index only", fold$name), call = fold$call,
                   argument = "index", hint = "Take index = \"i\" or \"j\".")
    }
  )
}

combine_sums <- function(fold) {
  rows <- evaluate_fold(fold, axis = 1L)
  sums <- colSums(rows)
  certified(if (fold$complex) as.vector(deinterleave(matrix(sums, 1L))) else sums, rows)
}

# With the certificate of what it is made of.
certified <- function(value, from) {
  attr(value, "certificate") <- attr(from, "certificate")
  value
}

combine_extrema <- function(fold) {
  rows <- evaluate_fold(fold, axis = 1L)
  best <- if (fold$name == "Min") function(v) min(Inf, v) else function(v) max(-Inf, v)
  apply(rows, 2L, best)
}

combine_logarithms <- function(fold) {
  if (fold$name == "LogSumExp") {
    rows <- evaluate_fold(fold, axis = 1L)
    totals <- apply(rows, 2L, function(v) {
      largest <- max(-Inf, v)
      if (is.finite(largest)) largest + log(sum(exp(v - largest))) else largest
    })
    return(certified(totals, rows))
  }
  # Maxima of the exponents, and sums of weights that go with them, that of 1 first.
  parts <- c(fold$formulas[1L], sprintf("Concat(IntCst(1),%s)", fold$formulas[2L]))
  columns <- evaluate_fold(fold, "Max_SumShiftExpWeight", 1L, parts)
  largest <- max(-Inf, columns[, 1L])
  scale <- if (is.finite(largest)) exp(columns[, 1L] - largest) else exp(largest) * (columns[, 1L] == largest)
  sums <- colSums(columns[, -1L, drop = FALSE] * scale)
  if (fold$name == "LogSumExpWeight") return(largest + log(sums[-1L]))
  means <- sums[-1L] / sums[1L]
  if (fold$complex) as.vector(deinterleave(matrix(means, 1L))) else means
}

# Candidates are the results over i, for each j; so ties are broken as in the matrix, column after column.
combine_positions <- function(fold) {
  largest <- grepl("Max$", fold$name)
  found <- evaluate_fold(fold, if (largest) "Max_ArgMax" else "Min_ArgMin", 0L)
  j <- apply(found[[1L]], 2L, function(v) c(if (largest) which.max(v) else which.min(v), NA)[1L])
  at <- cbind(j, seq_along(j))
  position <- pair_positions(found[[2L]][at], j, fold)
  if (length(j) == 1L) position <- position[1L, ]
  list(value = found[[1L]][at], position = position)
}

# K values: a vector, K x D for dimension D; positions: K x 2, K x 2 x D.
combine_nearest <- function(fold) {
  k <- fold$k
  found <- evaluate_fold(fold, "KMin_ArgKMin", 0L, c(fold$formulas, whole(min(k, fold$merged$ni))))
  shape <- c(dim(found[[1L]]), 1L)[1:3]  # j, places, components
  best <- lapply(seq_len(shape[3L]), function(d) {
    candidates <- lapply(found, function(part) t(matrix(array(part, shape)[, , d], shape[1L])))
    chosen <- order(candidates[[1L]])[seq_len(k)]
    list(value = candidates[[1L]][chosen],
         position = pair_positions(candidates[[2L]][chosen], (chosen - 1) %/% shape[2L] + 1, fold))
  })
  if (shape[3L] == 1L) return(best[[1L]])
  list(value = matrix(vapply(best, `[[`, numeric(k), "value"), k),
       position = simplify2array(lapply(best, `[[`, "position")))
}

# Row numbers i as the engine gives them, and j counted from 1, as a matrix.
pair_positions <- function(i, j, fold) {
  j[is.na(i)] <- NA
  as_positions(cbind(i = as.vector(i), j = as.vector(j) - 1 + index_base()), max(fold$merged$ni, fold$merged$nj))
}

# ---- programs

# Evaluates a formula over the variables and definitions of a LazyTensor, or what else is a list with fields of the same
# names. They are renamed V0, V1, ... and D0, D1, ..., so that expressions of the same form on other data are the same
# program.
evaluate <- function(formula, over, call, data = .subset2(over, "data"), tokens = .subset2(over, "tokens")) {
  evaluated(rk_evaluate(formula, .subset2(over, "args"), .subset2(over, "definitions"), data, tokens,
                        engine_blocks(.subset2(over, "blocks"))), over, call)
}

# The program of reduction `name` of x, as that of an operator.
lazy_program <- function(x, name, axis, call) {
  formula <- sprintf("%s_Reduction(%s,%d)", name, x$formula, axis)
  unwrap(rk_evaluate(formula, x$args, x$definitions, NULL, NULL, NULL), call, written = FALSE)
}

evaluated <- function(values, over, call) {
  if (!is.object(values)) return(values)
  if (inherits(values, "rkeops_failure") && values$kind == "formula_only") {
    message("formula: ", values$message, "\nargs: ",
            paste0("V", seq_along(over$args) - 1L, "=", declared_as(over$args), collapse = ", "))
    rkeops_abort("argument", "nothing was computed because the option `formula_only` is TRUE", call = call)
  }
  unwrap(values, call, written = FALSE)
}

categories <- c("Vi", "Vj", "Pm")
