(comment) @comment

(call
  target: (identifier) @_call (arguments . (alias) @name) (do_block)? @body
  (#any-of? @_call "defmodule")) @definition.module
(call
  target: (identifier) @_call (arguments . (alias) @name) (do_block)? @body
  (#eq? @_call "defprotocol")) @definition.interface
(call
  target: (identifier) @_call (arguments . (alias) @name) (do_block)? @body
  (#eq? @_call "defimpl")) @definition.extension

(call
  target: (identifier) @_call
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name (arguments) @parameters)
    (binary_operator left: (identifier) @name operator: "when")
    (binary_operator left: (call target: (identifier) @name (arguments) @parameters) operator: "when")
    (binary_operator left: (_) operator: _ @name)
  ] (keywords)? @body)
  (do_block)? @body
  (#any-of? @_call "def" "defdelegate" "defguard" "defn")) @definition.function @clause
(call
  target: (identifier) @_call @private
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name (arguments) @parameters)
    (binary_operator left: (identifier) @name operator: "when")
    (binary_operator left: (call target: (identifier) @name (arguments) @parameters) operator: "when")
  ] (keywords)? @body)
  (do_block)? @body
  (#any-of? @_call "defp" "defguardp" "defnp")) @definition.function @clause
(call
  target: (identifier) @_call
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name (arguments) @parameters)
    (binary_operator left: (call target: (identifier) @name (arguments) @parameters) operator: "when")
  ] (keywords)? @body)
  (do_block)? @body
  (#any-of? @_call "defmacro" "defmacrop")) @definition.macro @clause

(call
  target: (identifier) @_call (arguments . (string) @name) (do_block) @body (#eq? @_call "test")) @definition.test

(unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_call
    (arguments . (binary_operator left: [(identifier) @name (call target: (identifier) @name)] operator: "::"))
    (#any-of? @_call "type" "typep" "opaque"))) @definition.type
(unary_operator
  operator: "@"
  operand: (call
    target: (identifier) @_call
    (arguments . (binary_operator left: (call target: (identifier) @name) operator: "::"))
    (#any-of? @_call "callback" "macrocallback"))) @definition.method
(unary_operator
  operator: "@" operand: (call target: (identifier) @name (arguments . (_)))
  (#not-any-of? @name
    "moduledoc" "doc" "typedoc" "spec" "type" "typep" "opaque" "callback" "macrocallback" "optional_callbacks" "impl"
    "behaviour" "derive" "enforce_keys" "deprecated" "since" "tag" "moduletag" "describetag" "dialyzer" "compile"
    "external_resource" "before_compile" "after_compile" "on_load")) @definition.constant
(unary_operator
  operator: "@" operand: (call target: (identifier) @_call (arguments (string) @doc)) (#eq? @_call "doc")) @leading
(unary_operator
  operator: "@" operand: (call target: (identifier) @_call)
  (#any-of? @_call "spec" "doc" "impl" "deprecated" "since" "tag" "dialyzer" "typedoc")) @leading

(call target: (identifier) @_call (#any-of? @_call "use" "alias" "import" "require")) @import

(call
  target: (identifier) @_call (do_block)
  (#any-of? @_call "if" "unless" "case" "cond" "for" "with" "try" "receive")) @control
