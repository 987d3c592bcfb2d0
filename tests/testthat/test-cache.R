# The kernel cache: memory, disk, damaged files and directories, its limit, compilers that fail.

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
counts <- function() unlist(rkeops:::rk_statistics()[c("kernels_compiled", "kernels_from_disk", "kernels_in_memory")])
compiled <- function() counts()[["kernels_compiled"]]
# Kernels compiled and read from disk by `code`.
work_of <- function(code) {
  before <- counts()
  force(code)
  unname((counts() - before)[1:2])
}
kernels <- function(directory) dir(directory, "^[0-9a-f]{32}[.]so$", full.names = TRUE)

test_that("kernels are compiled once and kept on disk", {
  directory <- fresh_cache()
  op <- keops_kernel(fresh_formula(), "x=Vi(1)")
  expect_equal(work_of(first <- op(list(1:3))), c(1, 0))
  expect_length(kernels(directory), 1)
  expect_identical(dir(directory, all.files = TRUE, no.. = TRUE), basename(kernels(directory)))
  expect_equal(work_of(op(list(4:6))), c(0, 0))
  # also a program that was used before reads it again
  clean_rkeops(verbose = FALSE, all = FALSE)
  expect_equal(counts()[["kernels_in_memory"]], 0)
  expect_equal(work_of(again <- op(list(1:3))), c(0, 1))
  expect_identical(again, first)
  expect_equal(work_of(copy <- unserialize(serialize(op, NULL))(list(1:3))), c(0, 0))
  expect_identical(copy, first)
  clean_rkeops(verbose = FALSE)
  expect_length(kernels(directory), 0)
  expect_equal(work_of(op(list(1:3))), c(1, 0))
})

test_that("a file is a kernel only under its own key, and only if others cannot write it", {
  directory <- fresh_cache()
  ops <- lapply(1:2, function(k) keops_kernel(fresh_formula(), "x=Vi(1)"))
  expected <- lapply(ops, function(op) op(list(1:3)))
  files <- kernels(directory)
  file.rename(files, paste0(files, ".x"))
  file.rename(paste0(files, ".x"), rev(files))
  clean_rkeops(verbose = FALSE, all = FALSE)
  expect_equal(work_of(results <- lapply(ops, function(op) op(list(1:3)))), c(2, 0))
  expect_identical(results, expected)
  expect_true(all(file.mode(files) == as.octmode("600")))
  Sys.chmod(files, "666", use_umask = FALSE)
  clean_rkeops(verbose = FALSE, all = FALSE)
  expect_equal(work_of(results <- lapply(ops, function(op) op(list(1:3)))), c(2, 0))
  expect_identical(results, expected)
  expect_true(all(file.mode(files) == as.octmode("600")))
  old <- Sys.umask("000")
  withr::defer(Sys.umask(old))
  keops_kernel(fresh_formula(), "x=Vi(1)")(list(1:3))
  expect_true(all(file.mode(kernels(directory)) == as.octmode("600")))
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
  file <- kernels(directory)
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

test_that("what killed processes leave is counted and cleaned", {
  directory <- fresh_cache()
  old <- file.path(directory, paste0(strrep("a", 32), c(".123.c", ".123.so", ".123.so.log")))
  scratch <- file.path(directory, "rkeops-jit-a1B2c3")
  dir.create(scratch)
  for (file in c(old, file.path(scratch, c("lock", "kernel.c")))) writeLines(strrep("x", 2047), file)
  others <- file.path(directory, c("notes.txt", paste0(strrep("b", 32), ".c"), "rkeops-jit-abc"))
  for (file in others) writeLines("mine", file)
  expect_identical(stat_rkeops_cache_dir(verbose = FALSE), "10K")
  clean_rkeops(verbose = FALSE)
  expect_setequal(dir(directory, full.names = TRUE), others)
  expect_identical(stat_rkeops_cache_dir(verbose = FALSE), "0")
})

test_that("a home directory that does not exist gives one warning, and the report says so", {
  skip_on_os("windows")
  output <- in_new_session(c(
    "options(warn = 1)",
    "x <- keops_kernel('Sum_Reduction(x+0.75,1)', 'x=Vi(1)')",
    "cat('result', x(list(1:2)), '\n')",
    "x <- keops_kernel('Sum_Reduction(x+0.875,1)', 'x=Vi(1)')",
    "cat('result', x(list(1:2)), '\n')",
    "check_rkeops()"
  ), "HOME=/proc/nowhere", "_R_CHECK_PACKAGE_NAME_=", "RKEOPS_CACHE_DIR=", "R_USER_CACHE_DIR=", "XDG_CACHE_HOME=")
  expect_equal(grep("^result", output, value = TRUE), c("result 1.75 2.75 ", "result 1.875 2.875 "))
  expect_length(grep("^Warning", output), 1)
  expect_length(grep("cannot be created", output), 2)  # the warning and the report
  expect_false(any(grepl("normalizePath", output)))
  expect_length(grep("cache: .*cannot be created", output), 1)
})

test_that("with SIGCHLD ignored", {
  skip_on_os("windows")
  script <- withr::local_tempfile(lines = c(
    sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")), "suppressMessages(library(rkeops))",
    "cat(keops_kernel('Sum_Reduction(x+0.625,1)', 'x=Vi(1)')(list(1:2)))"
  ))
  command <- paste("trap '' CHLD; exec", file.path(R.home("bin"), "Rscript"), "--vanilla", script)
  output <- system2("sh", c("-c", shQuote(command)), stdout = TRUE, stderr = TRUE,
                    env = paste0("RKEOPS_CACHE_DIR=", withr::local_tempdir()))
  expect_identical(tail(output, 1), "1.625 2.625")
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
