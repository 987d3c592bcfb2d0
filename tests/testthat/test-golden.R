# The reference answers of an independent implementation; see helper-golden.R.

skip_on_cran()  # many kernels to compile

golden_files <- function() list.files(test_path("golden"), "[.]jsonl$")

test_that("every kernel gives the reference answer in float64", {
  local_rkeops_options(precision = "float64")
  for (file in golden_files()) {
    cases <- read_golden(file)
    for (k in seq_along(cases)) expect_golden(cases[[k]], threads = 1L + k %% 2L)
  }
})

# Every fourth: many differ little, and the case table is tried in float32 as well.
test_that("kernels give the reference answer in float32", {
  local_rkeops_options(precision = "float32")
  for (file in golden_files()) {
    cases <- read_golden(file)
    for (k in seq(1L, length(cases), by = 4L)) {
      expect_golden(cases[[k]], threads = 1L + k %% 2L, precision = "float32")
    }
  }
})
