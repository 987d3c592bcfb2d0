set.seed(1)
x <- random_matrix(120, 2, 1)
y <- random_matrix(90, 2, 2)
x_i <- Vi(x)
y_j <- Vj(y)
D_ij <- sqdist(x_i, y_j)
label_i <- sample(c("d", "a", "c", "b"), 120, TRUE)
label_j <- sample(3:7, 90, TRUE)
keep <- matrix(c(TRUE, FALSE, FALSE, TRUE, FALSE, TRUE, TRUE, FALSE, FALSE, TRUE, TRUE, FALSE, FALSE, TRUE, FALSE, FALSE,
                 FALSE, TRUE, FALSE, FALSE), 4)
keep[2, ] <- FALSE  # rows b have no pairs
some <- blocks(label_i, label_j, keep)
kept <- keep[match(label_i, letters[1:4]), match(label_j, 3:7)]

# The same as a mask.
mask_ij <- lookup(keep * 1, Vi(match(label_i, letters[1:4])), Vj(match(label_j, 3:7))) > 0.5
with_mask <- function(x) rkeops:::only_where(x, mask_ij)

in_both_precisions <- function(code) {
  for (precision in c("float64", "float32")) {
    local_rkeops_options(precision = precision)
    code(if (precision == "float64") 1e-10 else 1e-5)
  }
}

test_that("every reduction is that of a mask", {
  w <- matrix(rnorm(180), 90)
  in_both_precisions(function(tolerance) {
    for (index in c("j", "i")) {
      same <- function(f) expect_close(f(D_ij, blocks = some), f(with_mask(D_ij)), tolerance)
      same(function(x, ...) sum(x, index = index, ...))
      same(function(x, ...) mean(x, index, ...))
      same(function(x, ...) min(x, index = index, ...))
      same(function(x, ...) range(x, index = index, ...))
      same(function(x, ...) any(x > 1, index = index, ...))
      same(function(x, ...) argmax(x, index, ...))
      same(function(x, ...) min_argmin(x, index, ...))
      same(function(x, ...) Kmin_argKmin(x, 40, index, ...))
      same(function(x, ...) argKmin(x, 3, index, ...))
      same(function(x, ...) logsumexp(x, index, ...))
      same(function(x, ...) reduction.LazyTensor(x, "Max", index, ...))
    }
    expect_close(sum(D_ij, "j", blocks = some), sum(ifelse(mask_ij, D_ij, 0), "j"), tolerance)
    expect_close(sumsoftmaxweight(D_ij, "j", w, blocks = some), sumsoftmaxweight(with_mask(D_ij), "j", w), tolerance)
    expect_close(logsumexp(D_ij, "j", w[, 1]^2, blocks = some), logsumexp(with_mask(D_ij), "j", w[, 1]^2), tolerance)
  })
  for (f in list(sum, mean, min, argmin, logsumexp, function(x, index, ...) Kmin_argKmin(x, 5, index, ...))) {
    expect_close(f(D_ij, index = "ij", blocks = some), f(with_mask(D_ij), index = "ij"))
  }
  same <- function(f) expect_close(f(x_i - y_j, blocks = some), f(with_mask(x_i - y_j)))
  same(function(x, ...) sum(x, index = "j", ...))
  same(function(x, ...) argmin(x, "i", ...))
  same(function(x, ...) mean(x * 1i, "j", ...))
  same(function(x, ...) sum(x_i + 0 * x, index = "i", ...))
})

test_that("missing values and masks besides", {
  z <- x
  z[7, 1] <- NA
  E_ij <- sqdist(Vi(z), y_j)
  for (f in list(sum, mean, min)) {
    expect_close(f(E_ij, index = "i", na.rm = TRUE, blocks = some), f(with_mask(E_ij), index = "i", na.rm = TRUE))
  }
  square <- blocks_diagonal(label_i)
  same <- outer(label_i, label_i, "==")
  diag(same) <- FALSE
  D <- squared_distances(x, x)
  expect_close(sum(off_diagonal(sqdist(x_i, Vj(x))), "j", blocks = square), rowSums(D * same))
  expect_close(mean(off_diagonal(sqdist(x_i, Vj(x))), "j", blocks = square), rowSums(D * same) / rowSums(same))
})

test_that("blocks go where their LazyTensor goes", {
  in_ij <- in_blocks(exp(-D_ij), some)
  K <- exp(-squared_distances(x, y)) * kept
  b <- rnorm(90)
  expect_close(in_ij %*% b, K %*% b)
  expect_close(t(in_ij) %*% x, t(K) %*% x)
  expect_close((2 * in_ij * Vj(b)) %*% y, 2 * K %*% (b * y))
  expect_close(operator(in_ij)(b), K %*% b)
  expect_close(operator(in_ij, "i")(x), t(K) %*% x)
  expect_close(operator(t(in_ij))(x), t(K) %*% x)
  expected <- ifelse(kept, K, NaN)
  expect_close(as.matrix(in_ij), expected)
  expect_close(in_ij[c(3, 1), 5:9], expected[c(3, 1), 5:9])
  expect_close(in_ij[cbind(1:20, 20:1)], expected[cbind(1:20, 20:1)])
  expect_close(as.array(in_blocks(x_i - y_j, some))[, , 2], ifelse(kept, outer(x[, 2], y[, 2], "-"), NaN))
  expect_output(print(in_ij), sprintf("in blocks: %.3g %% of the pairs", 100 * mean(kept)), fixed = TRUE)
  expect_length((in_ij + in_ij * 2)$blocks, 1)
  file <- withr::local_tempfile()
  saveRDS(in_ij, file)
  expect_close(readRDS(file) %*% b, K %*% b)
})

