# How derivatives of reductions are computed: as few passes over the pairs (i, j) as possible.
#
# A fold is a list that stands for a reduction of LazyTensors:
#   name, axis, family   the reduction; see `families`
#   f, weight            formulas, weight "" where there is none
#   dim                  dimension of f
#   k                    number of nearest values
#   rows, columns        shape of the result as a matrix
#   args, data, tokens, definitions   as of a LazyTensor, see lazytensor.R
#   call                 the user's
# Variables that passes add are called A0x_..., which no LazyTensor is and no identifier begins with.

families <- c(
  Sum = "sum", LogSumExp = "logsumexp", LogSumExpWeight = "logsumexp", SumSoftMaxWeight = "softmax", Min = "selected",
  Max = "selected", KMin = "selected", Min_ArgMin = "selected", Max_ArgMax = "selected", KMin_ArgKMin = "selected",
  ArgMin = "position", ArgMax = "position", ArgKMin = "position"
)

adjoint_id <- "A0x_e"
value_id <- "A0x_v"
log_total_id <- "A0x_l"
tangent_id <- function(k) sprintf("A0x_t%dt", k)

fold_categories <- function(fold, ids) {
  substr(declared_as(fold$args), 1L, 2L)[match(ids, identifier(fold$args))]
}

fold_dims <- function(fold, ids) {
  declared <- declared_as(fold$args)[match(ids, identifier(fold$args))]
  as.numeric(substr(declared, 4L, nchar(declared) - 1L))
}

# The categories of variables that have, and have not, the index of the result.
own_category <- function(fold) if (fold$axis == 1L) "Vi" else "Vj"
other_category <- function(fold) if (fold$axis == 1L) "Vj" else "Vi"

with_variable <- function(fold, id, values, category) {
  dim <- if (category == "Pm") length(values) else ncol(values)
  fold$args <- c(fold$args, sprintf("%s=%s(%.0f)", id, category, dim))
  fold$data <- c(fold$data, list(values))
  fold$tokens <- c(fold$tokens, list(new_token()))
  fold
}

reduce_fold <- function(fold, name, ..., axis = fold$axis) {
  evaluate(sprintf("%s_Reduction(%s,%d)", name, paste(c(...), collapse = ","), axis), fold, fold$call)
}

# Sums in one pass: of formulas over the folded index, and of others over that of the result. list(own, other), NULL
# where there are no formulas.
sum_both <- function(fold, own, other) {
  if (length(own) == 0L && length(other) == 0L) return(list())
  if (length(other) == 0L) return(list(own = reduce_fold(fold, "Sum", concat_formulas(own))))
  if (length(own) == 0L) {
    return(list(other = reduce_fold(fold, "Sum", concat_formulas(other), axis = 1L - fold$axis)))
  }
  stats::setNames(reduce_fold(fold, "SumBoth", concat_formulas(own), concat_formulas(other)), c("own", "other"))
}

# ---- formulas

concat_formulas <- function(formulas) Reduce(function(a, b) sprintf("Concat(%s,%s)", a, b), formulas, right = TRUE)

# Sum of one formula for each id that occurs in `formula`.
sum_of_terms <- function(fold, formula, ids, term) {
  ids <- ids[rk_occur(ids, formula, fold$definitions)]
  paste(vapply(ids, term, ""), collapse = "+")
}

# Adjoint of a variable in the pair (i, j), where those of f and weight are given.
pair_adjoint <- function(fold, id, of_f, of_weight = "") {
  terms <- c(sum_of_terms(fold, fold$f, id, function(id) sprintf("Grad(%s,%s,%s)", fold$f, id, of_f)),
             sum_of_terms(fold, fold$weight, id, function(id) sprintf("Grad(%s,%s,%s)", fold$weight, id, of_weight)))
  paste(terms[nzchar(terms)], collapse = "+")
}

# Differential of a formula in the pair (i, j); "IntCst(0)" if no variable occurs.
pair_differential <- function(fold, formula, ids) {
  names(ids) <- ids
  terms <- sum_of_terms(fold, formula, ids, function(id) sprintf("Diff(%s,%s,%s)", formula, id, tangent_id(match(id, ids))))
  if (nzchar(terms)) sprintf("(%s)", terms) else "IntCst(0)"
}

