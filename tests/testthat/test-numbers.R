# Numbers are written and read in one way, whatever the session wants.

test_that("options(OutDec) changes nothing that is printed or said", {
  withr::local_options(cli.num_colors = 1L)
  x <- matrix(0, 2000, 1)
  shown <- function() {
    K <- exp(-sqdist(Vi(x), Vj(x)) * 0.25)
    c(capture.output(K, str(K), summary(K), format(Pm(0.5)), print(LazyTensor(2.5) * Vi(x))), stat_rkeops_cache_dir(FALSE),
      tryCatch(Kmin(K, 0.5, "j"), error = conditionMessage), tryCatch(solve(K, 1:3, ridge = -0.5), error = conditionMessage))
  }
  expected <- shown()
  withr::local_options(OutDec = ",", warn = 2)
  expect_identical(shown(), expected)
})

test_that("formulas and generated code have a decimal point in any locale", {
  skip_on_os(c("mac", "windows", "solaris"))
  skip_if(!nzchar(Sys.which("localedef")), "localedef is not there")
  folder <- withr::local_tempdir()
  system2("localedef", c("-i", "de_DE", "-f", "UTF-8", file.path(folder, "de_DE.UTF-8")), stdout = FALSE, stderr = FALSE)
  with_comma <- "invisible(suppressWarnings(Sys.setlocale('LC_NUMERIC', 'de_DE.UTF-8')))"
  there <- in_new_session(c(with_comma, "cat(sprintf('%.1f', 0.5))"), paste0("LOCPATH=", folder))
  skip_if(!identical(there, "0,5"), "no German locale can be made")
  printed <- in_new_session(c(
    with_comma,
    "op <- keops_kernel('Sum_Reduction(0.125 * x + 1.5e-1 * y, 1)', c('x=Vi(1)', 'y=Vj(1)'))",
    "cat(op(list(8, 10)) == 2.5, grepl('0,125', keops_source(op)), grepl('0.125', keops_source(op), fixed = TRUE), '')",
    "cat(c(sum(Vi(8) * 0.125 + Vj(10) * 0.15, 'j')) == 2.5, format(0.125 * Vi(matrix(1:2)))[2])"
  ), paste0("LOCPATH=", folder))
  expect_identical(printed, "TRUE FALSE TRUE TRUE   formula: 0.125 * v_i")
})

test_that("numbers are turned into text in one place only", {
  folder <- system.file("include", "rkeops", package = "rkeops")
  files <- dir(folder, pattern = "[.]hpp$", recursive = TRUE, full.names = TRUE)
  expect_gt(length(files), 30)
  for (file in files[basename(files) != "text.hpp"]) {
    lines <- readLines(file)
    found <- grep("printf[^\"]*\"[^\"]*%[-+ #0-9.*]*[aefgAEFG]|std::(sto[df]|strto[df]|atof)\\(|sscanf|stringstream", lines,
                  value = TRUE)
    expect_identical(found, character(), info = file)
  }
})
