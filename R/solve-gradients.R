# Gradients through linear systems, by the implicit function theorem.

#' Gradients through solve()
#'
#' With `x = solve(a, b, ridge = ridge)`, the gradients of a number that depends on x, with respect to `b`, to `ridge` and
#' to the variables of `a`: for kernels whose parameters are fitted, or for networks with such a layer. One more system
#' with the same matrix is solved, whatever the number of variables, and no step of the solver is differentiated.
#'
#' If `e` is the gradient of the number with respect to x, then `w = solve(a, e)` is that with respect to `b`,
#' `-sum(w * x)` that with respect to `ridge`, and that with respect to a variable of `a` is the gradient of
#' `-sum(w * (a %*% x))`, with w and x as they are. If `e` is `b`, as in the quadratic form `b' x`, w is x, and nothing more is
#' solved.
#'
#' If `ridge` is a LazyTensor, such as `exp(2 * log_sigma)` with `log_sigma <- Pm(-1)`, its variables may be among those in `wrt`.
#'
#' @inheritParams solve.LazyTensor
#' @param wrt a variable of `a` or of `ridge`: what `Vi()`, `Vj()` or `Pm()` returned; or a list of them, see [gradients()]. In a kernel
#'   of points with themselves the points are two variables that are one matrix: `list(list(x_i, x_j))`. `NULL`: none.
#' @param e the gradient with respect to x: numbers of the shape of `b`, or one number for all entries; or a function of x
#'   that gives it. 1 for the sum of x.
#' @return A list of `x`, the solution; `gradient`, that with respect to `wrt`, as [gradients()] gives it; `b` and `ridge`,
#'   the gradients with respect to these; that of `ridge` is a number, or one for each row if `ridge` has a row for each.
#'
#'   Errors and warnings: as [solve()][solve.LazyTensor()] and [gradients()]; of class `rkeops_error_dimension` if `e` has
#'   not the shape of `b`.
#' @seealso [solve_objective()] for optimisers, [logdet_gradients()], [solve()][solve.LazyTensor()], [gradients()]
#' @seealso `vignette("recipes")`.
#' @concept implicit differentiation
#' @concept automatic differentiation
#' @concept Gaussian process
#' @concept hyperparameters
#' @concept ridge
#' @examples
#' points <- matrix(runif(100), 50)
#' y <- sin(6 * points[, 1])
#' h <- Pm(0.5)
#' K_ij <- exp(-sqdist(Vi(points), Vj(points)) / h)
#' # of |x|^2 / 2, whose gradient with respect to x is x
#' found <- solve_gradients(K_ij, y, h, e = function(x) x, ridge = 0.1)
#' found$gradient
#' found$ridge
#'
#' # the logarithm of the noise as a parameter
#' log_sigma <- Pm(-1)
#' solve_gradients(K_ij, y, list(h = h, s = log_sigma), e = y, ridge = exp(2 * log_sigma))$gradient
#' @export
solve_gradients <- function(a, b, wrt = NULL, e = 1, ridge = 0, tol = 1e-6, max_iterations = 1000, rank = NULL) {
  call <- sys.call()
  if (missing(b)) abort_missing("b", call)
  system <- new_system(a, ridge, tol, max_iterations, rank, call)
  rhs <- right_hand_side(b, "b", dim(a)[1L], call)
  shaped <- function(values) if (is.null(dim(b))) as.vector(values) else values
  variables <- variables_of_form(a, ridge, wrt, call)
  x <- solve_system(system, rhs)$x
  e <- adjoint_of_solution(e, shaped(x), x, call)
  w <- if (identical(e, unname(rhs))) x else solve_system(system, e)$x
  found <- gradients_of_form(a, ridge, x, -w, variables, call)
  list(x = shaped(x), gradient = found$gradient, b = shaped(w), ridge = found$ridge)
}

