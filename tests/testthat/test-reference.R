# The text of a help page, without markup; skips where the package was installed without help.
page_text <- function(name) {
  pages <- tools::Rd_db("rkeops")
  skip_if(length(pages) == 0, "installed without help pages")
  plain_text(pages[[paste0(name, ".Rd")]])
}

plain_text <- function(rd) {
  text <- capture.output(tools::Rd2txt(rd, options = list(width = 1000)))
  gsub("_\b|[\u2018\u2019']", "", paste(text, collapse = "\n"))
}

operation_table <- function() rkeops:::unwrap(rkeops:::rk_operation_table())

test_that("the reference page lists every operation of the engine", {
  page <- page_text("rkeops_operations")
  calls <- operation_table()$call
  expect_gt(length(calls), 100)
  expect_identical(calls[!vapply(calls, grepl, TRUE, page, fixed = TRUE)], character())
})

test_that("the reference page is what would be generated now", {
  lines_of <- function(text) gsub(" +", " ", trimws(strsplit(text, "\n")[[1]]))
  page <- lines_of(page_text("rkeops_operations"))
  head <- c("\\name{now}", "\\title{Now}", "\\description{Now}")
  file <- withr::local_tempfile(lines = c(head, rkeops:::reference_rd()), fileext = ".Rd")
  expect_length(tools::checkRd(file), 0)
  now <- lines_of(plain_text(file))
  expect_gt(length(now), 150)
  expect_identical(setdiff(now, page), "Now")
})

test_that("the page of options has every option", {
  page <- page_text("rkeops_options")
  options <- names(rkeops:::option_table())
  expect_identical(options[!vapply(options, grepl, TRUE, page, fixed = TRUE)], character())
})

test_that("each operation stands in the section of its topic", {
  sections <- lapply(rkeops:::operations_by_section(), names)
  expect_identical(sum(lengths(sections)), length(operation_table()$name))
  expect_true("Exp(a)" %in% sections[["Arithmetic and elementary functions"]])
  expect_true("Erf(a)" %in% sections[["Special functions"]])
  expect_true("Norm2(a)" %in% sections[["Vectors"]])
  expect_true("ComplexMult(a, b)" %in% sections[["Complex vectors"]])
  expect_true("TensorProd(a, b)" %in% sections[["Matrices and tensors"]])
})

test_that("differential operators and reductions are written as the page says", {
  args <- c("v=Vi(1)", "w=Vi(1)", "u=Vi(1)", "t=Vi(1)", "e=Vi(1)", "l=Vi(1)", "r=Vi(1)", "W=Vj(1)", "G=Vj(1)", "y=Vj(1)")
  for (form in names(rkeops:::differential_operators)) {
    formula <- sprintf("Sum_Reduction(%s,1)", sub("(F", "(v*y+w*y", form, fixed = TRUE))
    expect_s3_class(keops_kernel(formula, args), "keops_operator")
  }
  for (form in rkeops:::reduction_table()$call) {
    formula <- sub("(F", "(v*y", sub("K,", "2,", sub("axis", "1", form)), fixed = TRUE)
    expect_s3_class(keops_kernel(formula, args), "keops_operator")
  }
})

test_that("scripts for RKeOps 2 find what they call", {
  expect_output(expect_identical(helloWorld(), "Hello from rkeops!"), "Hello")
  expect_message(expect_null(install_rkeops(method = "auto")), "nothing to install")
})
