# Numbers in messages and prints have a decimal point, whatever OutDec and the locale want: what is shown can be
# copied into code.
number_text <- function(x, digits = 7L) {
  sub("[^-+0-9A-Za-z]+", ".", format(x, digits = digits, decimal.mark = ".", trim = TRUE))
}

whole_text <- function(x) format(x, big.mark = ",", decimal.mark = ".", scientific = FALSE, trim = TRUE)

# Checks of arguments. `arg` is the name in the user's call, `call` that call.

describe <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.LazyTensor(x)) return("a LazyTensor")
  if (is.character(x) && length(x) == 1L) return(paste0("\"", x, "\""))
  if (is.atomic(x) && length(x) == 1L && !is.object(x)) return(if (is.numeric(x)) number_text(x, 15L) else format(x))
  kind <- class(x)[1L]
  if (length(dim(x)) > 2L) return(paste("an array", paste(dim(x), collapse = " x ")))
  if (kind == "matrix" && !is.numeric(x)) kind <- paste(typeof(x), "matrix")
  article <- if (grepl("^[aeiou]", kind)) "an" else "a"
  if (length(dim(x)) == 2L) return(sprintf("%s %s with %d rows and %d columns", article, kind, nrow(x), ncol(x)))
  sprintf("%s %s of length %d", article, kind, length(x))
}

abort_argument <- function(arg, expected, x, call, hint = NULL, kind = "argument") {
  rkeops_abort(
    kind, sprintf("`%s` must be %s", arg, expected), got = paste("got", describe(x)), hint = hint, call = call,
    argument = arg
  )
}

# `missing(x)` sees through the calls that handed x on.
abort_missing <- function(arg, call, hint = NULL) {
  rkeops_abort("argument", sprintf("`%s` is missing", arg), call = call, argument = arg, hint = hint)
}

is_whole <- function(x) {
  is.numeric(x) && !is.object(x) && length(x) == 1L && is.finite(x) && x == trunc(x)
}

check_whole <- function(x, arg, call, min = -Inf, max = Inf, hint = NULL) {
  if (missing(x)) abort_missing(arg, call)
  if (is_whole(x) && x >= min && x <= max) return(as.numeric(x))
  expected <- if (is.finite(min) && is.finite(max)) {
    sprintf("a whole number from %s to %s", number_text(min), number_text(max))
  } else if (is.finite(min)) {
    sprintf("a whole number, at least %s", number_text(min))
  } else {
    "a whole number"
  }
  abort_argument(arg, expected, x, call, hint)
}

check_number <- function(x, arg, call, min) {
  if (missing(x)) abort_missing(arg, call)
  if (is.numeric(x) && !is.object(x) && length(x) == 1L && is.finite(x) && x >= min) return(as.numeric(x))
  abort_argument(arg, sprintf("a number, at least %s", number_text(min)), x, call)
}

check_flag <- function(x, arg, call) {
  if (missing(x)) abort_missing(arg, call)
  if (is.logical(x) && length(x) == 1L && !is.na(x)) return(x)
  abort_argument(arg, "TRUE or FALSE", x, call)
}

check_string <- function(x, arg, call) {
  if (missing(x)) abort_missing(arg, call)
  if (is.character(x) && length(x) == 1L && !is.na(x) && nzchar(x)) return(x)
  abort_argument(arg, "a string", x, call)
}

# In UTF-8; an error for what is text in no encoding.
check_text <- function(x, arg, call) {
  x <- enc2utf8(x)
  bad <- which(!validUTF8(x) | Encoding(x) == "bytes")[1L]
  if (is.na(bad)) return(x)
  rkeops_abort("argument", sprintf("`%s` has an element that is not text in UTF-8", arg), call = call, argument = arg,
               got = paste0("\"", iconv(x[bad], "UTF-8", "ASCII", sub = "byte"), "\""),
               hint = "iconv(x, \"latin1\", \"UTF-8\") turns text in latin1 into it.")
}

check_choice <- function(x, choices, arg, call) {
  if (missing(x)) abort_missing(arg, call)
  if (is.character(x) && length(x) == 1L && x %in% choices) return(x)
  abort_argument(arg, paste0("one of ", paste0("\"", choices, "\"", collapse = ", ")), x, call)
}

# The axis of an index: "i" is 0 (reduce over i, one result row per j), "j" is 1; with `both` "ij" is 2. NA: no
# reduction.
check_index <- function(index, call, na_ok = FALSE, both = FALSE) {
  if (missing(index)) {
    abort_missing("index", call, "index = \"j\" reduces over the rows j, \"i\" over the rows i.")
  }
  if (identical(index, "i")) return(0L)
  if (identical(index, "j")) return(1L)
  if (both && identical(index, "ij")) return(2L)
  if (na_ok && length(index) == 1L && is.atomic(index) && is.na(index)) return(NA_integer_)
  choices <- c("\"i\"", "\"j\"", if (both) "\"ij\"", if (na_ok) "NA")
  last <- length(choices)
  abort_argument("index", paste(paste(choices[-last], collapse = ", "), "or", choices[last]), index, call,
                 hint = paste0("\"i\" reduces over the rows i, \"j\" over the rows j",
                               if (both) ", \"ij\" over both.", if (!both) "."))
}

