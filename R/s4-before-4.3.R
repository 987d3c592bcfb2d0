# What S3 cannot do before R 4.3. There `%*%` looks for methods only if an argument has the S4 bit, and then for S4
# methods; and of two different S3 methods for `+` neither is taken. So LazyTensors carry the bit (new_lazytensor) and
# the few S4 methods below exist. Nothing is masked, and ordinary data take the path they take without this package.
# From R 4.3 on there are matrixOps and chooseOpsMethod (lazytensor-matrix.R) instead.

needs_s4_bit <- getRversion() < "4.3.0"

#' @rawNamespace if (getRversion() < "4.3.0") exportMethods("%*%", Ops, Math2, show)
setOldClass(c("ComplexLazyTensor", "LazyTensor"))
setOldClass(c("rkeops_operator", "function"))

if (needs_s4_bit) {
  for (classes in list(c("LazyTensor", "ANY"), c("ANY", "LazyTensor"), c("LazyTensor", "LazyTensor"))) {
    setMethod("%*%", classes, function(x, y) multiply(x, y, sys.call()))
  }

  for (classes in list(c("rkeops_operator", "ANY"), c("ANY", "rkeops_operator"))) {
    setMethod("%*%", classes, function(x, y) multiply_operator(x, y, sys.call()))
  }

  # What is found here is not looked for in vain before the S3 methods are asked.
  for (classes in list(c("LazyTensor", "LazyTensor"), c("LazyTensor", "numeric"), c("numeric", "LazyTensor"),
                       c("LazyTensor", "missing"))) {
    setMethod("Ops", classes, Ops.LazyTensor)
  }

  # Classes that have S3 methods for operators.
  for (other in c("data.frame", "factor", "Date", "POSIXt", "ts")) {
    for (classes in list(c("LazyTensor", other), c(other, "LazyTensor"))) {
      setMethod("Ops", classes, function(e1, e2) {
        apply_binary(.Generic, list(e1 = e1, e2 = e2), call(.Generic, quote(e1), quote(e2)))
      })
    }
  }
  rm(classes, other)

  # round() and signif() look at their first argument only, before names are matched: round(digits = 2, x = K).
  for (classes in list(c("LazyTensor", "ANY"), c("ANY", "LazyTensor"))) {
    setMethod("Math2", classes, function(x, digits) {
      options <- if (missing(digits)) list() else list(digits)
      call <- as.call(c(list(as.name(.Generic), quote(x)), if (is.LazyTensor(x)) options else list(quote(digits))))
      if (!is.LazyTensor(x)) abort_argument("digits", "a number", digits, call)
      apply_math(.Generic, x, options, call)
    })
  }
  rm(classes)

  # Objects with the S4 bit are printed by show().
  setMethod("show", "LazyTensor", function(object) print.LazyTensor(object))
  setMethod("show", "rkeops_operator", function(object) print.rkeops_operator(object))
}