# Adjoints of f and weight in the pair (i, j), where `e` is that of the result.
pair_adjoints <- function(fold, e) {
  f <- fold$f
  weight <- fold$weight
  switch(fold$family,
    sum = list(e, ""),
    logsumexp = {
      p <- sprintf("Exp(%s-%s)*%s", f, value_id, e)
      list(if (nzchar(weight)) sprintf("Scalprod(%s,%s)", p, weight) else p, p)
    },
    softmax = {
      p <- sprintf("Exp(%s-%s)", f, log_total_id)
      list(sprintf("%s*Scalprod(%s-%s,%s)", p, weight, value_id, e), sprintf("%s*%s", p, e))
    }
  )
}

# ---- passes

# One pass: the result of the fold, with which further passes begin; `terms`: formulas, summed over the folded index
# like f, or for a logarithm averaged with the weights exp(f); and for sums `others`: formulas summed over the index of
# the result.
value_pass <- function(fold, terms = character(), others = character()) {
  if (fold$family == "sum") {
    sums <- sum_both(fold, c(fold$f, terms), others)
    value <- sums$own[, seq_len(fold$dim), drop = FALSE]
    terms <- sums$own[, -seq_len(fold$dim), drop = FALSE]
    fold$others <- sums$other
  } else if (fold$family == "softmax") {
    columns <- reduce_fold(fold, "Max_SumShiftExpWeight", fold$f, concat_formulas(c("IntCst(1)", fold$weight)))
    log_total <- columns[, 1L, drop = FALSE] + log(columns[, 2L])
    value <- columns[, -(1:2), drop = FALSE] / columns[, 2L]
    fold <- with_variable(fold, log_total_id, log_total, own_category(fold))
  } else if (length(terms) == 0L) {
    value <- reduce_fold(fold, fold$name, fold$f, if (nzchar(fold$weight)) fold$weight)
  } else {
    weight <- if (nzchar(fold$weight)) fold$weight else "IntCst(1)"
    columns <- reduce_fold(fold, "Max_SumShiftExpWeight", fold$f, concat_formulas(c(weight, terms)))
    value <- columns[, 1L, drop = FALSE] + log(columns[, 2L])
    terms <- columns[, -(1:2), drop = FALSE] / columns[, 2L]
    terms[which(value == -Inf), ] <- 0  # no rows to fold
  }
  if (fold$family != "sum") fold <- with_variable(fold, value_id, value, own_category(fold))
  fold$value <- value
  fold$terms <- terms
  fold
}

# The adjoint of the result as part of formulas. A number is left out of them: derivatives are multiplied by it.
with_adjoint <- function(fold, e) {
  fold$adjoint <- "IntCst(1)"
  fold$scale <- 1
  if (!is.matrix(e)) {
    fold$scale <- e
    return(fold)
  }
  fold$adjoint <- adjoint_id
  with_variable(fold, adjoint_id, e, own_category(fold))
}

# Formulas whose sums are the adjoints of variables.
adjoint_terms <- function(fold, ids) {
  of <- pair_adjoints(fold, fold$adjoint)
  vapply(ids, function(id) pair_adjoint(fold, id, of[[1L]], of[[2L]]), "")
}

# Adjoints of variables that have the index of the result, or none, and of `other` variables: one pass.
adjoint_pass <- function(fold, own, other) {
  sums <- sum_both(fold, adjoint_terms(fold, own), adjoint_terms(fold, other))
  c(by_variable(fold, own, sums$own, fold$scale), by_variable(fold, other, sums$other, fold$scale))
}

# Columns of a result times `scale` as a list; parameters are summed over the rows.
by_variable <- function(fold, ids, columns, scale) {
  if (length(ids) == 0L) return(list())
  columns <- columns * scale
  dims <- fold_dims(fold, ids)
  last <- cumsum(dims)
  parts <- Map(function(from, to) columns[, from:to, drop = FALSE], last - dims + 1, last)
  parameters <- fold_categories(fold, ids) == "Pm"
  parts[parameters] <- lapply(parts[parameters], colSums)
  stats::setNames(parts, ids)
}

