# Derivatives as LazyTensors: the differential operators of the formula language, at each pair (i, j).

#' Derivatives as LazyTensors
#'
#' The derivatives of the vectors of a LazyTensor with respect to one of its variables, pair by pair, as LazyTensors:
#' parts of further formulas, such as score functions, kernels of Stein discrepancies, or energies of fields. Nothing
#' is reduced; for derivatives of sums and other reductions see [gradients()], which needs fewer passes.
#'
#' @details With f(v) the vector at (i, j), of dimension D, and J its Jacobian matrix:
#' * `differential(f, v, u)`: J u, the change of f when v changes by u (`Diff` in formula text);
#' * `adjoint(f, v, e)`: the transpose of J times e, the gradient of `sum(e * f)` (`Grad`). With D = 1 this is the
#'   gradient of f;
#' * `grad_matrix(f, v)`: J, row by row (`GradMatrix`), for [matvecmult()] and its like;
#' * `divergence(f, v)`: the trace of J, where f has the dimension of v;
#' * `laplacian(f, v)`: the divergence of the gradient, for D = 1.
#'
#' The operators of formula text for linear formulas are special cases: `AdjointOperator(f, v, u)` is
#' `adjoint(f, v, u)`, `TraceOperator(f, v, w)` is `divergence(w * f, v)`, and `SumLinOperator(f, v, l, r)` is
#' `l | differential(f, v, r)`.
#'
#' A variable that occurs as rows i and as rows j is two variables: `laplacian(k(x_i, x_j), x_i)` differentiates with
#' respect to the first argument of the kernel k.
#'
#' [diff()] takes lagged differences in R and has nothing to do with this. `pracma` has functions `laplacian()` and
#' `grad()` of other meaning: write `rkeops::laplacian()` where both packages are attached.
#'
#' @param f a LazyTensor.
#' @param v a variable of `f`: what `Vi()`, `Vj()` or `Pm()` returned.
#' @param u,e a LazyTensor, a number or a numeric vector: `u` of dimension 1 or that of `v`, `e` of dimension 1 or that
#'   of `f`. If `v` (or `f`) is complex, `u` (or `e`) may be, too.
#' @return A LazyTensor: of the dimension of `f` (`differential()`), of `v` (`adjoint()`), of both multiplied
#'   (`grad_matrix()`), else of dimension 1. Complex `f` and `v` are for `differential()` and `adjoint()`, which take
#'   real and imaginary parts as variables.
#'
#'   Errors: of class `rkeops_error_argument` if `v` is not a variable of `f`; `rkeops_error_dimension`;
#'   `rkeops_error_unsupported` if an operation in `f` has no derivative.
#' @seealso [gradients()], [jvp()] and [vjp()] for reductions.
#' @name lazytensor_derivatives
#' @concept automatic differentiation
#' @concept Laplacian
#' @concept divergence
#' @concept differential operators
#' @examples
#' x_i <- Vi(matrix(rnorm(10), 5))
#' y_j <- Vj(matrix(rnorm(14), 7))
#' K_ij <- exp(-sqdist(x_i, y_j) / 2)
#' sum(laplacian(K_ij, x_i), index = "j")
#' sum(adjoint(K_ij, x_i), index = "j")              # gradients(K_ij, x_i)$gradient
#' sum(divergence(x_i * K_ij, x_i), index = "j")
#' sum(differential(K_ij, x_i, u = c(1, 0)), index = "j")
NULL

#' @rdname lazytensor_derivatives
#' @export
differential <- function(f, v, u = 1) {
  call <- sys.call()
  require_given(call, f = missing(f), v = missing(v))
  id <- differentiated(f, v, call)
  u <- direction(u, "u", v, "v", call)
  new_derivative("Diff", f, id, list(u), declared_dim(f), is.ComplexLazyTensor(f), call)
}

