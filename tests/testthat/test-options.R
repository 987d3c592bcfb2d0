# Options: defaults, setting, environment variables, refusals.

test_that("defaults", {
  local_rkeops_options()
  options <- get_rkeops_options()
  expect_s3_class(options, "rkeops_options")
  expect_identical(options$precision, "float64")
  expect_identical(options$backend, "CPU")
  expect_identical(options$index_base, 1L)
  expect_identical(get_rkeops_options("verbosity"), 1L)
  expect_identical(get_rkeops_options(c("precision", "debug")), list(precision = "float64", debug = 0L))
  expect_identical(get_rkeops_options("cache_dir"), get_rkeops_cache_dir())
})

test_that("setting some keeps the others, NULL resets", {
  local_rkeops_options()
  old <- set_rkeops_options(list(precision = "float32", verbosity = FALSE))
  expect_named(old, "rkeops")
  expect_identical(get_rkeops_options("precision"), "float32")
  expect_identical(get_rkeops_options("verbosity"), 0L)
  set_rkeops_options(list(debug = TRUE))
  expect_identical(get_rkeops_options("precision"), "float32")
  options(old)
  expect_identical(get_rkeops_options("precision"), "float64")
  set_rkeops_options(list(index_base = 0))
  set_rkeops_options()
  expect_identical(get_rkeops_options("index_base"), 1L)
})

test_that("all options can be read and set again", {
  local_rkeops_options()
  set_rkeops_options(unclass(get_rkeops_options()))
  expect_gt(length(get_rkeops_options()), 6)
  expect_identical(getOption("rkeops"), rkeops:::default_options())
})

test_that("bad options are refused, and named", {
  local_rkeops_options()
  bad <- list(
    backend = "TPU", device_id = 0.5, precision = "float16", verbosity = 3, debug = "a", cache_dir = "/does/not/exist",
    formula_only = NA, index_base = 2, threads = -1, cache_limit = -1, compile_timeout = 0, compiler = 3
  )
  for (name in names(bad)) {
    expect_error(set_rkeops_options(bad[name]), paste0("`", name, "`"), class = "rkeops_error_argument")
  }
  expect_error(set_rkeops_options(list(foo = 1)), "foo", class = "rkeops_error_argument")
  expect_error(set_rkeops_options(list("float32")), "named", class = "rkeops_error_argument")
  expect_error(set_rkeops_options("float32"), "named", class = "rkeops_error_argument")
  expect_error(get_rkeops_options("foo"), class = "rkeops_error_argument")
  expect_identical(getOption("rkeops"), rkeops:::default_options())
})

test_that("backend, precision and verbosity have functions", {
  local_rkeops_options()
  rkeops_use_float32()
  expect_identical(get_rkeops_options("precision"), "float32")
  rkeops_use_float64()
  expect_identical(get_rkeops_options("precision"), "float64")
  rkeops_disable_verbosity()
  expect_identical(get_rkeops_options("verbosity"), 0L)
  rkeops_enable_verbosity()
  expect_identical(get_rkeops_options("verbosity"), 1L)
  rkeops_use_cpu(1)
  expect_identical(get_rkeops_options("threads"), 1L)
  rkeops_use_cpu(10000)
  expect_lte(get_rkeops_options("threads"), rkeops:::available_threads())
  rkeops_use_cpu()
  expect_identical(get_rkeops_options("threads"), 0L)
  for (bad in list(-1, 1.5, "a", NA)) expect_error(rkeops_use_cpu(bad), "ncore", class = "rkeops_error_argument")
})

test_that("limits on threads are honoured", {
  local_rkeops_options()
  count <- function() rkeops:::runtime_options()$threads
  withr::with_envvar(c(OMP_THREAD_LIMIT = "1", "_R_CHECK_LIMIT_CORES_" = NA), expect_identical(count(), 1L))
  withr::with_envvar(c(OMP_THREAD_LIMIT = NA, "_R_CHECK_LIMIT_CORES_" = "true"), expect_lte(count(), 2L))
  withr::with_envvar(c(OMP_THREAD_LIMIT = "nonsense", "_R_CHECK_LIMIT_CORES_" = NA), expect_gte(count(), 1L))
})

test_that("the compiler is found in the order option, environment, R", {
  local_rkeops_options()
  expect_gt(length(rkeops:::find_compiler()), 0)
  withr::with_envvar(c(RKEOPS_CC = "sh -c"), expect_identical(basename(rkeops:::find_compiler()), c("sh", "-c")))
  set_rkeops_options(list(compiler = c("cat", "-n")))
  withr::with_envvar(c(RKEOPS_CC = "sh"), expect_identical(basename(rkeops:::find_compiler()), c("cat", "-n")))
  set_rkeops_options(list(compiler = "/does/not/exist"))
  expect_identical(rkeops:::find_compiler(), character())
})

