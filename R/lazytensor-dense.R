# Entries of LazyTensors as ordinary numbers.

#' Entries of a LazyTensor
#'
#' Computes entries of the symbolic matrix and gives them as ordinary numbers: all of them, or a part. Only what is
#' asked for is computed, at the speed of reductions and straight into the result, and results beyond `max_entries`
#' numbers are refused.
#'
#' `K[i, j]` takes row numbers as for matrices: positive, negative or logical ones, or none. They always count from 1.
#' Where the data have row names, they are the names of the rows and columns, and `K["a", "b"]` takes them too. `K[k]`
#' takes single entries by their position in the matrix, column after column, or a matrix `k` of two columns i, j; so
#' `diag(K)` works too. LazyTensors cannot be changed by `K[i, j] <- value`.
#'
#' Where a LazyTensor does not have an index, as `Vi(x)` has no j, and vectors of several components, rows of that index
#' cannot be chosen: `Vi(x)[, 1]` is an error, since it could mean component 1, which is `elem(Vi(x), 1)`. The first
#' three rows are `Vi(x)[1:3, ]`.
#'
#' As for matrices, `length(K)` is the number of pairs (i, j), and `head(K)`, `apply(K, 1, f)` and the like go through
#' the ordinary matrix.
#'
#' @param x a LazyTensor.
#' @param i,j numbers of rows i and of rows j, or their names.
#' @param drop `TRUE`: the result loses axes of length 1.
#' @param max_entries refuse results with more numbers than that.
#' @param ... not used: anything else is refused.
#' @return For dimension 1 a matrix M x N, otherwise an array M x N x D (`as.matrix()` wants dimension 1): numeric,
#'   complex, or logical for truth values. Errors: of class `rkeops_error_memory` if there are too many entries, of
#'   class `rkeops_error_argument` for rows that there are not.
#' @seealso [image.LazyTensor()] for a picture; [lazytensor_reductions] and [lazytensor_product], which store no large
#'   matrix.
#' @name lazytensor_entries
#' @aliases diag.LazyTensor
#' @concept kernel matrix
#' @concept dense matrix
#' @concept heat map
#' @examples
#' x <- matrix(seq(0, 3, length.out = 30))
#' K_ij <- exp(-sqdist(Vi(x), Vj(x)))
#' K_ij[1:3, 1:3]
#' K_ij[, 30]
#' diag(K_ij)
#' dim(as.matrix(K_ij))
NULL

#' @rdname lazytensor_entries
#' @export
as.matrix.LazyTensor <- function(x, ..., max_entries = 1e8) {
  call <- call_of("as.matrix", sys.call())
  check_dots("as.matrix", "max_entries", ..., call = call)
  if (x$dimres != 1) {
    rkeops_abort("dimension", sprintf("as.matrix() needs dimension 1, this LazyTensor has dimension %.0f", x$dimres),
                 call = call, argument = "x",
                 hint = "as.array(x) gives an array M x N x D; elem(x, m) is component m, of dimension 1.")
  }
  dense(x, NULL, NULL, max_entries, call)
}

#' @rdname lazytensor_entries
#' @export
as.array.LazyTensor <- function(x, ..., max_entries = 1e8) {
  call <- call_of("as.array", sys.call())
  check_dots("as.array", "max_entries", ..., call = call)
  dense(x, NULL, NULL, max_entries, call)
}

#' @rdname lazytensor_entries
#' @export
`[.LazyTensor` <- function(x, i, j, ..., drop = TRUE) {
  call <- call_of("[", sys.call())
  indices <- nargs() - 1L - !missing(drop)
  if (indices > 2L) {
    rkeops_abort("argument", "a LazyTensor has two indices, i and j", call = call, got = paste("got", indices),
                 hint = "elem(x, m) is component m of the vectors.")
  }
  if (indices == 1L && !missing(i)) return(single_entries(x, i, call))
  check_flag(drop, "drop", call)
  size <- dim(x)
  values <- dense(
    x, if (!missing(i)) axis_positions(i, size[1L], "i", x, call),
    if (!missing(j)) axis_positions(j, size[2L], "j", x, call), 1e8, call
  )
  if (drop) drop(values) else values
}