# `x` as the user sees it, `solution` as a matrix.
adjoint_of_solution <- function(e, x, solution, call) {
  if (is.function(e)) e <- e(x)
  e <- plain_numbers(e, "e", call)
  if (length(e) == 1L) e <- rep_len(e, length(solution))
  if (length(e) != length(solution) || (is.matrix(e) && !identical(dim(e), dim(solution)))) {
    rkeops_abort("dimension", sprintf("`e` must have the shape of `b`, %s", paste(dim(solution), collapse = " x ")),
                 got = paste("got", describe(e)), call = call, argument = "e")
  }
  check_finite(e, "e", call)
  matrix(as.double(e), nrow(solution))
}

# Variables of a and ridge: for each of the two what find_variables() says of it, with `places` in `wrt`.
variables_of_form <- function(a, ridge, wrt, call) {
  if (is.null(wrt)) return(NULL)
  folds <- parts_of_form(a, ridge, NULL, call)
  many <- !is.LazyTensor(wrt) && is.list(wrt)
  groups <- lapply(if (many) wrt else list(wrt), function(same) if (is.LazyTensor(same) || !is.list(same)) list(same) else same)
  if (length(groups) == 0L) find_variables(folds[[1L]], wrt, call)  # refuses it
  here <- lapply(folds, function(fold) lapply(groups, function(same) vapply(same, occurs_in, TRUE, fold)))
  for (k in seq_along(groups)) {
    nowhere <- !Reduce(`|`, lapply(here, `[[`, k))
    if (any(nowhere)) find_variables(folds[[1L]], groups[[k]][[which(nowhere)[1L]]], call)  # says so
  }
  list(many = many, groups = groups, parts = Map(function(fold, here) {
    places <- which(vapply(here, any, TRUE))
    c(list(places = places), if (length(places) > 0L) find_variables(fold, Map(`[`, groups[places], here[places]), call))
  }, folds, here))
}

occurs_in <- function(variable, fold) {
  whole <- c(list(formula = fold$f), fold[c("args", "data", "labels", "tokens", "definitions")])
  is.character(tryCatch(variable_in(whole, variable, NULL, "wrt"), rkeops_error = function(e) NULL))
}

# What depends on variables, as reductions: a %*% x, or a alone; and ridge.
parts_of_form <- function(a, ridge, x, call) {
  if (!is.null(x)) a <- apply_operation("Mult", list(a = a, x = Vj(x)), call = call)
  c(list(new_fold(a, "j", "Sum", NULL, call)), if (is.LazyTensor(ridge)) list(new_fold(ridge, NA, "Sum", NULL, call)))
}

# Of sum(w * (a %*% x + ridge * x)), with x and w as they are: list(gradient, ridge).
gradients_of_form <- function(a, ridge, x, w, variables, call, raw = FALSE) {
  x <- unname(x)
  w <- unname(w)
  of_ridge <- as_ridge(rowSums(w * x), ridge)
  list(gradient = if (!is.null(variables)) {
    gradients_of_parts(parts_of_form(a, ridge, x, call), list(w, of_ridge), variables, raw)
  }, ridge = of_ridge)
}

# The gradient with respect to ridge, from that with respect to each entry of the diagonal.
as_ridge <- function(by_row, ridge) {
  if ((if (is.LazyTensor(ridge)) max(dim(ridge)) else length(ridge)) > 1L) by_row else sum(by_row)
}

# Gradients of the sum of `e` times folds. `raw`: complex ones as formulas have them, re, im, re, im, ...
gradients_of_parts <- function(folds, e, variables, raw = FALSE) {
  total <- lapply(variables$groups, function(group) NULL)
  for (k in seq_along(folds)) {
    own <- variables$parts[[k]]
    if (length(own$places) == 0L) next
    if (raw) own$complex[] <- FALSE
    adjoint <- if (length(e[[k]]) > 1L) as.matrix(e[[k]]) else e[[k]]
    shaped <- shape_adjoints(reverse(folds[[k]], unlist(own$ids), adjoint, value = FALSE)$adjoints, own)
    for (m in seq_along(shaped)) {
      place <- own$places[m]
      total[[place]] <- if (is.null(total[[place]])) shaped[[m]] else total[[place]] + shaped[[m]]
    }
  }
  if (variables$many) total else total[[1L]]
}
