[(comment) (pod)] @comment

(package_statement name: (_) @name (block)? @body) @definition.module
(class_statement name: (_) @name (block)? @body) @definition.class
(role_statement name: (_) @name (block)? @body) @definition.trait
(subroutine_declaration_statement name: (_) @name) @definition.function
(method_declaration_statement name: (_) @name) @definition.method
(use_statement
  module: (package) @_module (list_expression . (_) @name) (#eq? @_module "constant")) @definition.constant
(use_statement
  module: (package) @_module (anonymous_hash_expression (list_expression . (autoquoted_bareword) @name))
  (#eq? @_module "constant")) @definition.constant
(source_file
  (expression_statement (assignment_expression left: (variable_declaration "our" (_) @name))) @definition.variable)

[(use_statement) (require_expression)] @import

[(conditional_statement) (elsif) (for_statement) (cstyle_for_statement) (loop_statement)] @control