#' @export
`[<-.LazyTensor` <- function(x, ..., value) {
  rkeops_abort("unsupported", "entries of a LazyTensor cannot be changed, they follow from its formula",
               call = call_of("[<-", sys.call()),
               hint = "ifelse(test, yes, no) chooses between values; as.matrix(x) gives an ordinary matrix.")
}

# ---- what R functions ask matrices for

#' @export
length.LazyTensor <- function(x) {
  answer_inside(sys.parent())
  pairs <- prod(as.numeric(dim(x)))
  if (pairs <= .Machine$integer.max) as.integer(pairs) else pairs
}

# diag() takes entries of what is a matrix.
#' @export
is.matrix.LazyTensor <- function(x) TRUE

#' @export
as.vector.LazyTensor <- function(x, mode = "any") as.vector(as.array(x), mode)

#' @export
as.double.LazyTensor <- function(x, ...) as.double(as.array(x))

#' @export
as.list.LazyTensor <- function(x, ...) {
  rkeops_abort("unsupported", "a LazyTensor is not a list that can be looped over", call = NULL,
               hint = "Reduce it, as in sum(x, index = \"j\"), or take entries: x[i, j], as.matrix(x).")
}

#' @export
c.LazyTensor <- function(...) refuse_binding("c")

#' @export
cbind.LazyTensor <- function(..., deparse.level = 1) refuse_binding("cbind")

#' @export
rbind.LazyTensor <- function(..., deparse.level = 1) refuse_binding("rbind")

refuse_binding <- function(name) {
  refuse_function(name, NULL, "concat(x, y) puts the vectors of x and y together. Bind data before Vi() or Vj().")
}

# The user's call of a generic, out of the call of a method.
call_of <- function(generic, call) {
  call[[1L]] <- as.name(generic)
  call
}

# ---- computation

# Entries (i, j) for all i in `i` and j in `j` (NULL: all), as an array length(i) x length(j) (x D). The data of these
# rows are taken out once; the rest is one pass over tiles of rows and columns, which writes into the result.
dense <- function(x, i, j, max_entries, call) {
  chosen <- list(Vi = i, Vj = j)
  extents <- ifelse.default(vapply(chosen, is.null, TRUE), as.numeric(dim(x)), as.numeric(lengths(chosen)))
  check_entries(x, prod(extents), max_entries, call)
  if (has_mask(x)) x <- leave_out(x, NULL, "entries")$x
  blocks <- x$blocks
  x$blocks <- NULL
  x <- with_variables(x)
  category <- categories_of(x$args)
  data <- x$data
  tokens <- x$tokens
  for (k in which(category %in% names(chosen)[!vapply(chosen, is.null, TRUE)])) {
    data[[k]] <- data[[k]][chosen[[category[k]]], , drop = FALSE]
    tokens[k] <- list(NULL)
  }
  values <- evaluate(paste0("Entries_Reduction(", x$formula, ",1)"), x, call, data, tokens)
  if (!is.null(blocks)) {
    kept <- outer(i %||% seq_len(x$ni), j %||% seq_len(x$nj), function(i, j) keeps(blocks, i, j))
    values[!as.vector(kept)] <- NaN  # recycled over components
  }
  if (is.ComplexLazyTensor(x)) values <- complex_entries(values, x$dimres)
  if (x$logical) storage.mode(values) <- "logical"
  names <- list(names_of_rows(x, "Vi", i), names_of_rows(x, "Vj", j))
  if (!all(lengths(names) == 0L)) dimnames(values) <- c(names, if (x$dimres != 1) list(NULL))
  # An index without variables has one row, which may be asked for any number of times.
  if (!is.null(i) && is.na(x$ni)) values <- at_places(values, i, TRUE)
  if (!is.null(j) && is.na(x$nj)) values <- at_places(values, TRUE, j)
  values
}