test_that("solve() honours blocks", {
  z <- random_matrix(80, 2, 3)
  label <- rep(1:4, 20)
  K_ij <- in_blocks(exp(-sqdist(Vi(z), Vj(z))), blocks_diagonal(label))
  K <- exp(-squared_distances(z, z)) * outer(label, label, "==") + diag(0.1, 80)
  expect_close(solve(K_ij, z[, 1], ridge = 0.1, tol = 1e-10), solve(K, z[, 1]), 1e-6)
  expect_close(solve(K_ij, z[, 1], ridge = 0.1, tol = 1e-10, rank = 10), solve(K, z[, 1]), 1e-6)
})

test_that("gradients of first and second order", {
  s <- Pm(0.7)
  f_ij <- -D_ij * s
  in_both_precisions(function(tolerance) {
    same <- function(f) expect_close(unlist(f(in_blocks(f_ij, some))), unlist(f(with_mask(f_ij))), tolerance * 10)
    same(function(f) gradients(exp(f), list(x_i, y_j, s)))
    same(function(f) gradients(f, list(x_i, s), index = "i", reduction = "LogSumExp", loss = function(a) ifelse(a > -Inf, a, 0),
                               derivative = function(a) 1 * (a > -Inf)))
    same(function(f) gradients(f, y_j, reduction = "Min", e = 1))
    same(function(f) hvp(exp(f), list(x_i, y_j), tangent = list(0.5, 1), e = 2))
  })
  same <- function(f) expect_close(unlist(f(in_blocks(f_ij, some))), unlist(f(with_mask(f_ij))))
  same(function(f) jvp(exp(f), y_j, tangent = 1, index = "j"))
  same(function(f) jvp(f, x_i, tangent = 1, index = "j", reduction = "KMin", opt_arg = 2))
  same(function(f) vjp(x_i * exp(f), x_i, index = "i"))
  same(function(f) gradients(exp(f), s, loss = function(r) log1p(r^2)))
  same(function(f) grad(exp(f), Vi(x[, 1]), "Sum", y_j, "j"))
  same(function(f) sum(adjoint(exp(f), x_i, 1), "j"))
  o <- objective(in_blocks(exp(f_ij), some), list(x = x_i, s = s))
  expect_close(o$gr(o$par), unlist(gradients(with_mask(exp(f_ij)), list(x_i, s))$gradient))
})

test_that("labels, matrices and functions", {
  expected <- sum(D_ij, "j", blocks = some)
  same <- function(blocks) expect_identical(sum(D_ij, "j", blocks = blocks), expected)
  same(blocks(factor(label_i), factor(label_j), keep))
  same(blocks(label_i, label_j, keep * 1))
  same(blocks(label_i, label_j, unname(keep[4:1, ])[4:1, ]))
  named <- keep
  dimnames(named) <- list(letters[1:4], 3:7)
  same(blocks(label_i, label_j, named[c(3, 1, 4, 2), 5:1]))
  same(blocks(label_i, label_j + 0.5, function(a, b) named[cbind(a, b - 0.5)]))
  same(blocks(factor(label_i, c("e", letters[1:4])), label_j, rbind(FALSE, keep)))
  n <- blocks(1:3, 1:2, function(a, b) a > b)
  expect_output(print(n), "blocks of 3 rows i and 2 rows j, of which 50 % of the pairs are kept", fixed = TRUE)
  expect_output(print(blocks(character(), character(), function(a, b) a == b)), "0 rows i")
})

test_that("ranges of rows", {
  ranges <- blocks(cbind(c(21, 1), c(60, 10)), rbind(c(1, 30), c(51, 90)), matrix(c(TRUE, TRUE, FALSE, TRUE), 2), ni = 120)
  inside <- matrix(0, 120, 90)
  inside[21:60, 1:30] <- inside[1:10, c(1:30, 51:90)] <- 1
  expect_close(sum(D_ij, "i", blocks = ranges), colSums(squared_distances(x, y) * inside))
  expect_close(mean(D_ij, "j", blocks = ranges), rowSums(squared_distances(x, y) * inside) / rowSums(inside))
  expect_identical(min(D_ij, "j", blocks = ranges)[100], Inf)
})

