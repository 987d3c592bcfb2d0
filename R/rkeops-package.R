#' rkeops: reductions of huge symbolic matrices
#'
#' Computes `a_i = reduction over j of F(x_i, y_j)` for millions of rows without storing a matrix of all pairs (i,
#' j), and gradients of such reductions. A formula is compiled when it is used first, by the C compiler that R uses,
#' and kept for later sessions. No Python and no configuration is needed.
#'
#' Where to start: `vignette("rkeops")`; `browseVignettes("rkeops")` shows all of them, with pictures.
#'
#' * [LazyTensor()]: symbolic matrices, from which ordinary R expressions make formulas;
#'   [their operators][lazytensor_operators], [functions][lazytensor_functions], [reductions][lazytensor_reductions] and
#'   [products][lazytensor_product].
#' * [gradients()]: values and gradients of reductions; [objective()]: functions for [stats::optim()].
#' * [solve()][solve.LazyTensor]: linear systems whose matrix is a LazyTensor, as in kriging; [matern()] covariances.
#' * [keops_kernel()]: formulas written as text, made of [these operations][rkeops_operations]; [keops_grad()] for
#'   their gradients.
#' * [check_rkeops()]: is everything in place?
#' * [rkeops_use_float32()], [rkeops_use_cpu()], [rkeops_use_gpu()] and [all other options][rkeops_options].
#' * [get_rkeops_cache_dir()]: where compiled kernels are kept.
#' * [Errors and how to catch them][rkeops_errors].
#'
#' Vignettes: `"rkeops"`, `"lazytensor"`, `"formulas"`, `"gradients"`; `"recipes"`, `"kernel-interpolation"`,
#' `"neighbours-and-clusters"`; `"gpu-precision"`, `"speed"`, `"from-rkeops-2"`, `"extending"`.
#'
#' The package re-creates the interface of RKeOps 2, the R package of the project
#' [KeOps](https://www.kernel-operations.io/), with an engine of its own: `citation("rkeops")` has the papers.
#'
#' @concept kernel methods
#' @concept density estimation
#' @concept kernel regression
#' @concept kriging
#' @concept Gaussian process
#' @concept nearest neighbour
#' @concept k-means
#' @concept two-sample test
#' @concept optimal transport
#' @concept automatic differentiation
#' @concept KeOps
#' @examples
#' x <- matrix(runif(300), 100)
#' y <- matrix(runif(600), 200)
#' K_ij <- exp(-sqdist(Vi(x), Vj(y)))   # 100 x 200, nothing computed yet
#' sums <- sum(K_ij, index = "j")       # 100 x 1
#' @useDynLib rkeops, .registration = TRUE
#' @importFrom Rcpp evalCpp
#' @importFrom stats step
#' @importFrom methods Math2 Ops setMethod setOldClass show
#' @keywords internal
"_PACKAGE"