at_places <- function(values, i, j) {
  if (length(dim(values)) == 2L) values[i, j, drop = FALSE] else values[i, j, , drop = FALSE]
}

# A formula without variables gets one that it does not read.
with_variables <- function(x) {
  if (length(x$args) > 0L) return(x)
  x$args <- "A0x0NA=Pm(1)"
  x$data <- list(0)
  x$tokens <- list(NULL)
  x
}

# Arrays of re, im, re, im, ... along the last axis as complex ones.
complex_entries <- function(values, dim) {
  extents <- dim(values)[1:2]
  values <- complex(real = values[, , c(TRUE, FALSE)], imaginary = values[, , c(FALSE, TRUE)])
  dim(values) <- c(extents, if (dim != 1) dim)
  values
}

# Names of the rows of an index, "Vi" or "Vj": those of its first variable that has some.
names_of_rows <- function(x, category, chosen = NULL) {
  names <- row_names_of(x$data, categories_of(x$args), category)
  if (is.null(chosen)) names else names[chosen]
}

# x[k] and x[cbind(i, j)]: a vector, or a matrix with one row per entry.
single_entries <- function(x, k, call) {
  size <- as.numeric(dim(x))
  if (is.numeric(k) && length(dim(k)) == 2L && ncol(k) == 2L) {
    pairs <- list(positions(k[, 1L], size[1L], "i", x, call), positions(k[, 2L], size[2L], "j", x, call))
  } else {
    if (is.logical(k) && length(k) == prod(size)) k <- which(k)
    if (!is.numeric(k) || any(k < 0, na.rm = TRUE)) {
      hint <- if (is.LazyTensor(k)) "as.matrix(i) gives ordinary truth values; ifelse(i, x, 0) keeps x where i is true."
              else "Write x[i, j], x[i, ] or x[, j] for rows i and columns j."
      abort_argument("i", "positions of entries", k, call, hint = hint)
    }
    k <- positions(k, prod(size), "i", x, call)
    pairs <- list((k - 1) %% size[1L] + 1, (k - 1) %/% size[1L] + 1)
  }
  check_entries(x, length(pairs[[1L]]), 1e8, call)
  drop(pair_entries(x, length(pairs[[1L]]), call, function(k) list(pairs[[1L]][k], pairs[[2L]][k])))
}

# Rows of the index `arg`, "i" or "j". Where the tensor does not have that index, a component of the vectors is meant.
axis_positions <- function(index, n, arg, x, call) {
  if (is.na(x[[paste0("n", arg)]]) && x$dimres > 1) {
    rows <- if (!is.na(x$ni)) "; x[i, ] are rows i" else if (!is.na(x$nj)) "; x[, j] are rows j" else ""
    message <- sprintf("`%s` selects rows %s, but this LazyTensor has no index %s", arg, arg, arg)
    rkeops_abort("argument", message, call = call, argument = arg, got = paste("got", describe(index)),
                 hint = sprintf("elem(x, m) is component m of its vectors, extract(x, m, d) are d from m on%s.", rows))
  }
  if (!is.character(index)) return(positions(index, n, arg, x, call))
  names <- names_of_rows(x, if (arg == "i") "Vi" else "Vj")
  if (is.null(names)) {
    abort_argument(arg, "row numbers or truth values", index, call,
                   hint = sprintf("The data of index %s have no row names.", arg))
  }
  chosen <- match(index, names)
  if (!anyNA(chosen)) return(chosen)
  message <- sprintf("`%s` is out of bounds: no row has the name \"%s\"", arg, index[is.na(chosen)][1L])
  rkeops_abort("argument", message, call = call, argument = arg, hint = "Names are those of the rows of the data.")
}

