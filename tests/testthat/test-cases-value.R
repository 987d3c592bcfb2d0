# Every operation of the case table under Sum, against base R.

skip_on_cran()  # many kernels to compile

sizes <- list(c(7, 63), c(63, 2), c(1, 1), c(300, 3), c(2, 500), c(0, 7), c(7, 0), c(63, 33))

expect_sums <- function(case, dims, precision, axis, sizes) {
  rkeops_use_float64()
  if (precision == "float32") rkeops_use_float32()
  tolerance <- if (precision == "float32") 4e-6 else 1e-12
  op <- keops_kernel(sprintf("Sum_Reduction(%s,%d)", case$formula, axis), declare(dims))
  for (size in sizes) {
    data <- random_data(dims, size[1], size[2], case$range, case$grid)
    pairs <- all_pairs(case$reference, data)
    label <- sprintf("%s, dims %s, M x N = %s, axis %d, %s", case$formula, paste(dims, collapse = "/"),
                     paste(size, collapse = " x "), axis, precision)
    expect_near(op(data), sum_pairs(pairs, axis), tolerance, sum_pairs(abs(pairs), axis) + 1e-6, label)
  }
}

for (case in case_table()) {
  test_that(paste("value of", case$formula), {
    withr::local_seed(1)
    local_rkeops_options(precision = "float64")
    expect_sums(case, case$dims[[1]], "float64", 1, if (case$brief) sizes[c(1, 2, 3, 6, 7)] else sizes)
    expect_sums(case, case$dims[[1]], "float32", 0, if (case$brief) sizes[1] else sizes)
    for (dims in case$dims[-1]) {
      expect_sums(case, dims, sample(c("float32", "float64"), 1), sample(0:1, 1), sizes[c(1, 2)])
    }
  })
}

test_that("the C++ tests of the GPU have the same case table", {
  expect_identical(readLines(test_path("case_table.txt")), case_lines(),
                   info = "Write it anew: writeLines(case_lines(), \"case_table.txt\")")
})