# The number of rows that are folded; an error if there is no such index. `x`: a list with `ni` and `nj`.
check_occurs <- function(x, axis, call) {
  rows <- c(x$ni, x$nj)[if (axis == 2L) 1:2 else axis + 1L]
  if (!anyNA(rows)) return(prod(rows))
  index <- c("i", "j")[is.na(c(x$ni, x$nj)) & axis != 1:0][1L]
  other <- setdiff(c("i", "j"), index)
  has_other <- !is.na(if (index == "i") x$nj else x$ni)
  rkeops_abort(
    "argument", sprintf("there is no index %s in this expression, so nothing can be reduced over it", index),
    call = call, argument = "index",
    hint = if (!has_other) sprintf("V%s() makes variables with rows %s.", index, index)
           else sprintf("Did you mean V%s(), where V%s() is written? index = \"%s\" reduces over the rows %s.",
                        index, other, other, other)
  )
}

# Arguments in `...` that a method does not know. `known`: those that it has besides the first.
check_dots <- function(generic, known, ..., call = NULL) {
  if (...length() == 0L) return(invisible())
  wrong <- (names(as.list(substitute(list(...)))[-1L]) %||% "")[1L]
  nearest <- if (nzchar(wrong) && length(known) > 0L) {
    sprintf("Did you mean `%s`? ", known[which.min(utils::adist(wrong, known, ignore.case = TRUE))])
  }
  rkeops_abort(
    "argument", if (nzchar(wrong)) sprintf("%s() of a LazyTensor has no argument `%s`", generic, wrong)
                else sprintf("%s() of a LazyTensor has fewer arguments than were given", generic),
    call = call, argument = wrong,
    hint = paste0(nearest, "It takes ", paste(c("the LazyTensor", sprintf("`%s`", known)), collapse = ", "), ".")
  )
}

`%||%` <- function(x, y) if (is.null(x)) y else x

check_lazytensor <- function(x, arg, call) {
  if (missing(x)) abort_missing(arg, call)
  if (is.LazyTensor(x)) return(x)
  abort_argument(arg, "a LazyTensor", x, call, hint = "Make one with Vi(), Vj(), Pm() or LazyTensor().")
}

numbers_of_columns <- function(x, arg, call) {
  numeric <- vapply(x, function(column) {
    (is.numeric(column) || is.logical(column)) && is.null(dim(column)) && !inherits(column, "integer64")
  }, TRUE)
  if (all(numeric)) return(as.matrix(x))
  wrong <- which(!numeric)[1L]
  column <- x[[wrong]]
  hint <- if (is.factor(column) || is.character(column)) {
    "Leave it out, or turn it into numbers; model.matrix() turns factors into columns of 0 and 1."
  } else {
    numbers_hint(column, sprintf("%s$%s", arg, names(x)[wrong]))
  }
  rkeops_abort("input", sprintf("`%s` must have numeric columns only", arg), call = call, argument = arg,
               got = sprintf("column `%s` is %s", names(x)[wrong], describe(column)), hint = hint)
}

# What turns x into numbers.
numbers_hint <- function(x, arg) {
  if (inherits(x, c("Date", "POSIXt", "difftime", "integer64"))) return(sprintf("Write as.numeric(%s).", arg))
  if (is.factor(x)) {
    return(sprintf("as.integer(%s) numbers the levels; model.matrix() turns factors into columns of 0 and 1.", arg))
  }
  if (length(dim(x)) == 2L && !is.atomic(x)) sprintf("Write as.matrix(%s).", arg)
}

# Numbers that can be given to the engine: an unclassed double, integer or logical vector or matrix, with its dimnames.
# Data frames of numbers become matrices; other harmless classes (table, ts, ...) are dropped.
plain_numbers <- function(x, arg, call) {
  if (is.complex(x)) {
    rkeops_abort("unsupported", sprintf("`%s` is complex, real numbers are needed", arg), call = call, argument = arg)
  }
  if (is.data.frame(x)) return(numbers_of_columns(x, arg, call))
  if (!is.object(x) && (is.double(x) || is.integer(x) || is.logical(x))) return(x)
  if ((is.numeric(x) || is.logical(x)) && typeof(x) %in% c("double", "integer", "logical") &&
      !inherits(x, c("integer64", "LazyTensor"))) {
    shape <- dim(x)
    names <- dimnames(x)
    attributes(x) <- NULL
    dim(x) <- shape
    dimnames(x) <- names
    return(x)
  }
  abort_argument(arg, "numeric", x, call, hint = numbers_hint(x, arg), kind = "input")
}

# The value of an expression, evaluated with this tolerance of sums.
with_tolerance <- function(tol, value, call, arg = "tol") {
  if (!is.numeric(tol) || length(tol) != 1L || is.na(tol) || tol < 0 || tol >= 1) {
    abort_argument(arg, "a number from 0 to below 1", tol, call)
  }
  changed <- current_options()
  changed$tolerance <- as.numeric(tol)
  old <- options(rkeops = changed)
  on.exit(options(old))
  value
}
