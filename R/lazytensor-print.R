# How LazyTensors look, and their dimensions.

#' Printing LazyTensors, and their dimensions
#'
#' `dim()` is the number of rows i and of rows j, 1 where there is no such index; the dimension of the vectors is
#' `x$dimres`. The formula is shown in R's own syntax; where it would be long, parts of it get names and lines of their
#' own. `t()` exchanges i and j. `summary()` adds the variables, and where and how precisely reductions would be
#' computed.
#'
#' @param x,object a LazyTensor.
#' @param width number of characters after which the formula and its parts are cut.
#' @param ... not used.
#' @return `dim()`: two numbers. `format()`: lines of text. `print()`: `x`, invisibly. `t()`: a LazyTensor. `summary()`:
#'   a list of class `summary.LazyTensor` with the elements `head` (what `format()` gives), `variables` (a data frame
#'   with `name`, `index`, `rows`, `dim` and the `bytes` of the data), `precision` and `backend`.
#' @name lazytensor_print
#' @seealso [LazyTensor()], [lazytensor_entries] for the numbers.
#' @examples
#' K_ij <- sqdist(Vi(matrix(1:6, 3)), Vj(matrix(1:8, 4)))
#' K_ij
#' dim(K_ij)
#' dim(t(K_ij))
#' summary(K_ij)
NULL

#' @rdname lazytensor_print
#' @export
dim.LazyTensor <- function(x) {
  rows <- c(x$ni, x$nj)
  rows[is.na(rows)] <- 1
  if (all(rows <= .Machine$integer.max)) as.integer(rows) else rows
}

#' @rdname lazytensor_print
#' @export
format.LazyTensor <- function(x, width = 10L * getOption("width"), ...) {
  shown <- r_formula(x, width)
  where <- if (length(shown$parts) > 0L) c("  where", paste0("    ", shown$parts))
  pairs <- prod(as.numeric(dim(x)))
  c(
    headline(x),
    unlist(lapply(c(paste("  formula:", shown$formula), where), wrap_formula, getOption("width"))),
    if (any(grepl("NotEqual(R0x", x$mask, fixed = TRUE))) "  without the pairs i = j",
    if (has_blocks(x)) sprintf("  in blocks: %s of the pairs", share_text(x$blocks)),
    if (!x$formula %in% identifier(x$args)) {  # what a variable has is stored
      sprintf("  never stored: %s as an ordinary %s", human_bytes(pairs * vector_bytes(x)),
              if (x$dimres == 1) "matrix" else "array")
    }
  )
}

# Lines of at most `width` characters, broken behind parentheses, commas and spaces.
wrap_formula <- function(text, width) {
  indent <- sub("[^ ].*", "", text)
  pieces <- regmatches(text, gregexpr("[^(, ]*[(, ]*", text))[[1L]]
  lines <- ""
  for (piece in pieces) {
    last <- length(lines)
    if (nchar(lines[last]) + nchar(trimws(piece, "right")) > width && nzchar(trimws(lines[last]))) {
      lines <- c(lines, paste0(indent, "  ", piece))
    } else {
      lines[last] <- paste0(lines[last], piece)
    }
  }
  trimws(lines, "right")
}

headline <- function(x) {
  rows <- whole_text(dim(x))
  sprintf("<%s> %s x %s, dim %s", class(x)[1L], rows[1L], rows[2L], whole_text(x$dimres))
}

#' @rdname lazytensor_print
#' @export
print.LazyTensor <- function(x, ...) {
  writeLines(format(x, ...))
  invisible(x)
}

#' @rdname lazytensor_print
#' @importFrom utils str
#' @export
str.LazyTensor <- function(object, ...) {
  cat(" ", headline(object), "\n", sep = "")
  invisible(NULL)
}

#' @rdname lazytensor_print
#' @export
summary.LazyTensor <- function(object, ...) {
  check_dots("summary", character(), ..., call = call_of("summary", sys.call()))
  named <- !is_number(object$args)
  declared <- declared_as(object$args)[named]
  indices <- c(Vi = "i", Vj = "j", Pm = "none")[substr(declared, 1L, 2L)]
  dims <- as.numeric(substr(declared, 4L, nchar(declared) - 1L))
  variables <- data.frame(
    name = variable_names(object)[named], index = unname(indices),
    rows = unname(c(i = object$ni, j = object$nj, none = 1)[indices]), dim = dims,
    bytes = vapply(object$data[named], function(data) length(data) * (if (is.double(data)) 8 else 4), 0)
  )
  options <- current_options()
  structure(
    list(head = format(object), variables = variables, precision = options$precision, backend = options$backend),
    class = "summary.LazyTensor"
  )
}

#' @export
print.summary.LazyTensor <- function(x, ...) {
  variables <- x$variables
  shown <- data.frame(
    name = variables$name, index = ifelse.default(variables$index == "none", "", variables$index),
    rows = formatC(whole_text(variables$rows), width = max(nchar(whole_text(variables$rows)), 0L)), dim = variables$dim,
    memory = vapply(variables$bytes, human_bytes, "")
  )
  writeLines(x$head)
  if (nrow(shown) > 0L) {
    writeLines("  variables:")
    writeLines(paste0("   ", utils::capture.output(print(shown, row.names = FALSE))))
  }
  writeLines(sprintf("  reductions: %s on the %s", x$precision, x$backend))
  invisible(x)
}

#' @rdname lazytensor_print
#' @export
t.LazyTensor <- function(x) {
  ids <- identifier(x$args)
  swapped <- chartr("ij", "ji", ids)
  renamed <- unwrap(rk_rename(c(x$formula, x$mask), x$definitions, ids, swapped))
  declared <- declared_as(x$args)
  indexed <- startsWith(declared, "V")
  declared[indexed] <- chartr("ij", "ji", declared[indexed])
  rows_i <- x$ni
  x$formula <- renamed$formulas[1L]
  if (has_mask(x)) x$mask <- renamed$formulas[-1L]
  if (has_blocks(x)) x$blocks <- lapply(x$blocks, transposed_blocks)
  if (!is.null(x$definitions)) x$definitions <- renamed$definitions
  x$args <- sprintf("%s=%s", swapped, declared)
  x$ni <- x$nj
  x$nj <- rows_i
  x
}

# Plain numbers are shown as they are.
variable_names <- function(x) {
  number <- is_number(x$args)
  names <- character(length(number))
  names[number] <- vapply(x$data[number], number_text, "", digits = 15L)
  names[!number] <- names_of_data(x$labels[!number], x$args[!number])
  names
}

names_of_data <- function(labels, args) {
  suffix <- sub(".*=Pm.*", "", sub(".*=V([ij]).*", "_\\1", args))
  unknown <- !nzchar(labels)
  labels[unknown] <- ifelse.default(is_indexed(args), "v", "p")[unknown]
  has_suffix <- nzchar(suffix) & endsWith(labels, suffix)
  make.unique(paste0(labels, ifelse.default(has_suffix, "", suffix)), sep = "")
}

human_bytes <- function(bytes) {
  units <- c("bytes", "kB", "MB", "GB", "TB", "PB")
  power <- if (bytes < 1000) 0 else min(floor(log(bytes, 1000)), length(units) - 1)
  paste(number_text(signif(bytes / 1000^power, 3L)), units[power + 1])
}
