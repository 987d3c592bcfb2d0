# Products with a LazyTensor in loops: what does not change is prepared once.

#' Products with the same LazyTensor, again and again
#'
#' `operator(K)` is a function: `operator(K)(v)` is `K %*% v`, and `operator(K, index = "i")(v)` is `t(K) %*% v`. At its first
#' call it checks, compiles and packs all that K needs; each further call only takes the new `v`. It is meant for loops, such
#' as those of iterative solvers, eigenvalue methods and Sinkhorn's algorithm, where K is small enough for that to show: some
#' thousand rows. [solve()][solve.LazyTensor()] does it by itself.
#'
#' The function follows the options: after [rkeops_use_float32()] or the like it prepares itself anew, as it does when it comes
#' from a file or runs in another process. It keeps what it needs for the last four numbers of columns of `v`.
#'
#' @param K a real LazyTensor with the index that is summed over.
#' @param index `"j"`: sums over j, `K %*% v`; `"i"`: sums over i, `t(K) %*% v`.
#' @return A function of one argument, `v`: a numeric vector, matrix or data frame with one row per row that is summed over. It
#'   gives what `K %*% v` gives, and has the same errors.
#' @seealso [lazytensor_product]
#' @concept matrix-vector product
#' @concept linear operator
#' @concept iterative methods
#' @concept power iteration
#' @examples
#' x <- matrix(runif(200), 100)
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)))
#' multiply <- operator(K_ij)
#' # the largest eigenvalue
#' v <- rnorm(100)
#' for (step in 1:20) v <- multiply(v / sqrt(sum(v^2)))
#' sqrt(sum(v^2))
#' @export
operator <- function(K, index = "j") {
  call <- sys.call()
  state <- new_operator(check_lazytensor(K, "K", call), check_index(index, call), call)
  structure(function(v) apply_operator(state, v, sys.call()), class = c("rkeops_operator", "function"))
}

#' @export
print.rkeops_operator <- function(x, ...) {
  state <- environment(x)$state
  shape <- whole_text(dim(state$K))
  cat("operator of a", shape[1L], "x", shape[2L], "LazyTensor: v ->", if (state$axis == 1L) "K" else "t(K)", "%*% v\n")
  invisible(x)
}

# `evaluations`: those prepared, by number of columns, the last one first.
new_operator <- function(K, axis, call) {
  index <- c("i", "j")[axis + 1L]
  if (is.ComplexLazyTensor(K)) {
    rkeops_abort("unsupported", "`K` is complex", call = call, argument = "K",
                 hint = "Make operators of Re(K) and Im(K), or use K %*% v.")
  }
  rows <- if (axis == 1L) K$nj else K$ni
  check_summed(rows, "K", index, call)
  list2env(list(K = K, axis = axis, index = index, rows = rows, evaluations = list(), last = NULL), parent = emptyenv())
}

apply_operator <- function(state, v, call) {
  names <- colnames(v) %||% state$components
  if (is.object(v) || !is.numeric(v) || length(dim(v)) > 2L) v <- as.matrix(plain_numbers(v, "v", call))
  if (NROW(v) != state$rows) {
    shape <- if (state$axis == 1L) "columns" else "rows"
    check_conformable(state$rows, NROW(v), "the LazyTensor", shape, "the matrix", "rows", call)
  }
  values <- multiply_prepared(state, v, call)
  if (is.null(names) && is.null(state$names)) values else with_row_names(values, state$names, names)
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
    evaluation <- prepare_product(state, NCOL(v), call)
    state$evaluations <- utils::head(c(stats::setNames(list(evaluation), width), state$evaluations), 4L)
    values <- rk_run_prepared(evaluation, v, NULL)
  }
  state$last <- state$evaluations[[width]]
  values
}

# A variable of its own stands for v, so that setting it changes nothing else.
prepare_product <- function(state, columns, call) {
  v <- make_lazytensor(matrix(0, state$rows, columns), state$index, FALSE, "v", call)
  product <- apply_operation("Mult", list(K = state$K, v = v), call = call)
  if (has_mask(product)) product <- leave_out(product, NULL, "Sum")$x
  state$names <- row_names_of(product$data, categories_of(product$args), c("Vj", "Vi")[state$axis + 1L])
  state$components <- product$components
  position <- match(v$args, product$args) - 1L
  formula <- sprintf("Sum_Reduction(%s,%d)", product$formula, state$axis)
  evaluated(rk_prepare(formula, product$args, product$definitions, product$data, product$tokens,
                       engine_blocks(product$blocks), position), product, call)
}
