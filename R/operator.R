# Products with a LazyTensor in loops: what does not change is prepared once.

#' Products with the same LazyTensor, again and again
#'
#' `A <- operator(K)` is a matrix and a function: `A %*% v` and `A(v)` are `K %*% v`, and `t(A)` is that of `t(K)`. At its first
#' product it checks, compiles and packs all that K needs; each further one only takes the new `v`. It is meant for loops, such
#' as those of iterative solvers, eigenvalue methods and Sinkhorn's algorithm, where K is small enough for that to show: some
#' thousand rows. [solve()][solve.LazyTensor()] does it by itself.
#'
#' Functions that need products only take it: `RSpectra::eigs_sym(A, k)`, `RSpectra::eigs(A, k)` and `RSpectra::svds(A, k)` (for
#' which there are methods, also of LazyTensors), and `irlba::irlba(A, k)`.
#'
#' With `by`, a variable of K, the argument takes the place of that variable: `operator(F, by = b_j)(v)` is `sum(F, index = "j")`
#' with v as the data of `b_j`. So `F` may be any formula that is linear in b_j, such as `matvecmult(M_ij, b_j)` with
#' matrices M_ij. (As a function it may even be one that is not.) Where vectors v_j have several components, `A %*% v` takes them
#' one below the other, all first components first, and gives the result so too; `dim(A)` counts them all.
#'
#' The operator follows the options: after [rkeops_use_float32()] or the like it prepares itself anew, as it does when it comes
#' from a file or runs in another process. It keeps what it needs for the last four numbers of columns of `v`.
#'
#' @param K a real LazyTensor with the index that is summed over.
#' @param index `"j"`: sums over j, `K %*% v`; `"i"`: sums over i, `t(K) %*% v`.
#' @param by `NULL`, or the variable that stands for the vectors: what `Vi()`, `Vj()` or `Pm()` returned.
#' @return An object of class `rkeops_operator`, a function of one argument, `v`: a numeric vector, matrix or data frame with one
#'   row per row that is summed over. It gives what `K %*% v` gives, and has the same errors. With `by`, `v` may also have the shape
#'   of the variable, and the result that of the sum. `v %*% A` is `t(t(A) %*% t(v))`.
#' @aliases %*%,rkeops_operator,ANY-method %*%,ANY,rkeops_operator-method show,rkeops_operator-method
#' @seealso [lazytensor_product]; `RSpectra::eigs_sym()`, `irlba::irlba()`.
#' @concept matrix-vector product
#' @concept linear operator
#' @concept matrix-free
#' @concept iterative methods
#' @concept power iteration
#' @concept eigenvalues
#' @concept singular value decomposition
#' @examples
#' x <- matrix(runif(200), 100)
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)))
#' A <- operator(K_ij)
#' # the largest eigenvalue
#' v <- rnorm(100)
#' for (step in 1:20) v <- A %*% (v / sqrt(sum(v^2)))
#' sqrt(sum(v^2))
#' if (requireNamespace("RSpectra", quietly = TRUE)) RSpectra::eigs_sym(A, 3)$values
#'
#' # matrices x_i y_j' + |x_i - y_j|^2 that act on vectors
#' b_j <- Vj(matrix(0, 100, 2))
#' B <- operator(Vi(x) * sum(Vj(x) * b_j) + sqdist(Vi(x), Vj(x)) * b_j, by = b_j)
#' dim(B)
#' B(matrix(1, 100, 2))[1:2, ]
#' @export
operator <- function(K, index = "j", by = NULL) {
  call <- sys.call()
  new_operator_function(new_operator(check_lazytensor(K, "K", call), check_index(index, call), call, by))
}

new_operator_function <- function(state) {
  force(state)
  A <- structure(function(v) apply_operator(state, v, sys.call()), class = c("rkeops_operator", "function"))
  if (needs_s4_bit) asS4(A) else A
}

operator_state <- function(A) environment(A)$state

#' @export
print.rkeops_operator <- function(x, ...) {
  state <- operator_state(x)
  shape <- whole_text(dim(state$K))
  cat("operator of a", shape[1L], "x", shape[2L], "LazyTensor: v ->",
      if (!is.null(state$by)) sprintf("its sum over %s, with v as a variable\n", state$index)
      else paste(if (state$axis == 1L) "K" else "t(K)", "%*% v\n"))
  invisible(x)
}

#' @export
dim.rkeops_operator <- function(x) {
  state <- operator_state(x)
  rows <- if (state$axis == 1L) state$K$ni else state$K$nj
  shape <- c(if (is.na(rows)) 1 else rows, state$rows) * c(state$K$dimres, state$width)
  if (all(shape <= .Machine$integer.max)) as.integer(shape) else shape
}

#' @export
t.rkeops_operator <- function(x) {
  state <- operator_state(x)
  if (is.null(state$transposed)) {
    call <- call_of("t", sys.call())
    if (!is.null(state$by)) {
      rkeops_abort("unsupported", "an operator with `by` has no transpose", call = call,
                   hint = "vjp() applies the adjoint of a reduction.")
    }
    state$transposed <- new_operator_function(new_operator(state$K, 1L - state$axis, call))
    environment(state$transposed)$state$transposed <- x
  }
  state$transposed
}