test_that("options(rkeops.NAME) and RKEOPS_NAME are the defaults of a new session", {
  code <- c("o <- get_rkeops_options()", "cat(o$precision, o$threads, o$verbosity, o$tensor_cores, o$device_id, o$compiler)")
  expect_identical(in_new_session(code), "float64 0 1 FALSE -1")
  variables <- c("RKEOPS_PRECISION=float32", "RKEOPS_THREADS=3", "RKEOPS_VERBOSITY=FALSE", "RKEOPS_TENSOR_CORES=TRUE",
                 "RKEOPS_DEVICE_ID=0,1", "RKEOPS_COMPILER='gcc -m64'")
  expect_identical(in_new_session(code, variables), "float32 3 0 TRUE 0 1 gcc -m64")
  values <- withr::with_options(
    list(rkeops.precision = "float32", rkeops.index_base = 0, rkeops.compiler = "clang"),
    withr::with_envvar(c(RKEOPS_PRECISION = "float64", RKEOPS_INDEX_BASE = "1", RKEOPS_DEBUG = "1"), rkeops:::initial_options())
  )
  expect_identical(values$precision, "float32")
  expect_identical(values$index_base, 0L)
  expect_identical(values$debug, 1L)
  expect_identical(values$compiler, "clang")
})

test_that("defaults that cannot be are ignored with a warning, and loading goes on", {
  withr::local_options(rkeops.precision = "float16", rkeops.threads = -1, rkeops.cache_dir = "/nowhere",
                       rkeops.precison = "float32", rkeops.cache_limit = NA)
  withr::local_envvar(RKEOPS_BACKEND = "TPU", RKEOPS_TENSOR_CORES = "maybe", RKEOPS_VERBOSITY = "much",
                      RKEOPS_COMPILE_TIMEOUT = "soon")
  said <- character()
  values <- withCallingHandlers(rkeops:::initial_options(), rkeops_warning = function(w) {
    said <<- c(said, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  expect_identical(values, rkeops:::default_options())
  expect_snapshot_output(writeLines(said))
})

test_that("loading says which default it ignores", {
  expect_identical(in_new_session("cat(get_rkeops_options('precision'))", "RKEOPS_PRECISION=half", "RKEOPS_NOTHING=1"),
                   c("Warning message:", "environment variable `RKEOPS_PRECISION` must be one of \"float32\", \"float64\"; it is ignored ",
                     "float64"))
})

test_that("options and environment variables hold from the next call on", {
  local_rkeops_options()
  K_ij <- exp(-sqdist(Vi(matrix(c(0.1, 0.7))), Vj(matrix(0.3))))
  op <- keops_kernel("Sum_Reduction(x * 3.25, 1)", "x=Vi(1)")
  exact <- sum(K_ij, index = "j")
  set_rkeops_options(list(precision = "float32"))
  expect_false(identical(sum(K_ij, index = "j"), exact))
  options(rkeops = NULL)
  expect_identical(sum(K_ij, index = "j"), exact)
  set_rkeops_options(list(formula_only = TRUE))
  expect_error(suppressMessages(sum(K_ij, index = "j")), "formula_only", class = "rkeops_error_argument")
  expect_equal(op(list(2)), matrix(6.5))
  set_rkeops_options()
  withr::with_envvar(c(RKEOPS_CC = "no-such-compiler", RKEOPS_CACHE_DIR = withr::local_tempdir()), {
    clean_rkeops(verbose = FALSE)
    expect_error(op(list(2)), class = "rkeops_error_compiler")
  })
  expect_equal(op(list(2)), matrix(6.5))
})

test_that("the same options, set again, are not read again", {
  local_rkeops_options()
  op <- keops_kernel("Sum_Reduction(x * 3.5, 1)", "x=Vi(1)")
  op(list(2))
  reads <- 0
  suppressMessages(trace("runtime_options", function() reads <<- reads + 1, where = asNamespace("rkeops"), print = FALSE))
  withr::defer(suppressMessages(untrace("runtime_options", where = asNamespace("rkeops"))))
  set_rkeops_options(list(precision = get_rkeops_options("precision")))
  expect_equal(op(list(2)), matrix(7))
  expect_identical(reads, 0)
  set_rkeops_options(list(index_base = 0))
  op(list(2))
  expect_identical(reads, 1)
})
