# What the tests compute with plain R: data, F(i, j) for all pairs, reductions, finite differences.

# Multiples of `grid` in `range`: exact in float32 for the default grid; grid = 0: any numbers.
grid_matrix <- function(rows, columns, range = c(-2, 2), grid = 2^-10) {
  x <- stats::runif(rows * columns, range[1], range[2])
  if (grid > 0) x <- round(x / grid) * grid
  matrix(x, rows, columns)
}

# Data for variables a (Vi), b (Vj), c (Pm) of the given dimensions.
random_data <- function(dims, m, n, range = c(-2, 2), grid = 2^-10) {
  rows <- c(m, n, 1)[seq_along(dims)]
  data <- Map(function(r, d) grid_matrix(r, d, range, grid), rows, dims)
  stats::setNames(data, c("a", "b", "c")[seq_along(dims)])
}

declare <- function(dims) sprintf("%s(%d)", c("a=Vi", "b=Vj", "c=Pm")[seq_along(dims)], as.integer(dims))

# F for all pairs: array D x M x N.
all_pairs <- function(reference, data) {
  m <- nrow(data$a)
  n <- nrow(data$b)
  row <- function(x, i) if (nrow(x) > 0L) x[i, ] else numeric(ncol(x))
  at <- function(i, j) as.numeric(do.call(reference, Map(row, data, c(i, j, 1L)[seq_along(data)], USE.NAMES = FALSE)))
  dim <- length(at(1L, 1L))
  values <- vapply(seq_len(m * n), function(t) at((t - 1L) %% m + 1L, (t - 1L) %/% m + 1L), numeric(dim))
  array(values, c(dim, m, n))
}

# Applies f to the folded values of each output row and component: rows x ... matrix or array.
fold <- function(pairs, axis, f) {
  kept <- if (axis == 1) c(2L, 1L) else c(3L, 1L)
  apply(pairs, kept, f)
}

sum_pairs <- function(pairs, axis) {
  kept <- if (axis == 1) 2L else 3L
  dims <- dim(pairs)[c(kept, 1L)]
  if (any(dim(pairs) == 0L)) return(matrix(0, dims[1], dims[2]))
  matrix(apply(pairs, c(kept, 1L), sum), dims[1], dims[2])
}

# |actual - expected| <= tolerance * scale, entry by entry; NaN and Inf must agree exactly.
expect_near <- function(actual, expected, tolerance, scale = abs(expected), label = "") {
  if (!identical(dim(actual), dim(expected))) {
    return(fail(sprintf("%s: result is %s instead of %s", label, paste(dim(actual), collapse = " x "),
                        paste(dim(expected), collapse = " x "))))
  }
  same <- actual == expected | (is.na(actual) & is.na(expected))
  ok <- same | (is.finite(actual) & abs(actual - expected) <= tolerance * scale)
  bad <- which(is.na(ok) | !ok)
  expect(length(bad) == 0L, sprintf("%s: %d of %d entries are wrong, entry %s is %.17g instead of %.17g", label,
                                    length(bad), length(actual), bad[1], actual[bad[1]], expected[bad[1]]))
}

# Gradient in data[[variable]] of sum(e * f(data)), in the shape of the variable.
gradient_by_differences <- function(f, data, variable, e) {
  numeric_gradient(function(x) {
    data[[variable]] <- x
    f(data)
  }, data[[variable]], e)
}
