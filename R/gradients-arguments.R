# From the arguments of gradients() and its relatives to folds, variables, adjoints and tangents.

# See gradients-passes.R.
new_fold <- function(f, index, reduction, opt_arg, call) {
  check_lazytensor(f, "f", call)
  axis <- check_index(index, call, na_ok = TRUE)
  reduced <- !is.na(axis)
  if (!reduced) axis <- unreduced_axis(f, call)
  check_string(reduction, "reduction", call)
  if (reduction == "LogSumExp" && !is.null(opt_arg)) reduction <- "LogSumExpWeight"
  check_differentiable(reduction, call)
  weighted <- reduction %in% c("LogSumExpWeight", "SumSoftMaxWeight")
  if (weighted && is.null(opt_arg)) {
    rkeops_abort("argument", sprintf("`opt_arg` is missing: %s needs a weight", reduction), call = call,
                 argument = "opt_arg",
                 hint = "Give a LazyTensor, a number, or one number for each row that is reduced over.")
  }
  weight <- if (weighted) as_weight(opt_arg, "opt_arg", f, axis, call)
  if (is.ComplexLazyTensor(f) || is.ComplexLazyTensor(weight)) {
    rkeops_abort("unsupported", "gradients are those of real LazyTensors", call = call, argument = "f",
                 got = if (is.ComplexLazyTensor(f)) "`f` is complex" else "the weight is complex",
                 hint = "Take Re(), Im() or Mod(). Variables may be complex.")
  }
  if (weighted && f$dimres != 1) {
    rkeops_abort("dimension", sprintf("`f` has dimension %.0f, %s needs dimension 1", f$dimres, reduction), call = call,
                 argument = "f")
  }
  k <- if (grepl("KMin", reduction)) {
    check_whole(opt_arg, "opt_arg", call, min = 1, hint = "It is the number of values, K.")
  }
  kept <- leave_out(f, weight, reduction)
  merged <- merge_operands(if (weighted) list(kept$x, kept$weight) else list(kept$x), call)
  if (reduced) check_occurs(merged, axis, call)
  rows <- if (axis == 1L) merged$ni else merged$nj
  list(
    name = reduction, axis = axis, family = of_reduction(reduction, "differentiation"), f = merged$formulas[1L],
    weight = if (weighted) merged$formulas[2L] else "", dim = f$dimres, k = k,
    rows = if (is.na(rows)) 1 else rows,
    columns = if (weighted) weight$dimres else f$dimres * (if (is.null(k)) 1 else k),
    args = merged$args, data = merged$data, tokens = merged$tokens, labels = merged$labels,
    definitions = merged$definitions, blocks = merged$blocks, call = call
  )
}

# index = NA: the axis of which there are no rows, so that the result has the rows of f.
unreduced_axis <- function(f, call) {
  if (is.na(f$nj)) return(1L)
  if (is.na(f$ni)) return(0L)
  rkeops_abort("argument", "`index` is NA, but `f` has both indices", call = call, argument = "index",
               hint = "\"i\" reduces over the rows i, \"j\" over the rows j; NA is for an `f` of one index.")
}

check_differentiable <- function(reduction, call) {
  table <- reduction_table()
  differentiable <- table$name[nzchar(table$differentiation)]
  if (reduction %in% differentiable) return(invisible())
  if (startsWith(reduction, "Max_SumShiftExp")) {
    rkeops_abort("unsupported", sprintf("%s has no gradient", reduction), call = call, argument = "reduction",
                 hint = "\"LogSumExp\" and \"SumSoftMaxWeight\" have one.")
  }
  check_choice(reduction, differentiable, "reduction", call)
}

# `wrt` is a variable; a list of variables; or a list in which a list of variables stands for one and the same matrix.
#   ids      a list of identifiers for each
#   complex  are they complex
#   many     was it a list
find_variables <- function(fold, wrt, call) {
  if (missing(wrt)) abort_missing("wrt", call, "Give what Vi(), Vj() or Pm() returned, or a list of that.")
  many <- !is.LazyTensor(wrt) && is.list(wrt)
  if (!many) wrt <- list(wrt)
  if (length(wrt) == 0L) abort_argument("wrt", "a variable, or a list of variables", wrt, call)
  whole <- c(list(formula = fold$f), fold[c("args", "data", "labels", "tokens", "definitions")])
  wrt <- lapply(wrt, function(same) if (is.LazyTensor(same) || !is.list(same)) list(same) else same)
  ids <- lapply(wrt, function(same) vapply(same, function(variable) variable_in(whole, variable, call, "wrt"), ""))
  complex <- lapply(wrt, function(same) unique(vapply(same, is.ComplexLazyTensor, TRUE)))
  for (k in seq_along(ids)) {
    shapes <- lapply(ids[[k]], function(id) variable_shape(fold, id))
    if (length(unique(shapes)) == 1L && length(complex[[k]]) == 1L) next
    rkeops_abort("dimension", "variables that are one and the same matrix must have one shape", call = call,
                 argument = "wrt", got = paste(vapply(shapes, paste, "", collapse = " x "), collapse = " and "),
                 hint = "list(x_i, s) are two variables, list(list(x_i, x_j)) is one that occurs twice.")
  }
  if (anyDuplicated(unlist(ids))) {
    rkeops_abort("argument", "`wrt` has the same variable twice", call = call, argument = "wrt")
  }
  list(ids = ids, complex = unlist(complex), many = many)
}

