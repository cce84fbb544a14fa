library(stats)
source("store.R")

limit <- 10

#' Adds a line.
#'
#' @param order An order.
add <- function(order, line, count = 1) {
  if (line == "") {
    stop("empty")
  } else if (count > limit) {
    for (one in seq_len(count)) {
      while (one > 0) one <- one - 1
    }
  } else {
    repeat {
      break
    }
  }
  order
}

# A method.
print.order = function(x, ...) cat(x$name)

`%+%` <- function(a, b) paste0(a, b)

setClass("Order", representation(name = "character"))

setGeneric("size", function(object) standardGeneric("size"))

setMethod("size", "Order", function(object) {
  length(object@lines)
})

Store <- R6Class("Store",
  public = list(
    open = function(path) {
      invisible(self)
    }
  )
)

test_that("a line is kept", {
  expect_equal(add("a"), "a")
})
