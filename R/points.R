# Points and bandwidths that methods are given.

# Points as rows of a plain matrix of numbers, with its names. A vector is one column.
points_of <- function(x, arg, call) {
  if (missing(x)) abort_missing(arg, call)
  if (is.LazyTensor(x)) abort_argument(arg, "a matrix of numbers", x, call, hint = "Give the data, not a LazyTensor.")
  values <- plain_numbers(x, arg, call)
  if (length(dim(values)) > 2L) abort_argument(arg, "a matrix of numbers", x, call, kind = "dimension")
  if (length(values) == 0L) abort_argument(arg, "at least one point", x, call, kind = "dimension")
  points <- matrix(as.double(values), NROW(values), NCOL(values),
                   dimnames = if (length(dim(values)) == 2L) dimnames(values) else if (!is.null(names(values))) list(names(values), NULL))
  bad <- which(!is.finite(points))[1L]
  if (is.na(bad)) return(points)
  column <- (bad - 1) %/% nrow(points) + 1
  rkeops_abort(
    "input", sprintf("`%s` has missing or infinite values", arg), call = call, argument = arg,
    got = sprintf("%s in row %.0f of column %s", number_text(points[bad]), (bad - 1) %% nrow(points) + 1,
                  if (is.null(colnames(points))) sprintf("%.0f", column) else sprintf("`%s`", colnames(points)[column])),
    hint = "Leave such rows out: x[complete.cases(x), ]."
  )
}

# Points of another set in the same space. Columns with the names of those of `x` are taken by name, others in their order;
# names of which only some are the same are a mistake.
points_beside <- function(y, x, arg, arg_x, call) {
  if (missing(y)) abort_missing(arg, call)
  names <- if (all(nzchar(colnames(x)))) colnames(x)
  by_name <- !is.null(names) && !anyDuplicated(names) && all(names %in% colnames(y)) && length(dim(y)) == 2L
  points <- points_of(if (by_name) y[, names, drop = FALSE] else y, arg, call)
  if (ncol(points) != ncol(x)) {
    rkeops_abort("dimension", sprintf("`%s` and `%s` have %d and %d columns", arg, arg_x, ncol(points), ncol(x)),
                 call = call, argument = arg, hint = "Both are points in the same space.")
  }
  if (!by_name && any(names %in% colnames(points))) {
    rkeops_abort("input", sprintf("`%s` must have the columns of `%s`", arg, arg_x), call = call, argument = arg,
                 got = paste("got", toString(colnames(points))), hint = paste("The columns are", toString(names)))
  }
  points
}

# A positive number, or one for each of `columns` columns.
check_positive <- function(h, arg, call, columns = 1L) {
  if (missing(h)) abort_missing(arg, call)
  plain <- is.numeric(h) && !is.object(h) && is.null(dim(h)) && length(h) > 0L
  if (!plain || !all(is.finite(h)) || any(h <= 0)) {
    abort_argument(arg, if (columns == 1L) "a positive number" else "a positive number, or one for each column", h, call)
  }
  if (length(h) %in% c(1L, columns)) return(as.double(h))
  if (columns == 1L) abort_argument(arg, "a positive number", h, call)
  rkeops_abort("dimension", sprintf("`%s` has length %d, there are %d columns", arg, length(h), columns), call = call,
               argument = arg, hint = "Give one number, or one for each column.")
}

# Weights of `rows` points: not negative, not all 0.
check_weights <- function(w, rows, arg, call) {
  weights <- as.double(plain_numbers(w, arg, call))
  if (length(weights) != rows) {
    rkeops_abort("dimension", sprintf("`%s` has length %d, there are %d points", arg, length(weights), rows), call = call,
                 argument = arg)
  }
  check_finite(weights, arg, call)
  if (any(weights < 0) || sum(weights) == 0) {
    abort_argument(arg, "weights that are not negative, and not all 0", w, call)
  }
  weights
}
