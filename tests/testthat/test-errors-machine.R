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
    set_rkeops_options(list(cache_limit = 1e19)),
    set_rkeops_options(list(cache_limit = Inf)),
    set_rkeops_options(list(cache_limit = NaN)),
    set_rkeops_options(list(cache_limit = -1)),
    set_rkeops_options(list(cache_limit = c(1, 2))),
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
  output <- "while [ \"$1\" != -o ]; do shift; done"
  empty <- withr::local_tempfile(lines = c("#!/bin/sh", output, ": >\"$2\""))
  rubbish <- withr::local_tempfile(lines = c("#!/bin/sh", output, "echo rubbish >\"$2\""))
  fifo <- withr::local_tempfile(lines = c("#!/bin/sh", output, "mkfifo \"$2\""))
  directory <- withr::local_tempfile(lines = c("#!/bin/sh", output, "mkdir \"$2\""))
  link <- withr::local_tempfile(lines = c("#!/bin/sh", output, "ln -s /etc/passwd \"$2\""))
  endless <- withr::local_tempfile(lines = c("#!/bin/sh", "cat /dev/zero"))
  long <- withr::local_tempfile(lines = c("#!/bin/sh", "yes aaaaaaaaaa | head -c 500000 | tr -d '\\n'", "exit 1"))
  binary <- withr::local_tempfile(lines = c("#!/bin/sh", "printf 'caf\\351 \\303\\251 \\000!'", "exit 1"))
  Sys.chmod(c(failing, sleeping, empty, rubbish, fifo, directory, link, endless, long, binary), "700")
  compile_with <- function(compiler) {
    set_rkeops_options(list(compiler = compiler, compile_timeout = 1))
    fresh(1.23456)
  }
  text <- capture.output(show_errors(
    compile_with("no-such-compiler"), compile_with(failing), compile_with(sleeping), compile_with(empty),
    compile_with(rubbish), compile_with(fifo), compile_with(directory), compile_with(link), compile_with(long),
    compile_with(binary)
  ))
  expect_snapshot_output(writeLines(without_paths(text)))
  error <- expect_error(compile_with(endless), "endless", class = "rkeops_error_compiler")
  expect_lt(nchar(conditionMessage(error)), 1000)
  expect_lte(nchar(error$log), 2^16)
  expect_length(dir(get_rkeops_cache_dir()), 0)
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
  # Places that do not exist are passed over.
  withr::local_envvar(TMPDIR = "/does/not/exist")
  expect_equal(dim(fresh(1.2345678)), c(3L, 1L))
  # The limit of a shell: no file may be larger than 512 bytes.
  script <- withr::local_tempfile(lines = c(
    sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")), "suppressMessages(library(rkeops))",
    "error <- tryCatch(keops_kernel('Sum_Reduction(x+0.375,1)', 'x=Vi(1)')(list(1:2)), rkeops_error = identity)",
    "cat(class(error)[1], conditionMessage(error), sep = '\n')"
  ))
  command <- paste("ulimit -f 1; exec", file.path(R.home("bin"), "Rscript"), "--vanilla", script)
  text <- system2("sh", c("-c", shQuote(command)), stdout = TRUE, stderr = FALSE)
  expect_identical(text[1], "rkeops_error_cache")
  expect_match(text[2], "there is no place to compile at: .*ulimit -f")
})

test_that("text in other encodings", {
  latin1 <- "Sum_Reduction(x+\xe9,1)"
  bytes <- latin1
  Encoding(latin1) <- "latin1"
  Encoding(bytes) <- "bytes"
  unmarked <- "Sum_Reduction(x+\xe9,1)"
  position <- function(formula) {
    error <- expect_error(keops_kernel(formula, "x=Vi(1)"), class = "rkeops_error_parse")
    expect_true(validUTF8(conditionMessage(error)))
    error$position
  }
  for (formula in list(latin1, bytes, unmarked, enc2utf8(latin1))) expect_equal(position(formula), 16)
  # Positions count characters.
  wide <- "Sum_Reduction(\u65e5\u672c+x,1)"
  expect_equal(position(wide), 14)
  expect_equal(position("Sum_Reduction(x+y,1) \u00e9"), 21)
  error <- expect_error(keops_kernel("Sum_Reduction(x,\u00e91)", "x=Vi(1)"), "'\u00e9'", class = "rkeops_error_parse")
  expect_equal(error$position, 16)
  for (declaration in list("\u00e9=Vi(1)", "\xe9=Vi(1)", bytes)) {
    expect_error(keops_kernel("Sum_Reduction(x,1)", declaration), class = "rkeops_error_argument")
  }
})

test_that("deep formulas on a small stack", {
  skip_on_os("windows")
  script <- withr::local_tempfile(lines = c(
    sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")), "suppressMessages(library(rkeops))",
    "for (depth in c(10, 200, 1000, 1590, 5000)) {",
    "  formula <- paste0('Sum_Reduction(', strrep('(', depth), 'x', strrep(')', depth), ',1)')",
    "  kind <- tryCatch(class(keops_kernel(formula, 'x=Vi(1)'))[1], rkeops_error = function(e) class(e)[2])",
    "  cat(depth, kind, '\n')",
    "}"
  ))
  for (limit in c(1024, 8192)) {
    text <- system2("sh", c("-c", shQuote(paste0("ulimit -s ", limit, "; exec ", file.path(R.home("bin"), "Rscript"),
                                                 " --vanilla ", script))), stdout = TRUE, stderr = FALSE)
    expect_length(text, 5)
    expect_match(text[1], "keops_operator")
    expect_match(text[5], "keops_operator")
  }
})
