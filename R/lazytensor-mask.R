# Pairs (i, j) that are left out. A LazyTensor may carry a mask: formulas of dimension 1, in its own variables, that are
# all 1 in the pairs that count. It goes where its LazyTensor goes (merge_operands()), and is honoured where pairs are
# folded: `leave_out()` puts what changes nothing in place of the others. `na.rm` is the same with the test that values
# are not NaN.

#' Leaving out the pairs i = j
#'
#' `off_diagonal(x)` is `x` without its pairs i = j: every reduction leaves them out, and so do gradients. It is meant
#' for LazyTensors of a set of points with itself: nearest neighbours other than oneself, densities and means that
#' leave one out, energies of pairs.
#'
#' What is computed from `off_diagonal(x)` leaves out the pairs i = j as well, so it does not matter whether it is
#' applied to the distances or to the kernel. It goes by row numbers and not by values: of points that occur twice, the
#' other one counts. Row numbers are exact in both precisions for any number of rows.
#'
#' A pair that is left out adds nothing to `sum()`, `%*%`, [logsumexp()] and [sumsoftmaxweight()], is not counted by
#' `mean()`, and is never chosen by `min()`, `max()`, [argmin()], [Kmin()] and the like; `any()` and `all()` do not ask
#' it. For what remains of nothing, see [lazytensor_reductions] on `na.rm`. Among entries, as in `as.matrix(x)`, it is
#' `NaN`. Reductions have it as an argument, too: `argKmin(D_ij, 2, "j", self = FALSE)`.
#'
#' @param x a LazyTensor with indices i and j, and as many rows i as j.
#' @return A LazyTensor. Errors: of class `rkeops_error_argument` if `x` has not both indices; `rkeops_error_dimension`
#'   if the numbers of rows differ.
#' @seealso [lazytensor_reductions], [blocks()] for other parts of the matrix; `vignette("recipes")`.
#' @concept leave-one-out
#' @concept cross-validation
#' @concept nearest neighbour
#' @concept diagonal
#' @concept self distances
#' @examples
#' x <- matrix(rnorm(20), 10)
#' D_ij <- off_diagonal(sqdist(Vi(x), Vj(x)))
#'
#' # the two nearest neighbours of each point, other than itself
#' argKmin(D_ij, K = 2, index = "j")
#'
#' # log of the density at each point, estimated from the others
#' logsumexp(-D_ij / 2, index = "j") - log(9 * 2 * pi)
#'
#' # energy of pairs
#' sum(1 / sqrt(D_ij), index = "ij") / 2
#' @export
off_diagonal <- function(x) without_self(check_lazytensor(x, "x", sys.call()), sys.call())

without_self <- function(x, call) {
  if (is.na(x$ni) || is.na(x$nj)) {
    rkeops_abort("argument", sprintf("there is no index %s in `x`, and so no pairs i = j",
                                     if (is.na(x$nj)) "j" else "i"),
                 call = call, argument = "x", hint = "Vi() makes variables with rows i, Vj() with rows j.")
  }
  if (x$ni != x$nj) {
    rkeops_abort("dimension", sprintf("`x` has %.0f rows i and %.0f rows j: its rows i and j are different points",
                                      x$ni, x$nj),
                 call = call, argument = "x",
                 hint = "Pairs i = j can be left out where rows i and j are the same points, in the same order.")
  }
  only_where(x, is_another_row(x$ni))
}

# `x` in the pairs where `test`, truth values of dimension 1, is true.
only_where <- function(x, test) {
  merged <- merge_operands(list(x, test), NULL)
  x$formula <- merged$formulas[1L]
  x$mask <- unique(c(merged$masks, merged$formulas[2L]))
  for (field in c("args", "data", "labels", "ni", "nj", "tokens", "definitions")) x[[field]] <- merged[[field]]
  x
}

# i != j, exactly: numbers up to 2^24 are exact in float32, larger ones are two of them.
is_another_row <- function(rows, limit = 2^24) {
  numbers <- row_numbers(rows, limit)
  differ <- compose("NotEqual", list(row_variable(numbers, "Vi"), row_variable(numbers, "Vj")))
  if (differ$dimres == 1) differ else compose("Max", list(differ))
}