#' @rdname lazytensor_derivatives
#' @export
adjoint <- function(f, v, e = 1) {
  call <- sys.call()
  require_given(call, f = missing(f), v = missing(v))
  id <- differentiated(f, v, call)
  e <- direction(e, "e", f, "f", call)
  new_derivative("Grad", f, id, list(e), declared_dim(v), is.ComplexLazyTensor(v), call)
}

#' @rdname lazytensor_derivatives
#' @export
grad_matrix <- function(f, v) {
  call <- sys.call()
  require_given(call, f = missing(f), v = missing(v))
  id <- differentiated(f, v, call, real = TRUE)
  new_derivative("GradMatrix", f, id, list(), f$dimres * v$dimres, FALSE, call)
}

#' @rdname lazytensor_derivatives
#' @export
divergence <- function(f, v) {
  call <- sys.call()
  require_given(call, f = missing(f), v = missing(v))
  id <- differentiated(f, v, call, real = TRUE)
  if (f$dimres != v$dimres) {
    rkeops_abort("dimension", sprintf("`f` has dimension %.0f, `v` has dimension %.0f", f$dimres, v$dimres),
                 call = call, argument = "f", hint = "Both must be equal.")
  }
  new_derivative("Divergence", f, id, list(), 1, FALSE, call)
}

#' @rdname lazytensor_derivatives
#' @export
laplacian <- function(f, v) {
  call <- sys.call()
  require_given(call, f = missing(f), v = missing(v))
  id <- differentiated(f, v, call, real = TRUE)
  if (f$dimres != 1) {
    rkeops_abort("dimension", sprintf("`f` has dimension %.0f, 1 is needed", f$dimres), call = call, argument = "f",
                 hint = "elem(f, k) is component k.")
  }
  new_derivative("Laplacian", f, id, list(), 1, FALSE, call)
}

# The name of diff() is that of lagged differences.
#' @export
diff.LazyTensor <- function(x, ...) {
  refuse_function("diff", call("diff", quote(x)), paste(
    "differential(f, v, u) is a differential. Differences of neighbouring components are",
    "extract(x, 2, D - 1) - extract(x, 1, D - 1)."
  ))
}

# The identifier of `v` in `f`.
differentiated <- function(f, v, call, real = FALSE) {
  check_lazytensor(f, "f", call)
  check_lazytensor(v, "v", call)
  if (real) {
    check_real(f, "f", call)
    check_real(v, "v", call)
  }
  variable_in(f, v, call, "v")
}

# What a derivative is applied to, with as many components as `like`.
direction <- function(x, arg, like, like_arg, call) {
  x <- as_operand(x, arg, call)
  if (is.ComplexLazyTensor(like)) x <- promote(x) else check_real(x, arg, call)
  if (x$dimres == like$dimres) return(x)
  if (x$dimres == 1) {
    return(if (is.ComplexLazyTensor(x)) complex_repeat(x, like$dimres) else compose("SumT", list(x), like$dimres))
  }
  rkeops_abort(
    "dimension", sprintf("`%s` has dimension %.0f, `%s` has dimension %.0f", arg, x$dimres, like_arg, like$dimres),
    call = call, argument = arg, hint = "Dimensions must be equal, or 1."
  )
}

# `dim` counts real components.
new_derivative <- function(operator, f, id, operands, dim, complex, call) {
  merged <- merge_operands(c(list(f), operands), call)
  formula <- sprintf("%s(%s)", operator, paste(c(merged$formulas[1L], id, merged$formulas[-1L]), collapse = ","))
  x <- new_lazytensor(formula, merged$args, merged$data, merged$labels, dim, merged$ni, merged$nj,
                      tokens = merged$tokens, definitions = merged$definitions)
  if (length(merged$masks) > 0L) x$mask <- merged$masks
  if (length(merged$blocks) > 0L) x$blocks <- merged$blocks
  check_formula(x, call)
  if (complex) as_complex(x) else x
}

# What only the parser finds, such as operations without a derivative, is an error where the formula is made.
check_formula <- function(x, call) lazy_program(x, "Sum", 1L, call)
