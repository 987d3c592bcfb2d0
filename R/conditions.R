#' Errors and warnings of rkeops
#'
#' Every error of the package is a condition of class `rkeops_error` and of a class that tells its kind. The message
#' says what is wrong, what was got, and what to do; its call is the one that the user wrote.
#'
#' | class | raised when |
#' |:------|:------------|
#' | `rkeops_error_parse` | a formula or a declaration cannot be read |
#' | `rkeops_error_dimension` | dimensions or numbers of rows do not go together |
#' | `rkeops_error_input` | data are not what was declared: their type, their shape, their names |
#' | `rkeops_error_argument` | an argument has a value that it cannot have |
#' | `rkeops_error_unsupported` | something reasonable that rkeops cannot do |
#' | `rkeops_error_compiler` | there is no compiler, or it failed |
#' | `rkeops_error_cache` | there is no place to compile at |
#' | `rkeops_error_memory` | memory of the machine or of the GPU does not suffice |
#' | `rkeops_error_gpu` | the GPU, its driver or NVRTC is missing, or failed |
#' | `rkeops_error_internal` | a defect of rkeops: please report it |
#'
#' Fields of a condition, besides `message` and `call`, where they make sense: `argument`, the name of the faulty
#' argument; `formula`, the text of the formula, and `position`, the place of the fault in it, counted from 0;
#' `log`, what the compiler said, its first 64 KB.
#'
#' Warnings have the class `rkeops_warning`. The same warning is given once per session.
#'
#' Ctrl-C ends a computation within a fraction of a second, and can be caught with `tryCatch(interrupt = )` like any
#' interrupt.
#'
#' @name rkeops_errors
#' @seealso [check_rkeops()] for what is missing on this machine.
#' @concept error handling
#' @examples
#' x <- matrix(0, 5, 3)
#' y <- matrix(0, 4, 2)
#' tryCatch(
#'   sqdist(Vi(x), Vj(y)),
#'   rkeops_error_dimension = function(e) "x and y must have as many columns"
#' )
#'
#' failure <- tryCatch(
#'   keops_kernel("Sum_Reduction(Epx(-SqDist(x, y)), 1)", c("x = Vi(3)", "y = Vj(3)")),
#'   rkeops_error = identity
#' )
#' class(failure)
#' cat(conditionMessage(failure))
#' substring(failure$formula, failure$position + 1)
NULL

# `message` says what is wrong; `got` and `hint` add a line each. Further arguments become fields of the condition.
rkeops_abort <- function(kind, message, ..., got = NULL, hint = NULL, call = NULL) {
  lines <- c(
    message,
    if (has_text(got)) paste(cli::col_red(cli::symbol$cross), got),
    if (has_text(hint)) paste(cli::col_cyan(cli::symbol$info), hint)
  )
  fields <- list(message = paste(lines, collapse = "\n"), call = call, ...)
  stop(structure(fields, class = c(paste0("rkeops_error_", kind), "rkeops_error", "error", "condition")))
}

has_text <- function(x) is.character(x) && length(x) > 0L && any(nzchar(x))

# Raises what the C++ side reported (see src/bridge.h).
raise_failure <- function(failure, call = NULL) {
  if (failure$kind == "interrupt") signal_interrupt()
  message <- failure$message
  if (has_text(failure$formula) && failure$position >= 0) {
    message <- c(message, caret_lines(failure$formula, failure$position))
  }
  if (has_text(failure$log)) message <- c(message, tail_lines(failure$log, 15L))
  rkeops_abort(
    failure$kind, message, hint = failure$hint, call = call, formula = failure$formula,
    position = failure$position, argument = failure$argument, log = failure$log
  )
}

# The formula with a caret under `position` (0-based); long formulas are cut around it.
caret_lines <- function(formula, position, width = 70L) {
  formula <- gsub("[\r\n\t]", " ", formula)
  from <- max(0L, min(position - width %/% 2L, nchar(formula) - width))
  text <- substr(formula, from + 1L, from + width)
  before <- if (from > 0L) "..." else ""
  after <- if (from + width < nchar(formula)) "..." else ""
  columns <- nchar(substr(text, 1L, position - from), type = "width")
  c(paste0("  ", before, text, after), paste0("  ", strrep(" ", nchar(before) + columns), "^"))
}

tail_lines <- function(text, n, width = 300L) {
  lines <- strsplit(text, "\n", fixed = TRUE)[[1L]]
  long <- nchar(lines) > width
  lines[long] <- paste0(substr(lines[long], 1L, width), "...")
  if (length(lines) <= n) lines else c("...", lines[seq.int(length(lines) - n + 1L, length(lines))])
}

# What happens at Ctrl-C: handlers established by tryCatch(interrupt = ) run, else the computation is abandoned.
signal_interrupt <- function() {
  signalCondition(structure(list(message = "", call = NULL), class = c("interrupt", "condition")))
  invokeRestart("abort")
}

# Warnings of the engine; the same text is given once per session (a broken cache would repeat it at every call).
raise_warnings <- function(messages, call = NULL) {
  for (message in setdiff(messages, session$warned)) {
    session$warned <- c(session$warned, message)
    rkeops_warn(message, call)
  }
}

rkeops_warn <- function(message, call) {
  warning(structure(list(message = message, call = call), class = c("rkeops_warning", "warning", "condition")))
}

# The value of a call into C++, or its failure as an error. `written`: did the user write the formula? Otherwise it says
# nothing to them.
unwrap <- function(result, call = NULL, written = TRUE) {
  if (!is.object(result)) return(result)
  if (inherits(result, "rkeops_failure")) {
    if (!written) result[c("formula", "position")] <- list("", -1)
    raise_failure(result, call)
  }
  if (inherits(result, "rkeops_told")) {
    raise_warnings(result$warnings, call)
    for (note in result$notes) message("rkeops: ", note)
    value <- result$value
    if ((is.numeric(value) || is.list(value)) && isTRUE(result$certificate >= 0)) attr(value, "certificate") <- result$certificate
    return(value)
  }
  result
}