# Reverse mode: list(value, adjoints). `e` is the adjoint of the result, a number or a matrix with one row for each of
# its rows; or a function that gives it for a value. value = FALSE: the value is not asked for.
reverse <- function(fold, ids, e, value = TRUE) {
  if (fold$family == "selected") return(reverse_selected(fold, ids, e))
  if (fold$family == "position") return(reverse_position(fold, ids, value))
  late <- is.function(e)
  if (!late) fold <- with_adjoint(fold, e)
  is_other <- fold_categories(fold, ids) == other_category(fold)
  own <- ids[!is_other]
  other <- ids[is_other]
  adjoints <- list()
  if (value || late || fold$family != "sum") {
    # A result of one component times its adjoint is what the pass gives without the adjoint.
    single <- fold$columns == 1
    with_value <- if (fold$family != "softmax" && (single || fold$family == "sum" && !late)) own
    of <- if (single) "IntCst(1)" else fold$adjoint
    of_f <- if (nzchar(fold$weight)) fold$weight else of
    others_with_value <- if (fold$family == "sum" && !late) other
    fold <- value_pass(fold, vapply(with_value, function(id) pair_adjoint(fold, id, of_f, of), ""),
                       if (length(others_with_value) > 0L) adjoint_terms(fold, others_with_value))
    if (late) {
      e <- e(fold$value)
      fold <- with_adjoint(fold, e)
    }
    adjoints <- c(by_variable(fold, with_value, fold$terms, if (single) as.vector(e) else fold$scale),
                  by_variable(fold, others_with_value, fold$others, fold$scale))
    own <- setdiff(own, with_value)
    other <- setdiff(other, others_with_value)
  }
  adjoints <- c(adjoints, adjoint_pass(fold, own, other))
  list(value = fold$value, adjoints = adjoints[ids])
}

# Forward mode: the differential of the result, where the tangents are among the variables of the fold.
forward <- function(fold, ids) {
  if (fold$family == "position") return(0 * reduce_fold(fold, fold$name, fold$f, fold$k))
  if (fold$family == "selected") return(forward_selected(fold, ids))
  df <- pair_differential(fold, fold$f, ids)
  if (fold$family == "sum") return(reduce_fold(fold, "Sum", repeated(df, fold$dim)))
  weight <- if (nzchar(fold$weight)) fold$weight else "IntCst(1)"
  dweight <- pair_differential(fold, fold$weight, ids)
  if (fold$family == "softmax") {
    fold <- value_pass(fold)
    change <- sprintf("%s+(%s-%s)*%s", dweight, weight, value_id, df)
    return(reduce_fold(fold, "Sum", sprintf("Exp(%s-%s)*(%s)", fold$f, log_total_id, change)))
  }
  term <- sprintf("(%s*%s+%s)", weight, df, dweight)
  if (fold$columns == 1) return(value_pass(fold, term)$terms)
  fold <- value_pass(fold)
  reduce_fold(fold, "Sum", sprintf("Exp(%s-%s)*%s", fold$f, value_id, term))
}

# (A differential of 0 is one number.)
repeated <- function(formula, dim) if (formula == "IntCst(0)") sprintf("SumT(%s,%.0f)", formula, dim) else formula

# The Hessian of sum(e * result) times the tangents. The differential of a reduction is a reduction again, for which
# reverse mode is known, in all cases but a few that are left to the engine.
reverse_of_forward <- function(fold, ids, e) {
  if (fold$family == "position") return(reverse_position(fold, ids, FALSE)$adjoints)
  if (fold$family == "selected") return(reverse_selected(fold, ids, e, of_forward = TRUE)$adjoints)
  df <- pair_differential(fold, fold$f, ids)
  if (fold$family == "sum") {
    fold$f <- repeated(df, fold$dim)
    return(reverse(fold, ids, e, value = FALSE)$adjoints)
  }
  if (fold$name == "LogSumExp" && fold$dim == 1) {
    fold[c("name", "family", "weight")] <- list("SumSoftMaxWeight", "softmax", df)
    return(reverse(fold, ids, e, value = FALSE)$adjoints)
  }
  fold <- with_adjoint(fold, e)
  reduction <- sprintf("%s_Reduction(%s,%d)", fold$name, paste(c(fold$f, if (nzchar(fold$weight)) fold$weight),
                                                               collapse = ","), fold$axis)
  differential <- pair_differential(fold, reduction, ids)
  adjoints <- lapply(ids, function(id) {
    values <- evaluate(sprintf("Grad(%s,%s,%s)", differential, id, fold$adjoint), fold, fold$call) * fold$scale
    if (fold_categories(fold, id) == "Pm") as.vector(values) else values
  })
  stats::setNames(adjoints, ids)
}