# Row numbers of an index, as `[` of matrices takes them.
positions <- function(index, n, arg, x, call) {
  if (is.object(index) || !(is.numeric(index) || is.logical(index))) {
    abort_argument(arg, "row numbers or truth values", index, call)
  }
  if (is.numeric(index) && any(index <= -1, na.rm = TRUE) && any(index >= 1, na.rm = TRUE)) {
    abort_argument(arg, "either row numbers, or negative ones to leave out", index, call)
  }
  few <- is.numeric(index) && !anyNA(index) && all(index >= 1)
  chosen <- if (few) trunc(index) else if (is.logical(index) && length(index) > n) NA else seq_len(n)[index]
  if (!anyNA(chosen) && (length(chosen) == 0L || max(chosen) <= n)) return(chosen)
  hint <- if (x$dimres > 1) "Rows i and j are meant; elem(x, m) is component m of the vectors."
          else "dim(x) gives the number of rows i and of rows j."
  rkeops_abort("argument", sprintf("`%s` is out of bounds: there are %.0f", arg, n), call = call, argument = arg,
               got = paste("got", describe(index)), hint = hint)
}

check_entries <- function(x, pairs, max_entries, call) {
  if (!is.numeric(max_entries) || length(max_entries) != 1L || is.na(max_entries)) {
    abort_argument("max_entries", "a number", max_entries, call)
  }
  entries <- pairs * x$dimres
  if (entries <= max_entries) return(invisible())
  rkeops_abort(
    "memory", sprintf("the result would have %s entries and take %s of memory", whole_text(entries),
                      human_bytes(pairs * vector_bytes(x))),
    got = sprintf("at most %s entries are allowed", whole_text(max_entries)), call = call,
    hint = paste("Reduce it, as in sum(x, index = \"j\"), or take a part, x[1:100, 1:100];",
                 "as.array(x, max_entries = Inf) lifts the limit.")
  )
}

# Bytes of one entry (i, j) in an ordinary array.
vector_bytes <- function(x) x$dimres * (if (is.ComplexLazyTensor(x)) 16 else 8)

# A matrix with one row per entry. `pairs_of(k)` is the list of numbers i and of numbers j of entries k. Entries are
# what the rows i of a LazyTensor without j are: its formula on data of which rows are repeated. So any number of them
# is one kernel.
pair_entries <- function(x, count, call, pairs_of) {
  if (has_mask(x)) x <- leave_out(x, NULL, "entries")$x
  dim <- declared_dim(x)
  of_pairs <- list(args = sub("=Vj(", "=Vi(", x$args, fixed = TRUE), definitions = x$definitions)
  index <- match(categories_of(x$args), categories)
  data <- x$data
  if (!any(index < 3L)) {
    of_pairs$args <- c(of_pairs$args, "A0x0i=Vi(1)")  # not in the formula; gives the number of rows
    index <- c(index, 1L)
    data <- c(data, list(matrix(0, 1L, 1L)))
  }
  formula <- paste0("Sum_Reduction(", x$formula, ",1)")
  width <- dim + sum(vapply(data, NCOL, 0L))
  block <- max(1, 2^22 %/% width)
  values <- matrix(0, count, dim)
  done <- 0
  while (done < count) {
    k <- done + seq_len(min(block, count - done))
    pairs <- pairs_of(k)
    rows <- Map(function(values, of) if (of == 3L) values else values[pairs[[of]], , drop = FALSE], data, index)
    values[k, ] <- evaluate(formula, of_pairs, call, rows)
    if (has_blocks(x)) values[k[!keeps(x$blocks, pairs[[1L]], pairs[[2L]])], ] <- NaN
    done <- done + length(k)
  }
  if (is.ComplexLazyTensor(x)) return(deinterleave(values))
  if (x$logical) storage.mode(values) <- "logical"
  values
}
