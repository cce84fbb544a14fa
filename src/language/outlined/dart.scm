[(comment) (documentation_comment)] @comment

(class_declaration name: (_) @name) @definition.class
(mixin_declaration name: (_) @name) @definition.class
(extension_declaration name: (_) @name) @definition.extension
(extension_type_declaration name: (extension_type_name (identifier) @name)) @definition.class
(extension_type_declaration name: (identifier) @name) @definition.class
(enum_declaration name: (_) @name) @definition.enum
(enum_entry name: (_) @name) @definition.constant
(type_alias (type_identifier) @name) @definition.type

(function_declaration
  signature: (function_signature name: (_) @name parameters: (formal_parameter_list) @parameters)) @definition.function
(getter_declaration signature: (getter_signature name: (_) @name)) @definition.function
(setter_declaration signature: (setter_signature name: (_) @name)) @definition.function
(external_function_declaration signature: (function_signature name: (_) @name)) @definition.function

; `Order.load`, then `Order`.
(method_declaration signature: (method_signature [
  (constructor_signature . name: (_) @name name: (identifier) @name parameters: (_) @parameters)
  (factory_constructor_signature . name: (_) @name name: (identifier) @name parameters: (_) @parameters)
])) @definition.method
(declaration [
  (constructor_signature . name: (_) @name name: (identifier) @name)
  (constant_constructor_signature . name: (_) @name name: (identifier) @name)
  (factory_constructor_signature . name: (_) @name name: (identifier) @name)
  (redirecting_factory_constructor_signature . name: (_) @name name: (identifier) @name)
]) @definition.method
(method_declaration signature: (method_signature [
  (function_signature name: (_) @name parameters: (formal_parameter_list) @parameters)
  (getter_signature name: (_) @name)
  (setter_signature name: (_) @name)
  (operator_signature operator: _ @name)
  (constructor_signature . name: (_) @name parameters: (_) @parameters)
  (factory_constructor_signature . name: (_) @name parameters: (_) @parameters)
])) @definition.method
(declaration [
  (function_signature name: (_) @name)
  (getter_signature name: (_) @name)
  (setter_signature name: (_) @name)
  (operator_signature operator: _ @name)
  (constructor_signature . name: (_) @name)
  (constant_constructor_signature . name: (_) @name)
  (factory_constructor_signature . name: (_) @name)
  (redirecting_factory_constructor_signature . name: (_) @name)
]) @definition.method

(top_level_variable_declaration
  (static_final_declaration_list (static_final_declaration name: (_) @name))) @definition.constant
(top_level_variable_declaration
  (initialized_identifier_list (initialized_identifier name: (_) @name))) @definition.variable
(declaration (static_final_declaration_list (static_final_declaration name: (_) @name))) @definition.constant
(declaration (initialized_identifier_list (initialized_identifier name: (_) @name))) @definition.variable
(declaration (identifier_list (identifier) @name)) @definition.variable

; What stands in a closure is local.
(function_expression) @scope

(import_or_export) @import

[(if_statement) (for_statement) (while_statement) (do_statement) (switch_statement) (switch_expression)
 (catch_clause) (conditional_expression)] @control