# Rows and columns of a variable, or the length of a parameter.
variable_shape <- function(fold, id) {
  data <- fold$data[[match(id, identifier(fold$args))]]
  if (fold_categories(fold, id) == "Pm") length(data) else dim(data)
}

# Adjoints of identifiers as adjoints of the user's variables.
shape_adjoints <- function(adjoints, variables) {
  shaped <- Map(function(ids, complex) {
    total <- unname_rows(Reduce(`+`, adjoints[ids]))
    if (!complex) return(total)
    if (is.matrix(total)) deinterleave(total) else as.vector(deinterleave(matrix(total, 1L)))
  }, variables$ids, variables$complex)
  if (variables$many) shaped else shaped[[1L]]
}

unname_rows <- function(values) {
  dimnames(values) <- NULL
  values
}

# The adjoint of the result: a number or a matrix with one row per row of the result, and one column or all.
as_adjoint <- function(e, fold, call) {
  if (is.LazyTensor(e)) e <- rows_of_lazytensor(e, fold, "e", call)
  e <- plain_numbers(e, "e", call)
  storage.mode(e) <- "double"
  if (length(e) == 1L) return(as.vector(e))
  size <- length(e)
  shape <- dim(e)
  if (is.null(shape) && size == fold$rows) return(matrix(e))
  right <- identical(as.numeric(shape), c(fold$rows, 1)) || identical(as.numeric(shape), c(fold$rows, fold$columns)) ||
    (!is.null(fold$k) && identical(as.numeric(shape), c(fold$rows, fold$k, fold$dim)))
  if (right) return(matrix(e, fold$rows))
  index <- if (fold$axis == 1L) "i" else "j"
  rkeops_abort(
    "dimension", sprintf("`e` must have the shape of the result, %.0f x %.0f, or one number for each of its rows",
                         fold$rows, fold$columns),
    got = paste("got", describe(e)), call = call, argument = "e",
    hint = sprintf("The result has one row per %s, since `index` is \"%s\".", index, if (index == "i") "j" else "i")
  )
}

# The vectors of a LazyTensor that has the index of the result only, as a matrix.
rows_of_lazytensor <- function(x, fold, arg, call, category = own_category(fold)) {
  if (is.ComplexLazyTensor(x)) abort_argument(arg, "real", x, call)
  foreign <- switch(category, Vi = !is.na(x$nj), Vj = !is.na(x$ni), !is.na(x$ni) || !is.na(x$nj))
  if (foreign) {
    rkeops_abort("argument", sprintf("`%s` has an index that it cannot have", arg), call = call, argument = arg,
                 hint = switch(category, Pm = "A parameter has no index.", sprintf("Make it with %s().", category)))
  }
  matrix(as.array(x, max_entries = Inf), max(dim(x)))
}

# Tangents as variables of the fold.
with_tangents <- function(fold, variables, tangent, call) {
  if (missing(tangent)) abort_missing("tangent", call)
  if (!variables$many) tangent <- list(tangent)
  if (!is.list(tangent) || length(tangent) != length(variables$ids)) {
    abort_argument("tangent", sprintf("a list of %d, like `wrt`", length(variables$ids)), tangent, call)
  }
  all_ids <- unlist(variables$ids)
  for (k in seq_along(variables$ids)) {
    for (id in variables$ids[[k]]) {
      values <- as_tangent(tangent[[k]], fold, id, variables$complex[k], call)
      fold <- with_variable(fold, tangent_id(match(id, all_ids)), values, fold_categories(fold, id))
    }
  }
  fold
}

as_tangent <- function(values, fold, id, complex, call) {
  category <- fold_categories(fold, id)
  shape <- as.numeric(variable_shape(fold, id))
  if (complex) shape[length(shape)] <- shape[length(shape)] / 2
  if (is.LazyTensor(values)) values <- rows_of_lazytensor(values, fold, "tangent", call, category)
  if (!complex) values <- plain_numbers(values, "tangent", call)
  if (length(values) == 1L) values <- array(values, shape)
  given <- if (is.null(dim(values))) length(values) else as.numeric(dim(values))
  one_row <- category == "Pm" || 1 %in% shape
  if (!identical(given, shape) && !(one_row && length(values) == prod(shape))) {
    shape <- paste(shape, collapse = " x ")
    rkeops_abort("dimension", sprintf("`tangent` must have the shape of the variable, %s", shape),
                 got = paste("got", describe(values)), call = call, argument = "tangent")
  }
  values <- if (category == "Pm") as.vector(values) else matrix(values, shape[1L])
  if (complex) values <- interleave(values) else storage.mode(values) <- "double"
  if (category == "Pm") as.vector(values) else values
}
