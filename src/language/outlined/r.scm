(comment) @comment

(binary_operator
  lhs: [(identifier) (string)] @name operator: ["<-" "<<-" "="]
  rhs: (function_definition parameters: (_) @parameters body: (_)? @body)) @definition.function
(argument
  name: (identifier) @name
  value: (function_definition parameters: (_) @parameters body: (_)? @body)) @definition.method

(program
  (binary_operator
    lhs: (identifier) @name operator: ["<-" "<<-" "="]
    rhs: (call
      function: (_) @_call
      (#match? @_call "(R6Class|setRefClass|setClass|ggproto|new_class)$"))) @definition.class)
(program (binary_operator lhs: (identifier) @name operator: ["<-" "<<-" "="]) @definition.variable)

(program
  (call
    function: (identifier) @_call arguments: (arguments . (argument value: (string) @name))
    (#any-of? @_call "setClass" "setRefClass")) @definition.class)
(call
  function: (identifier) @_call arguments: (arguments . (argument value: (string) @name))
  (#any-of? @_call "setGeneric" "setMethod" "setValidity")) @definition.method
(call
  function: (identifier) @_call
  arguments: (arguments . (argument value: (string) @name) (argument value: (braced_expression) @body))
  (#any-of? @_call "test_that" "it")) @definition.test

(call function: (identifier) @_call (#any-of? @_call "library" "require" "source" "requireNamespace")) @import

[(if_statement) (for_statement) (while_statement) (repeat_statement)] @control
