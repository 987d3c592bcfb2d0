# Pairs that satisfy a condition, against which() of the matrix.

points <- function(n, d = 2) matrix(round(runif(n * d) * 64) / 64, n)  # exact in both precisions
which_pairs <- function(test) {
  at <- which(t(test), arr.ind = TRUE)
  unname(cbind(at[, 2L], at[, 1L]))
}

test_that("pairs are those of which(), and values those of the matrix", {
  set.seed(1)
  for (precision in c("float64", "float32")) {
    for (geometry in c("never", "always")) {
      local_rkeops_options(precision = precision, geometry = geometry)
      for (size in list(c(70, 300), c(1, 1), c(400, 90))) {
        x <- points(size[1])
        y <- points(size[2])
        D_ij <- sqdist(Vi(x), Vj(y))
        dense <- outer(rowSums(x^2), rowSums(y^2), "+") - 2 * tcrossprod(x, y)
        found <- pairs_where(D_ij <= 1 / 16)
        expect_type(found, "integer")
        expect_identical(colnames(found), c("i", "j"))
        expect_identical(unname(found), which_pairs(dense <= 1 / 16))
        with_value <- pairs_where(D_ij <= 1 / 16, value = D_ij + 1)
        expect_identical(with_value$i, unname(found[, "i"]))
        expect_identical(with_value$j, unname(found[, "j"]))
        expect_equal(with_value$value, dense[found] + 1, tolerance = 1e-7)
      }
    }
  }
})

test_that("masks, blocks, missing values, one variable and numbers as values are honoured", {
  set.seed(2)
  x <- points(60)
  x[7, 1] <- NA
  D_ij <- sqdist(Vi(x), Vj(x))
  dense <- as.matrix(D_ij) <= 1 / 16
  dense[is.na(dense)] <- FALSE
  expect_identical(unname(pairs_where(D_ij <= 1 / 16)), which_pairs(dense))
  expect_identical(unname(pairs_where(off_diagonal(D_ij) <= 1 / 16)), which_pairs(dense & !diag(TRUE, 60)))
  expect_identical(unname(as.matrix(pairs_where(D_ij <= 1 / 16, off_diagonal(D_ij))[1:2])), which_pairs(dense & !diag(TRUE, 60)))
  halves <- blocks(rep(1:2, 30), rep(1:2, each = 30), keep = diag(TRUE, 2))
  kept <- outer(rep(1:2, 30), rep(1:2, each = 30), "==")
  expect_identical(unname(pairs_where(D_ij <= 1 / 16, blocks = halves)), which_pairs(dense & kept))
  expect_identical(pairs_where(D_ij <= 1 / 16, value = 2)$value, rep(2, sum(dense)))
  expect_identical(pairs_where(D_ij <= 1 / 16, value = Vi(x[, 1]) < 0.5)$value, x[which_pairs(dense)[, 1L], 1L] < 0.5)
  expect_identical(nrow(pairs_where(D_ij < 0)), 0L)
})

test_that("sparse() is the matrix where the condition holds", {
  skip_if_not_installed("Matrix")
  set.seed(3)
  x <- points(50)
  y <- points(30)
  rownames(x) <- paste0("row", 1:50)
  D_ij <- sqdist(Vi(x), Vj(y))
  K_ij <- exp(-D_ij)
  S <- sparse(K_ij, where = D_ij < 1 / 16)
  expect_s4_class(S, "dgCMatrix")
  expect_true(methods::validObject(S))
  expect_equal(as.matrix(S), as.matrix(K_ij) * as.matrix(D_ij < 1 / 16))
  expect_identical(rownames(S), rownames(x))
  expect_equal(as.matrix(sparse(D_ij)), as.matrix(D_ij))
  expect_equal(as.vector(S %*% 1:30), as.vector(as.matrix(S) %*% 1:30))
  expect_error(sparse(x), class = "rkeops_error_argument")
})

test_that("what cannot be done is refused", {
  D_ij <- sqdist(Vi(1:10), Vj(1:10))
  expect_error(pairs_where(D_ij), "truth values", class = "rkeops_error_argument")
  expect_error(pairs_where(matrix(TRUE)), class = "rkeops_error_argument")
  expect_error(pairs_where(), class = "rkeops_error_argument")
  expect_error(pairs_where(Vi(1:3) < 2), "no index j", class = "rkeops_error_argument")
  expect_error(pairs_where(Vi(diag(2)) < Vj(diag(2))), "dimension 1", class = "rkeops_error_dimension")
  expect_error(pairs_where(D_ij < 1, value = Vi(matrix(1, 10, 2))), "dimension 1", class = "rkeops_error_dimension")
  expect_error(pairs_where(D_ij < 1, max_pairs = "many"), class = "rkeops_error_argument")
  expect_identical(nrow(pairs_where(D_ij >= 0, max_pairs = 100)), 100L)
  expect_error(pairs_where(D_ij >= 0, max_pairs = 99), "more than 99 pairs", class = "rkeops_error_memory")
  expect_error(keops_kernel("Where_Reduction(x < y, 1)", c("x = Vi(1)", "y = Vj(1)"))(list(1:3, 1:3)),
               class = "rkeops_error_unsupported")
})

test_that("no more pairs are looked for than memory has room for", {
  expect_identical(rkeops:::most_pairs(Inf, 24, 2400), 80)
  expect_identical(rkeops:::most_pairs(Inf, 24, Inf), as.numeric(.Machine$integer.max))
  expect_identical(rkeops:::most_pairs(9.5, 24, Inf), 9)
  file <- withr::local_tempfile(lines = c("MemTotal:  100 kB", "MemAvailable:     20 kB"))
  expect_identical(rkeops:::available_memory(file), 20480)
  expect_identical(rkeops:::available_memory(tempfile()), Inf)
})