test_that("points within a radius", {
  for (radius in c(0.01, 0.2, 10)) {
    within <- blocks_within(x, y, radius)
    expect_equal(sum(D_ij <= radius^2, "j", blocks = within), sum(D_ij <= radius^2, "j"))
    expect_equal(sum(D_ij <= radius^2, "i", blocks = within), sum(D_ij <= radius^2, "i"))
  }
  line <- seq(0, 1, length.out = 5000)
  within <- blocks_within(line, radius = 0.01)
  expect_lt(rkeops:::kept_pairs(within), 0.06 * 5000^2)
  apart_ij <- abs(Vi(line) - Vj(line))
  expect_equal(sum(apart_ij <= 0.01, "j", blocks = within), sum(apart_ij <= 0.01, "j"))
  expect_close(sum(Vi(line[1:100]) < 2 + 0 * Vj(line), "ij", blocks = blocks_within(line[1:100], line, 1e-9)),
               rkeops:::kept_pairs(blocks_within(line[1:100], line, 1e-9)))
})

test_that("bands, triangles and diagonal blocks", {
  D <- squared_distances(x, y)
  apart <- outer(1:120, 1:90, function(i, j) j - i)
  in_both_precisions(function(tolerance) {
    same <- function(blocks, inside) {
      expect_close(sum(D_ij, "j", blocks = blocks), rowSums(D * inside), tolerance)
      expect_close(sum(D_ij, "i", blocks = blocks), colSums(D * inside), tolerance)
      expect_close(t(in_blocks(D_ij, blocks)) %*% x, t(D * inside) %*% x, tolerance)
      expect_close(mean(in_blocks(D_ij, blocks), "ij"), sum(D * inside) / sum(inside), tolerance)
      expect_equal(rkeops:::kept_pairs(blocks), sum(inside))
    }
    same(blocks_band(120, 90, 5), abs(apart) <= 5)
    same(blocks_band(120, 90, before = 70, after = 0), apart <= 0 & apart >= -70)
    same(blocks_triangle(120, 90), apart <= 0)
    same(blocks_triangle(120, 90, upper = TRUE, diagonal = FALSE), apart > 0)
    same(blocks_diagonal(rep(1:40, 3), rep(30:1, 3)), outer(rep(1:40, 3), rep(30:1, 3), "=="))
  })
  wide <- rkeops:::row_difference_between(120, 90, c(-5, 5), limit = 50)
  expect_identical(as.matrix(wide), abs(apart) <= 5)
})

test_that("several blocks", {
  other <- blocks(rep(1:12, 10), rep(1:5, 18), function(a, b) (a + b) %% 3 > 0)
  in_other <- outer(rep(1:12, 10), rep(1:5, 18), function(a, b) (a + b) %% 3 > 0)
  inside <- in_other & kept
  D <- squared_distances(x, y)
  for (two in list(list(some, other), list(other, some))) {
    x_ij <- in_blocks(D_ij, two[[1]])
    expect_close(sum(x_ij, "j", blocks = two[[2]]), rowSums(D * inside))
    expect_close(mean(x_ij + in_blocks(D_ij, two[[2]]), "i"), 2 * colSums(D * inside) / colSums(inside))
  }
  band <- in_other & abs(row(D) - col(D)) <= 20
  expect_close(sum(in_blocks(D_ij, other), "j", blocks = blocks_band(120, 90, 20)), rowSums(D * band))
})

test_that("wrong blocks are refused", {
  expect_snapshot_output(show_errors(
    blocks(c(1, NA, 2), keep = diag(2) > 0),
    blocks(list(1, 2), keep = diag(2) > 0),
    blocks(1:3),
    blocks(1:3, keep = matrix(TRUE, 3, 2)),
    blocks(1:3, keep = matrix(NA, 3, 3)),
    blocks(1:3, keep = matrix("a", 3, 3)),
    blocks(1:3, keep = matrix(TRUE, 3, 3, dimnames = list(2:4, NULL))),
    blocks(1:3, keep = function(a, b) TRUE),
    blocks(1:3, keep = function(a, b) c(NA, a[-1] == b[-1])),
    blocks(1:3, ni = 4, keep = diag(3) > 0),
    blocks(rbind(c(1, 5), c(4, 8)), keep = diag(2) > 0),
    blocks(rbind(c(1, 5), c(6, 12)), keep = diag(2) > 0, ni = 10),
    blocks(rbind(c(0, 5)), keep = diag(1) > 0),
    blocks(rbind(c(5, 4)), keep = diag(1) > 0),
    blocks_within(x, y, 0),
    blocks_within(x, y, -1),
    blocks_within(x, y, NA),
    blocks_within(x, y[, 1], 1),
    blocks_within(c(1, Inf), radius = 1),
    blocks_band(10, width = -1),
    blocks_triangle(10, upper = 1),
    sum(D_ij, "j", blocks = blocks_diagonal(label_i)),
    sum(y_j, "j", blocks = some),
    sum(D_ij, "j", blocks = keep),
    in_blocks(D_ij)
  ))
})
