# check_rkeops(): what it reports, on machines where something is missing too.

test_that("the report says what is used", {
  output <- capture.output(ok <- check_rkeops())
  expect_true(ok)
  for (part in c("compiler", "processor", "threads", "cache", "GPU")) expect_true(any(grepl(part, output)))
  expect_silent(expect_true(check_rkeops(verbose = FALSE)))
  expect_error(check_rkeops(verbose = 3), class = "rkeops_error_argument")
})

test_that("a missing compiler is reported", {
  directory <- withr::local_tempdir()
  local_rkeops_options(cache_dir = directory, compiler = "/does/not/exist")
  clean_rkeops(verbose = FALSE)
  report <- capture.output(ok <- check_rkeops())
  expect_true(any(grepl("none found", report)))
  expect_false(ok)
})

test_that("a cache that cannot be used is reported, without a warning", {
  local_rkeops_options()
  directory <- withr::local_tempdir()
  Sys.chmod(directory, "777", use_umask = FALSE)
  withr::local_envvar(RKEOPS_CACHE_DIR = directory)
  clean_rkeops(verbose = FALSE)
  expect_no_warning_of(report <- capture.output(ok <- check_rkeops()))
  expect_true(ok)
  expect_match(grep("cache:", report, value = TRUE), "can be written by other users")
  withr::local_envvar(RKEOPS_CACHE_DIR = file.path(directory, "a$b"))
  expect_match(grep("cache:", capture.output(check_rkeops()), value = TRUE), "has a $ in its name", fixed = TRUE)
})

test_that("sources are text", {
  op <- keops_kernel("Sum_Reduction(SqDist(x,y),1)", c("x=Vi(2)", "y=Vj(2)"))
  source <- keops_source(op)
  expect_type(source, "character")
  expect_length(source, 1)
  expect_match(source, "{", fixed = TRUE)
  expect_match(keops_source(op, "gpu"), "__global__", fixed = TRUE)
  expect_error(keops_source(op, "tpu"), class = "rkeops_error_argument")
  expect_error(keops_source(sum), class = "rkeops_error_argument")
  shown <- capture.output(text <- keops_explain(op))
  expect_identical(paste0(paste(shown, collapse = "\n"), "\n"), text)
  expect_true(all(c("graph (arguments first):", "plan:", "program of a pair:", "kernel:") %in% shown))
  expect_match(text, source, fixed = TRUE)
  expect_error(keops_explain(1), class = "rkeops_error_argument")
})

test_that("reductions of LazyTensors are explained as well", {
  x <- matrix(1:6 / 6, 3)
  K_ij <- exp(-sqdist(Vi(x), Vj(x)))
  declared <- c("V0=Vi(2)", "V1=Vj(2)")
  same <- function(x, formula, ...) {
    expect_identical(keops_source(x, ...), keops_source(keops_kernel(formula, declared)))
  }
  same(K_ij, "Sum_Reduction(Exp(-SqDist(V0,V1)),1)")
  same(K_ij, "Sum_Reduction(Exp(-SqDist(V0,V1)),0)", index = "i")
  same(K_ij, "ArgMin_Reduction(Exp(-SqDist(V0,V1)),1)", opstr = "ArgMin")
  expect_match(keops_source(Vi(x)), "TILE", fixed = TRUE)  # the only index that there is
  expect_false(keops_source(off_diagonal(K_ij)) == keops_source(K_ij))
  output <- capture.output(text <- keops_explain(K_ij))
  expect_match(text, keops_source(K_ij), fixed = TRUE)
  for (wrong in alist(keops_source(K_ij, opstr = "KMin"), keops_source(K_ij, index = "k"), keops_source(Vi(x), index = "j"))) {
    expect_error(eval(wrong), class = "rkeops_error_argument")
  }
  expect_error(keops_source(Vi(x) * 1i, opstr = "Max"), class = "rkeops_error_unsupported")
})
