# Formulas in R's own syntax, for printing and messages: the text of a formula is that of nested calls, which R reads; each
# of them is turned into the call that makes it.

# Which R function makes an operation of its operands, in the same order.
r_functions <- function() {
  if (is.null(session$r_functions)) {
    operators <- binary_operators[!names(binary_operators) %in% c(">", ">=", "%%")]
    tables <- list(
      operators, unlist(math_functions), named_functions,
      c(`-` = "Minus", `!` = "Not", `|` = "Or", `^` = "Powf", `^` = "Pow", log = "Log", sum = "Sum", min = "Min", max = "Max",
        round = "Round", sqdist = "SqDist", clamp = "Clamp", clampint = "ClampInt", concat = "Concat", step = "Step",
        atan2 = "Atan2", ifelse = "IfElse", mod = "Mod", matvecmult = "MatVecMult", vecmatmult = "VecMatMult",
        tensorprod = "TensorProd", kron = "Kron", bspline = "BSpline", softdtw = "SoftDTW_SqDist", one_hot = "OneHot",
        Re = "ComplexReal", Im = "ComplexImag", Mod = "ComplexAbs", Arg = "ComplexAngle", Conj = "Conj",
        real2complex = "Real2Complex", imag2complex = "Imag2Complex", exp1j = "ComplexExp1j", `*` = "ComplexScal",
        `*` = "ComplexRealScal", differential = "Diff", adjoint = "Grad", grad_matrix = "GradMatrix",
        divergence = "Divergence", laplacian = "Laplacian")
    )
    names <- unlist(lapply(tables, names))
    session$r_functions <- stats::setNames(names, unlist(tables, use.names = FALSE))
  }
  session$r_functions
}

# What is not the same call with another name: functions of the operands and parameters of an operation.
r_calls <- list(
  IntCst = function(value) signed(value),
  Square = function(x) call("^", x, 2),
  Add = function(x, y) if (is_call_of(x, "-") && identical(x[[2L]][[1L]], quote(argmin))) x else call("+", x, y),
  Mod = function(x, y, offset) if (identical(offset, 0)) call("%%", x, y) else call("mod", x, y, offset),
  IfElse = function(test, yes, no) {
    truth <- is_call_of(test, "-") && length(test) == 3L && identical(test[[3L]], 1) && holds_comparison(test[[2L]])
    call("ifelse", if (truth) test[[2L]] else test, yes, no)
  },
  Elem = function(x, m) call("elem", x, m + index_base()),
  ElemT = function(x, n, m) call("elemT", x, m + index_base(), n),
  Extract = function(x, m, d) call("extract", x, m + index_base(), d),
  ExtractT = function(x, m, d) call("extractT", x, m + index_base(), d),
  OneHot = function(x, D) call("one_hot", without_base(x), D),
  Gather = function(table, i, row) call("lookup", table, without_base(i)),
  Lookup = function(table, i, j, row) call("lookup", table, without_base(i), without_base(j)),
  WeightedSqNorm = function(s, x) call("weightedsqnorm", x, s),
  WeightedSqDist = function(s, x, y) call("weightedsqdist", x, y, s),
  BSpline = function(knots, x, degree) call("bspline", x, knots, degree),
  TensorDot = function(x, y, dims_x, dims_y, axes_x, axes_y, order = NULL) {
    perm <- if (!is.null(order)) order(eval(order)) - 1 + index_base()
    axes <- lapply(list(axes_x, axes_y), function(axes) eval(axes) + index_base())
    as.call(c(list(quote(tensordot), x, y, dims_x, dims_y), axes, list(perm)[!is.null(perm)]))
  }
)
