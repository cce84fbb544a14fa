(comment) @comment

(class name: (_) @name body: (_)? @body) @definition.class
(module name: (_) @name body: (_)? @body) @definition.module
(program (method name: (_) @name) @definition.function)
(method name: (_) @name) @definition.method
(singleton_method name: (_) @name) @definition.method
(alias name: (_) @name) @definition.method
(assignment left: [(constant) (scope_resolution)] @name) @definition.constant

; Sections of RSpec, tests of minitest and Rails.
(call
  method: (identifier) @_call arguments: (argument_list . (string) @name) block: (_) @body
  (#any-of? @_call "it" "test" "specify" "should")) @definition.test

; Methods that a macro defines.
(call
  method: (identifier) @_call arguments: (argument_list (simple_symbol) @name @definition.method)
  (#any-of? @_call "attr_reader" "attr_accessor" "attr_writer"))
(call
  method: (identifier) @_call arguments: (argument_list . (simple_symbol) @name)
  (#any-of? @_call "define_method" "alias_method" "scope" "delegate")) @definition.method

(call method: (identifier) @_call (#any-of? @_call "require" "require_relative" "load" "autoload")) @import

[(if) (elsif) (unless) (while) (until) (for) (case) (rescue) (conditional) (if_modifier) (unless_modifier)] @control
