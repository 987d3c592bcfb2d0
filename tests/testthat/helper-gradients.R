# What the tests of gradients() and its relatives share: expressions of x_i, y_j, b_j and a parameter s, and the same as
# arrays m x n x D of plain numbers.
gradient_data <- function() {
  list(x = random_matrix(5, 2, 1), y = random_matrix(6, 2, 2), b = random_matrix(6, 2, 3), s = 0.7)
}

as_variables <- function(v) list(x = Vi(v$x), y = Vj(v$y), b = Vj(v$b), s = Pm(v$s))

outer_columns <- function(x, b) array(c(outer(x[, 1], b[, 1]), outer(x[, 2], b[, 2])), c(nrow(x), nrow(b), 2))

bumps <- list(
  variables = c("x", "y", "s"),
  lazy = function(v) exp(-v$s * sqdist(v$x, v$y)),
  dense = function(v) array(exp(-v$s * squared_distances(v$x, v$y)), c(nrow(v$x), nrow(v$y), 1))
)
vectors <- list(
  variables = c("x", "y", "b", "s"),
  lazy = function(v) exp(-v$s * sqdist(v$x, v$y)) * v$b + v$x,
  dense = function(v) c(bumps$dense(v)) * outer_columns(v$x * 0 + 1, v$b) + outer_columns(v$x, v$b * 0 + 1)
)
weights <- list(
  variables = c("x", "b", "s"),
  lazy = function(v) exp(v$s * v$b * v$x), dense = function(v) exp(v$s * outer_columns(v$x, v$b))
)
weight <- list(
  variables = c("x", "b", "s"),
  lazy = function(v) elem(weights$lazy(v), 1), dense = function(v) weights$dense(v)[, , 1, drop = FALSE]
)

# A reduction of an expression; `option` is K or an expression for the weight.
gradient_case <- function(reduction, f, option = NULL, index = "j") {
  weighted <- is.list(option)
  list(
    reduction = reduction, index = index, variables = union(f$variables, if (weighted) option$variables),
    f = f$lazy, option = if (weighted) option$lazy else function(v) option,
    dense = function(v) {
      reduce_array(reduction, f$dense(v), if (weighted) option$dense(v), option, if (index == "j") 1 else 2)
    }
  )
}

gradient_cases <- function() list(
  gradient_case("Sum", bumps), gradient_case("Sum", vectors, index = "i"),
  gradient_case("LogSumExp", bumps, index = "i"), gradient_case("LogSumExp", vectors),
  gradient_case("LogSumExp", bumps, weight),
  gradient_case("LogSumExpWeight", bumps, weights, "i"), gradient_case("SumSoftMaxWeight", bumps, weight, "i"),
  gradient_case("SumSoftMaxWeight", bumps, weights), gradient_case("Min", bumps),
  gradient_case("Max", vectors, index = "i"), gradient_case("KMin", bumps, 3, "i"),
  gradient_case("KMin_ArgKMin", vectors, 2), gradient_case("Max_ArgMax", bumps)
)

reduce_array <- function(reduction, f, w, k, kept) {
  fold <- function(a, g) apply(a, c(kept, 3), g)
  switch(sub("_.*", "", reduction),
    Sum = fold(f, sum), Min = fold(f, min), Max = fold(f, max),
    KMin = {
      values <- aperm(apply(f, c(kept, 3), function(v) sort(v)[seq_len(k)]), c(2, 1, 3))
      if (dim(values)[3] == 1) values[, , 1] else values
    },
    LogSumExp = , LogSumExpWeight = log(fold(if (is.null(w)) exp(f) else c(exp(f)) * w, sum)),
    SumSoftMaxWeight = fold(c(exp(f)) * w, sum) / c(fold(exp(f), sum))
  )
}

# A function of the package, such as vjp(), for a case and data.
derive <- function(what, case, data, ..., wrt = case$variables) {
  v <- as_variables(data)
  what(case$f(v), v[wrt], ..., index = case$index, reduction = case$reduction, opt_arg = case$option(v))
}

gradient_tangents <- function() {
  list(x = random_matrix(5, 2, 11), y = random_matrix(6, 2, 12), b = random_matrix(6, 2, 13), s = 0.4)
}

along_tangents <- function(data, names, t) {
  data[names] <- Map(function(values, tangent) values + t * tangent, data[names], gradient_tangents()[names])
  data
}
