# Pairs (i, j) in which a condition holds, as many as there are.

#' Which pairs (i, j) satisfy a condition?
#'
#' `pairs_where(K_ij < r)` is what `which(as.matrix(K_ij) < r, arr.ind = TRUE)` would give, without the matrix: the row
#' numbers i and j of all pairs in which the condition is true. (`which()` of base R is no generic function, so it
#' cannot be asked itself.) `sparse(K_ij, where = K_ij < r)` is the matrix of the values of `K_ij` in these pairs, and
#' nothing elsewhere, as [Matrix::dgCMatrix-class].
#'
#' Memory is proportional to the number of pairs found: 12 to 24 bytes each while they are looked for, and the result.
#' Boxes of rows and columns in which the condition is surely false are not visited, see `geometry` in
#' [set_rkeops_options()], so that neighbours within a small radius among a million points take seconds. Comparisons
#' with NaN are false. It is always computed on the CPU, also where the option `backend` is a GPU.
#'
#' @param condition,where a LazyTensor of truth values, such as `K_ij < r`, with both indices.
#' @param value a LazyTensor of dimension 1, or a number: its values in the pairs are given, too.
#' @param x a LazyTensor of dimension 1: the values of the matrix.
#' @param blocks which pairs are looked at: what [blocks()], [blocks_within()] or the like give. `NULL`: all.
#' @param max_pairs refuse results with more pairs than that. R can hold 2^31 - 1 of them.
#' @return `pairs_where()`: an integer matrix with the columns i and j and one row for each pair, sorted by i, then j;
#'   with `value` a data frame with the columns `i`, `j` and `value`. Row numbers count from 1. `sparse()`: a sparse
#'   matrix M x N with the row names of the data; values that are 0 are stored where the condition is true.
#'
#'   Errors: of class `rkeops_error_memory` if there are more pairs than `max_pairs`, or than memory has room for,
#'   raised before that memory is taken; `rkeops_error_argument` if the condition is no truth value, or lacks an index;
#'   `rkeops_error_dimension` for dimensions other than 1.
#' @seealso [frnn()] for neighbours within a radius, [off_diagonal()] to leave out the pairs i = j, [lazytensor_entries]
#'   for ordinary matrices.
#' @concept which
#' @concept sparse matrix
#' @concept adjacency matrix
#' @concept neighbourhood graph
#' @concept fixed radius
#' @examples
#' x <- matrix(runif(40), 20)
#' D_ij <- sqdist(Vi(x), Vj(x))
#' pairs_where(off_diagonal(D_ij) < 0.1^2)
#' pairs_where(D_ij < 0.1^2, value = sqrt(D_ij))
#' if (requireNamespace("Matrix", quietly = TRUE)) sparse(exp(-D_ij), where = D_ij < 0.1^2)
#' @export
pairs_where <- function(condition, value = NULL, blocks = NULL, max_pairs = 1e8) {
  call <- sys.call()
  if (!is.null(value)) value <- as_operand(value, "value", call)
  found <- find_pairs(condition, value, 1L, "condition", blocks, max_pairs, call)
  i <- rep.int(seq_along(found$first[-1L]), diff(found$first))
  if (is.null(value)) return(cbind(i = i, j = found$column))
  data.frame(i = i, j = found$column, value = if (value$logical) found$value != 0 else found$value)
}

#' @rdname pairs_where
#' @export
sparse <- function(x, where = x != 0, blocks = NULL, max_pairs = 1e8) {
  call <- sys.call()
  check_lazytensor(x, "x", call)
  require_package("Matrix", "sparse matrices", call)
  found <- find_pairs(where, x, 0L, "where", blocks, max_pairs, call)
  names <- list(names_of_rows(x, "Vi"), names_of_rows(x, "Vj"))
  methods::new(methods::getClass("dgCMatrix", where = asNamespace("Matrix")), p = as.integer(found$first),
               i = found$column - 1L, x = found$value, Dim = as.integer(found$size), Dimnames = names)
}

require_package <- function(package, what, call) {
  if (requireNamespace(package, quietly = TRUE)) return(invisible())
  rkeops_abort("unsupported", sprintf("%s need the package %s", what, package), call = call,
               hint = sprintf("install.packages(\"%s\") installs it.", package))
}

# The pairs in which `condition` is true, with `value` in them: see rk_find_pairs(). `size`: the numbers of rows i and j.
find_pairs <- function(condition, value, axis, arg, blocks, max_pairs, call) {
  check_lazytensor(condition, arg, call)
  if (!is.numeric(max_pairs) || length(max_pairs) != 1L || is.na(max_pairs)) {
    abort_argument("max_pairs", "a number", max_pairs, call)
  }
  if (!holds_truth(condition)) {
    abort_argument(arg, "a LazyTensor of truth values", condition, call, hint = "Compare it with something, as in K_ij < r.")
  }
  for (one in list(condition, value)) {
    if (is.null(one)) next
    if (is.ComplexLazyTensor(one)) refuse_complex("value", call)
    if (one$dimres == 1) next
    rkeops_abort("dimension", sprintf("dimension 1 is needed, this LazyTensor has dimension %.0f", one$dimres), call = call,
                 hint = "any(x) and all(x) make one truth value of the components, elem(x, m) is one of them.")
  }
  condition <- with_blocks(condition, blocks, call)
  keep <- what_counts(condition, value, FALSE)
  if (!is.null(keep)) condition <- unmasked(condition) & keep
  merged <- if (is.null(value)) unclass(condition) else merge_operands(list(condition, unmasked(value)), call)
  check_occurs(merged, 2L, call)
  formula <- sprintf("Where%s_Reduction(%s,%d)", if (is.null(value)) "" else "Value",
                     paste(if (is.null(value)) merged$formula else merged$formulas, collapse = ","), axis)
  most <- most_pairs(max_pairs, if (is.null(value)) 24 else 44)
  found <- evaluated(rk_find_pairs(formula, merged$args, merged$definitions, merged$data, merged$tokens,
                                   engine_blocks(merged$blocks), most), merged, call)
  c(found, list(size = c(merged$ni, merged$nj)))
}

# So many pairs of so many bytes fit into R's vectors and into memory.
most_pairs <- function(wanted, bytes, memory = available_memory()) {
  max(0, floor(min(wanted, .Machine$integer.max, 0.8 * memory / bytes)))
}

# Bytes, as far as the system tells.
available_memory <- function(file = "/proc/meminfo") {
  lines <- if (file.exists(file)) grep("^MemAvailable:", readLines(file, warn = FALSE), value = TRUE)
  if (length(lines) == 1L) 1024 * as.numeric(gsub("[^0-9]", "", lines)) else Inf
}
