# What goes wrong outside of formulas and data: options, the compiler, the cache.

test_that("options", {
  local_rkeops_options()
  expect_snapshot_output(show_errors(
    set_rkeops_options(list(backend = "TPU")),
    set_rkeops_options(list(device_id = 0.5)),
    set_rkeops_options(list(precision = "double")),
    set_rkeops_options(list(verbosity = 3)),
    set_rkeops_options(list(debug = "yes")),
    set_rkeops_options(list(cache_dir = "/does/not/exist")),
    set_rkeops_options(list(formula_only = NA)),
    set_rkeops_options(list(index_base = 2)),
    set_rkeops_options(list(threads = -1)),
    set_rkeops_options(list(cache_limit = "1 GB")),
    set_rkeops_options(list(compile_timeout = 0)),
    set_rkeops_options(list(compiler = character())),
    set_rkeops_options(list(precison = "float32")),
    set_rkeops_options("float32"),
    get_rkeops_options("precison"),
    rkeops_use_cpu("all"),
    rkeops_use_gpu("first"),
    set_rkeops_cache_dir("/does/not/exist"),
    clean_rkeops(verbose = 1),
    check_rkeops(NA)
  ))
})

# A formula that is not compiled yet.
fresh <- function(number) {
  keops_kernel(sprintf("Sum_Reduction(Exp(-SqDist(x,y)/%s)*x,1)", number), c("x=Vi(1)", "y=Vj(1)"))(list(1:3, 1:2))
}

without_paths <- function(text) gsub("'/[^']*'", "'<path>'", text)

test_that("the compiler", {
  local_rkeops_options(cache_dir = withr::local_tempdir())
  failing <- withr::local_tempfile(lines = c("#!/bin/sh", "echo 'fatal: out of luck' >&2", "exit 3"))
  sleeping <- withr::local_tempfile(lines = c("#!/bin/sh", "sleep 60"))
  # Makes an empty file of the one that is named after -o.
  empty <- withr::local_tempfile(lines = c("#!/bin/sh", "while [ \"$1\" != -o ]; do shift; done", ": >\"$2\""))
  Sys.chmod(c(failing, sleeping, empty), "700")
  compile_with <- function(compiler) {
    set_rkeops_options(list(compiler = compiler, compile_timeout = 1))
    fresh(1.23456)
  }
  text <- capture.output(show_errors(
    compile_with("no-such-compiler"), compile_with(failing), compile_with(sleeping)
  ))
  expect_snapshot_output(writeLines(without_paths(text)))
  expect_error(compile_with(empty), "could not be loaded", class = "rkeops_error_compiler")
})

test_that("the cache", {
  session <- rkeops:::session
  session$warned <- character()
  local_rkeops_options()
  directory <- withr::local_tempdir()
  Sys.chmod(directory, "777", use_umask = FALSE)
  withr::local_envvar(RKEOPS_CACHE_DIR = directory)
  warning <- tryCatch(fresh(1.234567), rkeops_warning = conditionMessage)
  expect_snapshot_output(writeLines(without_paths(warning)))
  withr::local_envvar(TMPDIR = "/does/not/exist")
  text <- capture.output(show_errors(fresh(1.2345678)))
  expect_snapshot_output(writeLines(without_paths(text)))
})
