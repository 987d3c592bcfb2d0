# The reference page of the formula language: made from the engine's operation table by roxygen2, so that it lists
# all that there is. The differential operators and the reductions are not operations; they stand here.

# A section of the page begins at the row of the table named here; rows of the table follow each other by topic.
operation_sections <- c(
  "Arithmetic and elementary functions" = "Add",
  "Special functions" = "Expm1",
  "Variables and constants" = "Var",
  "Vectors" = "Sum",
  "Complex vectors" = "Real2Complex",
  "Matrices and tensors" = "MatVecMult"
)

differential_operators <- c(
  "Grad(F, v, e)" = "gradient: the adjoint of the differential of F at v, applied to e, which has the dimension of F",
  "Grad(F, v)" = "the same; the last argument of the formula, without a name, is e",
  "Diff(F, v, u)" = "the differential of F at v, applied to u, which has the dimension of v",
  "Diff(F, (v, w), (u, t))" = "the sum of the differentials at v and w, applied to u and t",
  "GradMatrix(F, v)" = "the gradients of all components of F, one after the other",
  "Divergence(F, v)" = "sum of the derivatives of component k of F by component k of v",
  "Laplacian(F, v)" = "divergence of the gradient, for F of dimension 1",
  "TraceOperator(F, v, w)" = "for F linear in v: trace of its matrix, rows weighted by w (1 without w)",
  "AdjointOperator(F, v, u)" = "for F linear in v: its transposed matrix times u",
  "SumLinOperator(F, v, l, r)" = "for F linear in v: l' M r with its matrix M (1 without l or r)"
)

# Columns of the engine's table of reductions, and what they say about one of them, NA for an unknown one.
reduction_table <- function() {
  if (is.null(session$reductions)) session$reductions <- unwrap(rk_reduction_table())
  session$reductions
}

of_reduction <- function(name, fact) reduction_table()[[fact]][match(name, reduction_table()$name)]

# The operation table cut into the sections: a list of named character vectors, call = meaning.
operations_by_section <- function() {
  table <- unwrap(rk_operation_table())
  from <- match(operation_sections, table$name)
  stopifnot(!anyNA(from), !is.unsorted(from))
  meaning <- paste0(table$summary, ifelse.default(table$has_gradient | table$name == "Var", "", "; has no derivative"))
  section <- findInterval(seq_along(table$name), from)
  sections <- split(structure(meaning, names = table$call), section)
  structure(sections, names = names(operation_sections))
}

reference_rd <- function() {
  reductions <- stats::setNames(reduction_table()$summary, reduction_table()$call)
  sections <- c(
    operations_by_section(), list("Differential operators" = differential_operators, "Reductions" = reductions)
  )
  escape <- function(text) gsub("([\\\\%{}])", "\\\\\\1", text)
  vapply(names(sections), function(title) {
    rows <- sprintf("\\code{%s} \\tab %s \\cr", escape(names(sections[[title]])), escape(sections[[title]]))
    sprintf("\\section{%s}{\n\\tabular{ll}{\n%s\n}}\n", title, paste(rows, collapse = "\n"))
  }, "")
}

#' The formula language
#'
#' All that the formulas of [keops_kernel()] can be made of. A formula is a vector-valued function of variables with
#' index i, with index j and of parameters; a reduction folds it over one index.
#'
#' In the tables a, b, c, ... and F, W are formulas; m, n, o are whole numbers; M, N, ... are lists of whole numbers
#' such as `[2,3]`; v and w are variables; axis is 1 (fold over j, one row of the result per i) or 0 (fold over i,
#' one row per j). Positions count from 0. Unless said otherwise, operations work component by component, and their
#' operands have equal dimensions or dimension 1.
#'
#' Operators, from the loosest to the tightest: `<`, `<=`, `>`, `>=`, `==`, `!=`; `|` (scalar product); `+`, `-`;
#' `*`, `/`; unary minus; `^` or `**`. Numbers are constants of dimension 1. Variables are declared (`"x=Vi(3)"`), or
#' written inline (`Vi(0,3)`: position and dimension). Complex vectors hold real and imaginary parts in turn.
#' Reductions can be combined and used inside formulas. `name = F;` before a formula makes `name` stand for F in all that
#' follows, and several formulas with `;` between them give several results.
#'
#' @evalRd reference_rd()
#' @name rkeops_operations
#' @seealso [keops_kernel()]; [lazytensor_functions] for the R functions of LazyTensors.
#' @seealso `vignette("formulas")`.
#' @concept KeOps
#' @concept formula language
#' @concept automatic differentiation
#' @examples
#' args <- c("x = Vi(3)", "y = Vj(3)", "s = Pm(1)")
#' squared <- keops_kernel("Sum_Reduction(Square(x | y) / (s + SqDist(x, y)), 1)", args)
#' squared(list(diag(3), diag(3), 2))
NULL