# The last ones of moderate size are kept: expressions of the same rows then share them.
row_numbers <- function(rows, limit) {
  known <- session$row_numbers
  if (!is.null(known) && nrow(known) == rows && ncol(known) == 1L + (rows > limit)) return(known)
  k <- seq_len(rows) - 1
  numbers <- if (rows > limit) cbind(k %/% limit, k %% limit) else matrix(as.integer(k))
  if (rows <= 1e6) session$row_numbers <- numbers
  numbers
}

# The variable of row numbers. It is the same wherever there are as many rows, and so has a name of its own.
row_variable <- function(numbers, category) {
  rows <- as.numeric(nrow(numbers))
  id <- sprintf("R0x%.0f%s", rows, if (category == "Vi") "i" else "j")
  new_lazytensor(id, sprintf("%s=%s(%d)", id, category, ncol(numbers)), list(numbers), "row", as.numeric(ncol(numbers)),
                 if (category == "Vi") rows else NA_real_, if (category == "Vj") rows else NA_real_,
                 tokens = list(new_token()))
}

# ---- where pairs are folded

# Operands of reduction `name`, the weight NULL where there is none, without mask.
leave_out <- function(x, weight, name, na_rm = FALSE) {
  keep <- what_counts(x, weight, na_rm)
  if (is.null(keep)) return(list(x = x, weight = weight))
  value <- of_reduction(name, "neutral")  # NaN where positions are asked for, which are those of numbers
  list(x = filled(x, keep, if (is.na(value)) NaN else value),
       weight = if (!is.null(weight)) filled(weight, keep, 0))
}

# Are these extrema with positions, or nearest values, in all pairs but i = j?
is_nearest_of_others <- function(x, name, axis, k, na_rm) {
  name %in% c("ArgMin", "Min_ArgMin", "KMin", "ArgKMin", "KMin_ArgKMin") && axis < 2L && isFALSE(na_rm) && has_mask(x) &&
    x$dimres == 1 && is.null(x$components) && identical(x$ni, x$nj) && (k %||% 1) < x$ni &&
    identical(x$mask, is_another_row(x$ni)$formula)
}

# One more is looked for, of which the row itself goes, or the last one where it is not among them: equal values come by row
# number. The same as with NaN in the place of pairs i = j, of which bounds would say nothing.
nearest_others <- function(x, name, axis, k, call) {
  found <- reduce_over(unmasked(x), "KMin_ArgKMin", axis, (k %||% 1) + 1, call)
  position <- found$position
  rows <- nrow(position)
  itself <- position == row(position) - 1L + index_base()
  itself[is.na(itself)] <- FALSE
  itself[, ncol(itself)] <- TRUE
  kept <- t(col(itself) != max.col(itself, "first"))
  found <- lapply(found, function(part) {
    structure(matrix(t(part)[kept], rows, byrow = TRUE), dimnames = if (!is.null(rownames(part))) list(rownames(part), NULL))
  })
  switch(name, ArgMin = , ArgKMin = found$position, KMin = found$value, found)
}

# Truth values: in which pairs the value, and all of the weight, count. With `na_rm` of the dimension of x.
what_counts <- function(x, weight, na_rm) {
  if (!na_rm && !has_mask(x) && !has_mask(weight)) return(NULL)
  tests <- c(mask_of(x), if (!is.null(weight)) mask_of(weight))
  if (na_rm) tests <- c(tests, list(!is.na(unmasked(x))), if (!is.null(weight)) list(all(!is.na(unmasked(weight)))))
  Reduce(`&`, tests)
}

has_mask <- function(x) is.LazyTensor(x) && !is.null(.subset2(x, "mask"))

# The formulas of the mask as LazyTensors with the variables of `x`.
mask_of <- function(x) {
  lapply(x$mask, function(formula) {
    new_lazytensor(formula, x$args, x$data, x$labels, 1, x$ni, x$nj, TRUE, x$tokens, definitions = x$definitions)
  })
}

unmasked <- function(x) {
  x$mask <- NULL
  x
}

# `x` without mask, with `value` where `keep` is not true.
filled <- function(x, keep, value) {
  result <- ifelse.LazyTensor(keep, unmasked(x), value)
  result$logical <- x$logical
  result
}
