(comment) @comment

(namespace_definition name: (_) @name) @definition.module
(class_declaration name: (_) @name) @definition.class
(interface_declaration name: (_) @name) @definition.interface
(trait_declaration name: (_) @name) @definition.trait
(enum_declaration name: (_) @name) @definition.enum
(function_definition name: (_) @name) @definition.function
(method_declaration name: (_) @name) @definition.method
(method_declaration
  (visibility_modifier) @private name: (_) @name (#eq? @private "private")) @definition.method
(enum_case name: (_) @name) @definition.constant
(const_element . (name) @name) @definition.constant
(property_element name: (_) @name) @definition.variable
(expression_statement
  (function_call_expression
    function: (name) @_call arguments: (arguments . (argument (string) @name)) (#eq? @_call "define"))) @definition.constant

; An anonymous function has no items.
[(anonymous_function) (arrow_function)] @scope

[(namespace_use_declaration) (require_expression) (require_once_expression) (include_expression)
 (include_once_expression)] @import

[(if_statement) (else_if_clause) (for_statement) (foreach_statement) (while_statement) (do_statement)
 (switch_statement) (match_expression) (catch_clause) (conditional_expression)] @control
