test_that("every kernel gives the reference answer in float64", {
  local_rkeops_options(precision = "float64")
  for (file in list.files(test_path("golden"), "[.]jsonl$")) {
    cases <- read_golden(file)
    for (k in seq_along(cases)) expect_golden(cases[[k]], threads = 1L + k %% 2L)
  }
})