# x %*% y of which one is an operator.
multiply_operator <- function(x, y, call) {
  if (inherits(x, "rkeops_operator")) return(apply_operator(operator_state(x), y, call))
  rows <- if (is.null(dim(x)) && length(x) == nrow(y)) matrix(x) else base::t(as.matrix(x))
  base::t(apply_operator(operator_state(t.rkeops_operator(y)), rows, call))
}

#' @rawNamespace if (getRversion() >= "4.3.0") S3method(matrixOps, rkeops_operator)
matrixOps.rkeops_operator <- function(x, y) {
  call <- sys.call()
  switch(.Generic,
    "%*%" = multiply_operator(x, y, call),
    crossprod = multiply_operator(t(x), y, call),
    tcrossprod = multiply_operator(x, t(y), call),
    refuse_function(.Generic, call)
  )
}

# `evaluations`: those prepared, by number of columns, the last one first. `width`: components of the vectors.
new_operator <- function(K, axis, call, by = NULL) {
  index <- c("i", "j")[axis + 1L]
  if (is.ComplexLazyTensor(K)) {
    rkeops_abort("unsupported", "`K` is complex", call = call, argument = "K",
                 hint = "Make operators of Re(K) and Im(K), or use K %*% v.")
  }
  rows <- if (axis == 1L) K$nj else K$ni
  check_summed(rows, "K", index, call)
  state <- list2env(list(K = K, axis = axis, index = index, rows = rows, width = 1, evaluations = list(), last = NULL),
                    parent = emptyenv())
  if (!is.null(by)) {
    if (is.ComplexLazyTensor(by)) abort_argument("by", "real", by, call)
    state$by <- variable_in(K, by, call, "by")
    data <- K$data[[match(state$by, identifier(K$args))]]
    state$rows <- NROW(data)
    state$width <- NCOL(data)
  }
  state
}

apply_operator <- function(state, v, call) {
  names <- colnames(v) %||% state$components
  if (is.object(v) || !is.numeric(v) || length(dim(v)) > 2L) v <- as.matrix(plain_numbers(v, "v", call))
  if (!is.null(state$by)) return(apply_by(state, v, call))
  if (NROW(v) != state$rows) {
    shape <- if (state$axis == 1L) "columns" else "rows"
    check_conformable(state$rows, NROW(v), "the LazyTensor", shape, "the matrix", "rows", call)
  }
  values <- multiply_prepared(state, v, call)
  if (is.null(names) && is.null(state$names)) values else with_row_names(values, state$names, names)
}

# `v` is what the variable holds, or has all its components in each column.
apply_by <- function(state, v, call) {
  if (identical(dim(v), as.integer(c(state$rows, state$width)))) return(multiply_prepared(state, v, call))
  check_conformable(state$rows * state$width, NROW(v), "the operator", "columns", "the matrix", "rows", call)
  columns <- lapply(seq_len(NCOL(v)), function(k) {
    as.vector(multiply_prepared(state, matrix(as.matrix(v)[, k], state$rows, state$width), call))
  })
  matrix(unlist(columns), ncol = NCOL(v))
}

# The product without names.
multiply_prepared <- function(state, v, call) {
  values <- rk_run_prepared(state$last, v, NULL)
  if (is.null(values)) values <- multiply_anew(state, v, call)
  if (is.object(values)) unwrap(values, call, written = FALSE) else values
}

multiply_anew <- function(state, v, call) {
  width <- as.character(NCOL(v))
  values <- rk_run_prepared(state$evaluations[[width]], v, NULL)
  if (is.null(values)) {
    state$evaluations[[width]] <- NULL
    evaluation <- if (is.null(state$by)) prepare_product(state, NCOL(v), call) else prepare_sum(state, state$K, state$by, call)
    state$evaluations <- utils::head(c(stats::setNames(list(evaluation), width), state$evaluations), 4L)
    values <- rk_run_prepared(evaluation, v, NULL)
  }
  state$last <- state$evaluations[[width]]
  values
}

# A variable of its own stands for v, so that setting it changes nothing else.
prepare_product <- function(state, columns, call) {
  v <- make_lazytensor(matrix(0, state$rows, columns), state$index, FALSE, "v", call)
  prepare_sum(state, apply_operation("Mult", list(K = state$K, v = v), call = call), identifier(v$args), call)
}

# The sum of `x`, in which `changing` is going to change.
prepare_sum <- function(state, x, changing, call) {
  if (has_mask(x)) x <- leave_out(x, NULL, "Sum")$x
  state$names <- row_names_of(x$data, categories_of(x$args), c("Vj", "Vi")[state$axis + 1L])
  state$components <- x$components
  formula <- sprintf("Sum_Reduction(%s,%d)", x$formula, state$axis)
  evaluated(rk_prepare(formula, x$args, x$definitions, x$data, x$tokens, engine_blocks(x$blocks),
                       match(changing, identifier(x$args)) - 1L), x, call)
}
