# Gradients through linear systems, by the implicit function theorem.

#' Gradients through solve()
#'
#' With `x = solve(a, b, ridge = ridge)`, the gradients of a number that depends on x, with respect to `b`, to `ridge` and
#' to the variables of `a`: for kernels whose parameters are fitted, or for networks with such a layer. One more system
#' with the same matrix is solved, whatever the number of variables, and no step of the solver is differentiated.
#'
#' If `e` is the gradient of the number with respect to x, then `w = solve(a, e)` is that with respect to `b`,
#' `-sum(w * x)` that with respect to `ridge`, and that with respect to a variable of `a` is the gradient of
#' `-sum(w * (a %*% x))`, with w and x as they are.
#'
#' @inheritParams solve.LazyTensor
#' @param wrt a variable of `a`: what `Vi()`, `Vj()` or `Pm()` returned; or a list of them, see [gradients()]. In a kernel
#'   of points with themselves the points are two variables that are one matrix: `list(list(x_i, x_j))`. `NULL`: none.
#' @param e the gradient with respect to x: numbers of the shape of `b`, or one number for all entries; or a function of x
#'   that gives it. 1 for the sum of x.
#' @return A list of `x`, the solution; `gradient`, that with respect to `wrt`, as [gradients()] gives it; `b` and `ridge`,
#'   the gradients with respect to these.
#'
#'   Errors and warnings: as [solve()][solve.LazyTensor()] and [gradients()]; of class `rkeops_error_dimension` if `e` has
#'   not the shape of `b`.
#' @seealso [solve()][solve.LazyTensor()], [gradients()]
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
#' @export
solve_gradients <- function(a, b, wrt = NULL, e = 1, ridge = 0, tol = 1e-6, max_iterations = 1000, rank = 0) {
  call <- sys.call()
  if (missing(b)) abort_missing("b", call)
  system <- new_system(a, ridge, tol, max_iterations, rank, call)
  rhs <- right_hand_side(b, "b", dim(a)[1L], call)
  shaped <- function(values) if (is.null(dim(b))) as.vector(values) else values
  if (!is.null(wrt)) find_variables(new_fold(a, "j", "Sum", NULL, call), wrt, call)
  x <- solve_system(system, rhs)$x
  w <- solve_system(system, adjoint_of_solution(e, shaped(x), x, call))$x
  list(
    x = shaped(x),
    gradient = if (!is.null(wrt)) gradient_of_product(a, x, w, wrt, call),
    b = shaped(w),
    ridge = -sum(w * x)
  )
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

# Of -sum(w * (a %*% x)).
gradient_of_product <- function(a, x, w, wrt, call) {
  fold <- new_fold(apply_operation("Mult", list(a = a, x = Vj(unname(x))), call = call), "j", "Sum", NULL, call)
  variables <- find_variables(fold, wrt, call)
  shape_adjoints(reverse(fold, unlist(variables$ids), -unname(w), value = FALSE)$adjoints, variables)
}
