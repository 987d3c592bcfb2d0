# Linear systems whose matrix is a LazyTensor.

#' Solve linear systems of LazyTensors
#'
#' `solve(K, b)` gives the x with `K %*% x = b`, and with `ridge` that of `K %*% x + ridge * x = b`, for a symmetric
#' positive definite K such as a kernel matrix of points with themselves. K is never stored: conjugate gradients take
#' one product `K %*% p` for each step.
#'
#' @section Steps: The larger `ridge`, the fewer steps. Columns of `b` are solved together, each one in the space that all of
#' them have searched, which takes far fewer steps than one after the other.
#'
#' A preconditioner takes most steps away where the kernel is smooth. It is made of `rank` columns of K, a Cholesky decomposition
#' with pivots in blocks, and `ridge`. By default columns are added as long as the steps that they are expected to save cost more,
#' which depends on the data and on sizes, not on how fast the machine happens to be. `details = TRUE` tells the rank.
#'
#' @section Accuracy: Conjugate gradients only know an estimate of their residual. So `solve()` computes
#' `b - K %*% x - ridge * x` in the end, in `float64` and with all pairs whatever the options say, and goes on from there until
#' `tol` is reached. So the products in between may be inaccurate: `tolerance` is that of the sums in them, see **Tolerance** in
#' [lazytensor_reductions], which makes them faster where most pairs hardly matter.
#'
#' @section Not positive definite: Without a positive `ridge`, K has to be positive definite: points that occur twice make it
#' singular, and smooth kernels of points that are near each other nearly so. What rounding makes of that ends in a warning, that no
#' better residual was reached; what is clearly negative in an error. `method = "minres"` (minimal residuals) solves symmetric
#' systems that are indefinite, such as those of distances, without preconditioner. If the system is singular and `b` fits, it
#' gives one of the solutions.
#'
#' In interactive sessions steps and residual are shown from the second second on.
#'
#' @param a a LazyTensor of dimension 1 with as many rows i as j, symmetric and positive definite.
#' @param b a vector, or a matrix of right-hand sides, with one row per row of `a`.
#' @param ridge what is added to the diagonal: a number, at least 0, or one for each row. A LazyTensor of one index or none
#'   stands for its values; [solve_gradients()] differentiates through it.
#' @param tol a column is solved when the norm of its residual is at most `tol` times that of `b`.
#' @param max_iterations largest number of steps.
#' @param rank number of columns of K that the preconditioner is made of; `NULL`: as many as pay; 0: no preconditioner.
#' @param method `"cg"`: conjugate gradients; `"minres"`: for systems that are symmetric, but not positive definite.
#' @param tolerance from 0 to below 1, by how much sums in the steps may be off; `NULL`: as the option `tolerance` says.
#' @param details `TRUE`: give a list with `x`; `iterations`, the number of steps; `residual`, the norm of the
#'   residual of each column relative to that of `b`; and `rank`, that of the preconditioner.
#' @param ... not used.
#' @return x: a vector or matrix like `b`; a list if `details` is `TRUE`. A warning of class `rkeops_warning` tells the
#'   residual if `tol` was not reached.
#'
#'   Errors: of class `rkeops_error_dimension` if shapes do not fit, `rkeops_error_input` if there are missing or infinite
#'   values, `rkeops_error_argument` if `a` turns out not to be symmetric or not to be positive definite.
#' @references M. R. Hestenes, E. Stiefel (1952), Methods of conjugate gradients for solving linear systems.
#'
#'   H. Ji, Y. Li (2017), A breakdown-free block conjugate gradient method. BIT Numerical Mathematics 57.
#'
#'   C. C. Paige, M. A. Saunders (1975), Solution of sparse indefinite systems of linear equations.
#' @seealso [logdet()], [solve_gradients()] and [solve_objective()] for derivatives, [operator()] for methods of your own.
#' @seealso [matern()] for covariances, [lazytensor_product] for predictions; `vignette("kernel-interpolation")`.
#' @concept kriging
#' @concept Gaussian process
#' @concept ridge
#' @concept kernel ridge regression
#' @concept interpolation
#' @concept smoothing spline
#' @concept radial basis functions
#' @concept spatial statistics
#' @concept conjugate gradients
#' @concept linear system
#' @concept preconditioner
#' @concept indefinite system
#' @concept several right-hand sides
#' @examples
#' x <- matrix(runif(200))
#' y <- sin(6 * x) + rnorm(200) / 10
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)) / 0.02)
#' a <- solve(K_ij, y, ridge = 0.1)
#' # steps without and with a preconditioner
#' solve(K_ij, y, ridge = 0.1, rank = 0, details = TRUE)$iterations
#' solve(K_ij, y, ridge = 0.1, rank = 20, details = TRUE)$iterations
#'
#' # the fitted curve
#' new <- matrix(seq(0, 1, length.out = 5))
#' exp(-sqdist(Vi(new), Vj(x)) / 0.02) %*% a
#'
#' # noise that differs from row to row
#' w <- solve(K_ij, y, ridge = runif(200, 0.1, 1))
#' @export
solve.LazyTensor <- function(a, b, ..., ridge = 0, tol = 1e-6, max_iterations = 1000, rank = NULL, method = "cg",
                             tolerance = NULL, details = FALSE) {
  call <- call_of("solve", sys.call())
  check_dots("solve", c("ridge", "tol", "max_iterations", "rank", "method", "tolerance", "details"), ..., call = call)
  check_flag(details, "details", call)
  if (missing(b)) {
    abort_missing("b", call,
                  "solve(a, b) is the product of the inverse with b; the inverse itself would be a dense matrix.")
  }
  system <- new_system(a, ridge, tol, max_iterations, rank, call, method, tolerance)
  found <- solve_system(system, right_hand_side(b, "b", dim(a)[1L], call))
  x <- if (is.null(dim(b))) as.vector(found$x) else found$x
  if (!details) return(x)
  list(x = x, iterations = found$iterations, residual = found$residual, rank = as.integer(system$P$rank))
}
