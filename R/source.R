#' Generated code
#'
#' @param op an operator made by [keops_kernel()] or [keops_grad()].
#' @param backend `"cpu"` for C, `"gpu"` for CUDA; no GPU is needed to look at the latter.
#' @return The kernels that are compiled for this operator, as one string.
#' @seealso [keops_kernel()].
#' @concept code generation
#' @examples
#' op <- keops_kernel("Sum_Reduction(SqDist(x, y), 1)", c("x=Vi(2)", "y=Vj(2)"))
#' cat(substr(keops_source(op), 1, 300))
#' @export
keops_source <- function(op, backend = c("cpu", "gpu")) {
  call <- sys.call()
  backend <- check_choice(backend[1L], c("cpu", "gpu"), "backend", call)
  runtime <- runtime_options()
  runtime$backend <- toupper(backend)
  unwrap(rk_source(operator_self(op, "op", call)$program, runtime), call)
}
