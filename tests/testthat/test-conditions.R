# Errors are conditions with class, call and place; warnings come once; Ctrl-C stops.

test_that("errors carry their class, their call and lines of detail", {
  error <- tryCatch(
    rkeops:::rkeops_abort("input", "problem", got = "got this", hint = "Do that.", call = quote(f(x)), argument = "x"),
    error = identity
  )
  expect_s3_class(error, c("rkeops_error_input", "rkeops_error", "error", "condition"), exact = TRUE)
  lines <- strsplit(conditionMessage(error), "\n")[[1]]
  expect_identical(lines[1], "problem")
  expect_match(lines[2], "got this$")
  expect_match(lines[3], "Do that\\.$")
  expect_identical(conditionCall(error), quote(f(x)))
  expect_identical(error$argument, "x")
})

test_that("the caret stands under the place", {
  expect_identical(rkeops:::caret_lines("abc", 1), c("  abc", "   ^"))
  expect_identical(rkeops:::caret_lines("abc", 3), c("  abc", "     ^"))
  expect_identical(rkeops:::caret_lines("a\nb", 2), c("  a b", "    ^"))
})

test_that("failures of the C++ side become conditions", {
  failure <- function(kind, ...) {
    defaults <- list(kind = kind, message = "m", hint = "", formula = "", position = -1, argument = "", log = "")
    structure(utils::modifyList(defaults, list(...)), class = "rkeops_failure")
  }
  for (kind in c("parse", "dimension", "input", "argument", "unsupported", "compiler", "cache", "memory", "internal")) {
    expect_error(rkeops:::unwrap(failure(kind)), class = paste0("rkeops_error_", kind))
  }
  error <- tryCatch(rkeops:::unwrap(failure("compiler", log = paste(1:100, collapse = "\n"))), error = identity)
  expect_lt(lengths(strsplit(conditionMessage(error), "\n")), 20)
  expect_match(conditionMessage(error), "\n100$")
  expect_identical(rkeops:::unwrap(3), 3)
})

test_that("an interrupt can be caught as R's own", {
  caught <- tryCatch(
    rkeops:::unwrap(structure(list(kind = "interrupt"), class = "rkeops_failure")),
    interrupt = function(e) "stopped"
  )
  expect_identical(caught, "stopped")
})

test_that("warnings are given once per session", {
  warned <- structure(list(value = 3, warnings = "only once, please"), class = "rkeops_told")
  expect_warning(expect_identical(rkeops:::unwrap(warned), 3), "only once", class = "rkeops_warning")
  expect_no_warning_of(expect_identical(rkeops:::unwrap(warned), 3))
})

test_that("Ctrl-C stops a long computation", {
  skip_on_cran()
  skip_on_os("windows")
  output <- in_new_session(c(
    "x <- Vi(matrix(stats::runif(6e5), ncol = 3)); y <- Vj(matrix(stats::runif(6e6), ncol = 3))",
    "invisible(sum(exp(-sqdist(Vi(matrix(1, 2, 3)), Vj(matrix(1, 2, 3)))), 'j'))",
    "system(sprintf('(sleep 1; kill -INT %d) &', Sys.getpid()))",
    "start <- proc.time()[[3]]",
    "r <- tryCatch(sum(exp(-sqdist(x, y)), 'j'), interrupt = function(e) 'interrupted')",
    "cat(if (identical(r, 'interrupted')) 'interrupted' else 'finished', proc.time()[[3]] - start < 8, '\\n')",
    "cat('usable:', sum(sum(Vi(matrix(1:3)) + Vj(matrix(0)), 'j')))"
  ))
  output <- paste(output, collapse = "\n")
  expect_match(output, "interrupted TRUE")
  expect_match(output, "usable: 6")
})
