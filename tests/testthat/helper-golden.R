# Reference answers of an independent implementation, one JSON object a line: formula, inputs, output.
# Everything in the files is row by row and 0-based.

read_golden <- function(file) lapply(readLines(testthat::test_path("golden", file)), parse_json)

# JSON -> nested lists: what is not a string becomes R's own syntax.
parse_json <- function(text) {
  strings <- gregexpr("\"([^\"\\\\]|\\\\.)*\"", text)
  rest <- regmatches(text, strings, invert = TRUE)[[1]]
  for (pair in list(c("[[{]", "list("), c("[]}]", ")"), c(":", "="), c("null", "NULL"))) {
    rest <- gsub(pair[1], pair[2], rest)
  }
  regmatches(text, strings, invert = TRUE) <- list(rest)
  eval(str2expression(text), baseenv())
}

# Numbers nested as lists, row by row -> R array of the given shape.
from_rows <- function(nested, shape) {
  values <- as.numeric(unlist(nested))
  shape <- as.integer(unlist(shape))
  aperm(array(values, rev(shape)))
}

golden_formula <- function(case) {
  reduction <- case$reduction
  if (reduction == "LogSumExp" && !is.null(case$formula2)) reduction <- "LogSumExpWeight"
  parts <- c(case$formula, case$opt_arg, case$formula2, case$axis)
  sprintf("%s_Reduction(%s)", reduction, paste(parts, collapse = ","))
}

golden_inputs <- function(case) {
  Map(function(declaration, input) {
    if (grepl("Pm(", declaration, fixed = TRUE)) return(as.numeric(unlist(input)))
    from_rows(input, c(length(input), length(input[[1]])))
  }, unlist(case$args), case$inputs, USE.NAMES = FALSE)
}

# A list of arrays: one, or values and indices.
golden_output <- function(case) {
  several <- is.list(case$shape[[1]])
  outputs <- if (several) case$output else list(case$output)
  shapes <- if (several) case$shape else list(case$shape)
  result <- Map(from_rows, outputs, shapes)
  index <- if (several) 2L else if (grepl("^Arg", case$reduction)) 1L else 0L
  if (index > 0L) result[[index]] <- result[[index]] + 1
  result
}

# Errors allowed. float64: 1e-9 of each entry, 1e-12 near zero. float32, where sums of few terms may cancel: 2e-6 of the
# largest entry.
allowed_error <- function(expected, precision) {
  size <- abs(as.vector(expected))
  if (precision == "float32") 2e-6 * max(size, 1e-3) else pmax(1e-9 * size, 1e-12)
}

# Largest error in units of what is allowed.
excess <- function(actual, expected, precision) {
  if (!identical(length(actual), length(expected))) return(Inf)
  error <- abs(as.vector(actual) - as.vector(expected)) / allowed_error(expected, precision)
  error[as.vector(actual) == as.vector(expected)] <- 0
  if (anyNA(error)) Inf else max(error, 0)
}

expect_golden <- function(case, threads, precision = "float64") {
  rkeops_use_cpu(ncore = threads)
  label <- sprintf("golden %d, %s: %s", case$id, precision, golden_formula(case))
  actual <- tryCatch(keops_kernel(golden_formula(case), unlist(case$args))(golden_inputs(case)), error = identity)
  if (inherits(actual, "error")) return(testthat::fail(paste0(label, ": ", conditionMessage(actual))))
  if (!is.list(actual)) actual <- list(actual)
  expected <- golden_output(case)
  same_shape <- identical(lapply(actual, dim), lapply(expected, dim))
  worst <- if (same_shape) max(mapply(excess, actual, expected, precision)) else Inf
  testthat::expect(worst <= 1, sprintf("%s: %s", label, if (same_shape) {
    sprintf("error is %.3g times what is allowed", worst)
  } else {
    shapes <- function(x) paste(lapply(x, dim), collapse = "/")
    paste("shape", shapes(actual), "instead of", shapes(expected))
  }))
}
