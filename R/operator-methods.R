# Operators as functions of other packages take them. Methods are registered when these packages are loaded.

#' @exportS3Method RSpectra::eigs_sym
eigs_sym.rkeops_operator <- function(A, k, which = "LM", sigma = NULL, opts = list(), lower = TRUE, ...) {
  call <- call_of("eigs_sym", sys.call())
  refuse_shift(sigma, call)
  state <- operator_state(A)
  check_square_operator(A, call)
  if (is.null(state$by)) check_symmetric(list(a = state$K, operator = state, call = call))
  RSpectra::eigs_sym(of_vector(A), k, which = which, opts = opts, n = nrow(A))
}

#' @exportS3Method RSpectra::eigs
eigs.rkeops_operator <- function(A, k, which = "LM", sigma = NULL, opts = list(), ...) {
  call <- call_of("eigs", sys.call())
  refuse_shift(sigma, call)
  check_square_operator(A, call)
  RSpectra::eigs(of_vector(A), k, which = which, opts = opts, n = nrow(A))
}

#' @exportS3Method RSpectra::svds
svds.rkeops_operator <- function(A, k, nu = k, nv = k, opts = list(), ...) {
  RSpectra::svds(of_vector(A), k, nu = nu, nv = nv, opts = opts, Atrans = of_vector(t(A)), dim = dim(A))
}

#' @exportS3Method RSpectra::eigs_sym
eigs_sym.LazyTensor <- function(A, k, ...) eigs_sym.rkeops_operator(operator(A), k, ...)

#' @exportS3Method RSpectra::eigs
eigs.LazyTensor <- function(A, k, ...) eigs.rkeops_operator(operator(A), k, ...)

#' @exportS3Method RSpectra::svds
svds.LazyTensor <- function(A, k, ...) svds.rkeops_operator(operator(A), k, ...)

of_vector <- function(A) {
  state <- operator_state(A)
  function(v, args) as.vector(apply_operator(state, v, NULL))
}

refuse_shift <- function(sigma, call) {
  if (is.null(sigma)) return(invisible())
  rkeops_abort("unsupported", "eigenvalues near `sigma` need the inverse of the matrix", call = call, argument = "sigma",
               hint = "Leave out `sigma`; which = \"SA\" asks for the smallest ones.")
}

check_square_operator <- function(A, call) {
  if (nrow(A) == ncol(A)) return(invisible())
  rkeops_abort("dimension", sprintf("`A` is %s, eigenvalues are those of square matrices", paste(dim(A), collapse = " x ")),
               call = call, argument = "A", hint = "svds() gives singular values.")
}
