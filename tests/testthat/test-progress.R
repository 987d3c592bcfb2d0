# The progress bar: when it is there, what it says, how it goes.

test_that("the time left is told in two units", {
  expect_identical(rkeops:::time_left(0.2), "1 s")
  expect_identical(rkeops:::time_left(59), "59 s")
  expect_identical(rkeops:::time_left(61.5), "1 min 1 s")
  expect_identical(rkeops:::time_left(3725), "1 h 2 min")
})

test_that("verbosity decides whether there is a bar", {
  local_rkeops_options()
  expect_identical(is.null(rkeops:::runtime_options()$progress), !interactive())
  set_rkeops_options(list(verbosity = 2))
  expect_type(rkeops:::runtime_options()$progress$draw, "closure")
  rkeops_disable_verbosity()
  expect_null(rkeops:::runtime_options()$progress)
})

drawn <- function(expr, dynamic) {
  withr::local_options(cli.dynamic_tty = dynamic, cli.unicode = FALSE, cli.num_colors = 1)
  gsub("\r|\033\\[[0-9;?]*[A-Za-z]", "", paste(cli::cli_fmt(expr), collapse = "\n"))
}

test_that("the bar shows the share done and the time left, and goes", {
  text <- drawn({
    rkeops:::draw_progress(0.25, 5)
    rkeops:::remove_progress()
  }, dynamic = TRUE)
  expect_match(text, "rkeops .*25% \\| 15 s left")
  expect_null(rkeops:::session$bar)
  expect_identical(drawn(rkeops:::remove_progress(), dynamic = TRUE), "")
})

test_that("where lines stay on the screen there are few of them", {
  text <- drawn({
    for (done in seq(0.1, 0.99, 0.01)) rkeops:::draw_progress(done, 5)
    rkeops:::remove_progress()
  }, dynamic = FALSE)
  lines <- grep("left", strsplit(text, "\n")[[1]])
  expect_gt(length(lines), 5)
  expect_lt(length(lines), 12)
})

test_that("a long computation shows a bar, and handlers can end it", {
  skip_on_cran()
  output <- in_new_session(c(
    "set_rkeops_options(list(verbosity = 2, threads = 1))",
    "options(cli.dynamic_tty = TRUE, cli.unicode = FALSE, cli.num_colors = 1)",
    "x <- Vi(matrix(runif(6e5), ncol = 3)); y <- Vj(matrix(runif(6e6), ncol = 3))",
    "long <- function() sum(exp(-sqdist(x, y)), 'j')",
    "cat(tryCatch(long(), message = function(m) 'ended by a handler'), '\\n')",
    "system(sprintf('(sleep 3; kill -INT %d) &', Sys.getpid()))",
    "cat(tryCatch(long(), interrupt = function(e) 'interrupted'), '\\n')",
    "cat('bar:', is.null(rkeops:::session$bar), 'usable:', sum(sum(Vi(matrix(1:3)) + Vj(matrix(0)), 'j')), '\\n')"
  ))
  output <- paste(output, collapse = "\n")
  expect_match(output, "ended by a handler")
  expect_match(output, "% \\| [0-9].* left")
  expect_match(output, "interrupted")
  expect_match(output, "bar: TRUE usable: 6")
})
