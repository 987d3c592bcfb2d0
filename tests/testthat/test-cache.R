fresh_cache <- function(env = parent.frame()) {
  directory <- withr::local_tempdir(.local_envir = env)
  local_rkeops_options(cache_dir = directory, env = env)
  directory
}
# A formula that no other test uses, so that it has to be compiled.
fresh_formula <- local({
  count <- 0
  function() {
    count <<- count + 1
    sprintf("Sum_Reduction(x+%d.%05d,1)", count, Sys.getpid() %% 100000L)
  }
})
compiled <- function() rkeops:::rk_statistics()$kernels_compiled

test_that("kernels are compiled once and kept on disk", {
  directory <- fresh_cache()
  op <- keops_kernel(fresh_formula(), "x=Vi(1)")
  before <- compiled()
  op(list(1:3))
  expect_equal(compiled(), before + 1)
  expect_length(rkeops:::cache_files(), 1)
  op(list(4:6))
  expect_equal(compiled(), before + 1)
  clean_rkeops(verbose = FALSE, all = FALSE)
  again <- unserialize(serialize(op, NULL))
  expect_identical(again(list(1:3)), op(list(1:3)))
  expect_equal(compiled(), before + 1)
})

test_that("another process finds the kernel on disk", {
  directory <- fresh_cache()
  formula <- fresh_formula()
  keops_kernel(formula, "x=Vi(1)")(list(1:3))
  script <- withr::local_tempfile(fileext = ".R")
  writeLines(c(
    sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")),
    "suppressMessages(library(rkeops))",
    sprintf("set_rkeops_options(list(cache_dir = %s))", deparse(directory)),
    sprintf("invisible(keops_kernel(%s, 'x=Vi(1)')(list(1:3)))", deparse(formula)),
    "cat('compiled:', rkeops:::rk_statistics()$kernels_compiled)"
  ), script)
  output <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", script), stdout = TRUE)
  expect_match(paste(output, collapse = "\n"), "compiled: 0", fixed = TRUE)
})

test_that("a damaged file is a miss", {
  directory <- fresh_cache()
  formula <- fresh_formula()
  expected <- keops_kernel(formula, "x=Vi(1)")(list(1:3))
  file <- rkeops:::cache_files()
  script <- withr::local_tempfile(fileext = ".R")
  writeLines(c(
    sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")),
    "suppressMessages(library(rkeops))",
    sprintf("set_rkeops_options(list(cache_dir = %s))", deparse(directory)),
    sprintf("unlink(%1$s); writeLines('no kernel', %1$s)", deparse(file)),
    sprintf("cat('result:', keops_kernel(%s, 'x=Vi(1)')(list(1:3)))", deparse(formula))
  ), script)
  output <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", script), stdout = TRUE)
  expect_match(paste(output, collapse = "\n"), paste("result:", paste(format(expected[, 1], digits = 7), collapse = " ")),
               fixed = TRUE)
})

test_that("a directory that cannot be used gives one warning and works in memory", {
  file <- withr::local_tempfile(lines = "not a directory")
  local_rkeops_options()
  withr::local_envvar(RKEOPS_CACHE_DIR = file.path(file, "cache"))
  first <- fresh_formula()
  second <- fresh_formula()
  expect_warning(result <- keops_kernel(first, "x=Vi(1)")(list(0)), "cache directory", class = "rkeops_warning")
  expect_equal(dim(result), c(1L, 1L))
  expect_no_warning_of(keops_kernel(second, "x=Vi(1)")(list(0)))
})

test_that("stat, set and clean", {
  directory <- fresh_cache()
  expect_identical(get_rkeops_cache_dir(), normalizePath(directory))
  expect_identical(stat_rkeops_cache_dir(verbose = FALSE), "0")
  keops_kernel(fresh_formula(), "x=Vi(1)")(list(1:3))
  expect_match(stat_rkeops_cache_dir(verbose = FALSE), "^[0-9.]+K$")
  expect_message(stat_rkeops_cache_dir(), "holds")
  expect_message(stat_rkeops_cache_dir(startup = TRUE), class = "packageStartupMessage")
  writeLines("mine", file.path(directory, "keep.txt"))
  expect_message(clean_rkeops(), "removed")
  expect_identical(dir(directory), "keep.txt")
  clean_rkeops(verbose = FALSE, remove_cache_dir = TRUE)
  expect_true(dir.exists(directory))
  unlink(file.path(directory, "keep.txt"))
  clean_rkeops(verbose = FALSE, remove_cache_dir = TRUE)
  expect_false(dir.exists(directory))
  for (bad in list(NA, "a", 1, NULL)) {
    expect_error(clean_rkeops(verbose = bad), class = "rkeops_error_argument")
    expect_error(stat_rkeops_cache_dir(verbose = bad), class = "rkeops_error_argument")
  }
  other <- withr::local_tempdir()
  expect_message(set_rkeops_cache_dir(other), "now")
  expect_identical(get_rkeops_cache_dir(), normalizePath(other))
  expect_error(set_rkeops_cache_dir("/does/not/exist"), class = "rkeops_error_argument")
  expect_silent(set_rkeops_cache_dir(verbose = FALSE))
  expect_identical(get_rkeops_cache_dir(), Sys.getenv("RKEOPS_CACHE_DIR"))
})

test_that("sizes are written for people", {
  expect_identical(rkeops:::human_size(0), "0")
  expect_identical(rkeops:::human_size(12800), "12.5K")
  expect_identical(rkeops:::human_size(3 * 2^20), "3M")
})

test_that("no compiler, a compiler that fails, one that hangs", {
  fresh_cache()
  set_rkeops_options(list(compiler = "/does/not/exist"))
  expect_error(keops_kernel(fresh_formula(), "x=Vi(1)")(list(1)), "compiler", class = "rkeops_error_compiler")
  set_rkeops_options(list(compiler = "false"))
  expect_error(keops_kernel(fresh_formula(), "x=Vi(1)")(list(1)), class = "rkeops_error_compiler")
  hanging <- withr::local_tempfile(lines = c("#!/bin/sh", "sleep 30"))
  Sys.chmod(hanging, "0755")
  set_rkeops_options(list(compiler = hanging, compile_timeout = 0.5))
  time <- system.time(expect_error(keops_kernel(fresh_formula(), "x=Vi(1)")(list(1)), class = "rkeops_error_compiler"))
  expect_lt(time[["elapsed"]], 10)
  set_rkeops_options(list(compiler = NULL, compile_timeout = 60))
  expect_equal(dim(keops_kernel(fresh_formula(), "x=Vi(1)")(list(1))), c(1L, 1L))
})
