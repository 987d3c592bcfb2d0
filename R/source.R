#' Generated code
#'
#' `keops_source()` gives the kernels of an operator as text; `keops_explain()` prints how its formula becomes them.
#'
#' @details
#' `keops_explain()` shows, for each pass over the pairs (i, j):
#' * the **graph**: the simplified formula, one operation a line, arguments first; what is used twice is there once;
#' * the **plan**: which index is folded, the tile of rows and columns that a kernel holds in registers, what is packed,
#'   and the state that is kept for each row;
#' * the **geometry**: which pairs may be left out, as far as the formula tells; how many are left out depends on the data and
#'   is told by computations themselves if the option `verbosity` is 2;
#' * the **program of a pair**: what is computed once, for each row, for each column and for each pair. Values have the
#'   names that they have in the kernel;
#' * the **kernel**: C or CUDA text.
#' @param op an operator made by [keops_kernel()] or [keops_grad()], or a LazyTensor, of which a reduction is shown.
#' @param backend `"cpu"` for C, `"gpu"` for CUDA; no GPU is needed to look at the latter.
#' @param opstr,index of a LazyTensor: the name of the reduction, as for [reduction.LazyTensor()], without weight or K; and
#'   the index, `"i"` or `"j"`, by default j where there is one.
#' @return `keops_source()`: the kernels that are compiled for this operator, as one string. `keops_explain()`: all of the
#'   above as one string, invisibly.
#' @seealso [keops_kernel()].
#' @concept code generation
#' @examples
#' op <- keops_kernel("Sum_Reduction(SqDist(x, y), 1)", c("x=Vi(2)", "y=Vj(2)"))
#' cat(substr(keops_source(op), 1, 300))
#' shown <- capture.output(keops_explain(op))
#' writeLines(head(shown, 30))
#' K_ij <- exp(-sqdist(Vi(matrix(0, 3, 2)), Vj(matrix(0, 4, 2))))
#' shown <- capture.output(keops_explain(K_ij, opstr = "Max"))
#' @export
keops_source <- function(op, backend = c("cpu", "gpu"), opstr = "Sum", index = NULL) {
  call <- sys.call()
  text_of_kernels(shown_program(op, opstr, index, call), backend, rk_source, call)
}

#' @rdname keops_source
#' @export
keops_explain <- function(op, backend = c("cpu", "gpu"), opstr = "Sum", index = NULL) {
  call <- sys.call()
  text <- text_of_kernels(shown_program(op, opstr, index, call), backend, rk_explain, call)
  cat(text)
  invisible(text)
}

text_of_kernels <- function(program, backend, text, call) {
  backend <- check_choice(backend[1L], c("cpu", "gpu"), "backend", call)
  runtime <- runtime_options()
  runtime$backend <- toupper(backend)
  unwrap(text(program, runtime), call)
}

shown_program <- function(op, opstr, index, call) {
  if (missing(op) || !is.LazyTensor(op)) return(operator_self(op, "op", call)$program)
  table <- reduction_table()
  check_choice(opstr, table$name[!table$ranked & !table$weighted], "opstr", call)
  axis <- check_index(index %||% if (is.na(op$nj)) "i" else "j", call)
  check_occurs(op, axis, call)
  check_complex_reduction(op, opstr, NULL, call)
  lazy_program(leave_out(op, NULL, opstr)$x, opstr, axis, call)
}
