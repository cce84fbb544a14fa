[(line_comment) (block_comment)] @comment

(class_declaration
  (modifiers (class_modifier) @_enum) name: (_) @name (enum_class_body)? @body (#eq? @_enum "enum")) @definition.enum
(class_declaration "interface" name: (_) @name (class_body)? @body) @definition.interface
(class_declaration name: (_) @name (class_body)? @body) @definition.class
(object_declaration name: (_) @name (class_body)? @body) @definition.class
(companion_object name: (identifier) @name (class_body)? @body) @definition.class
(type_alias type: (identifier) @name) @definition.type
(enum_entry . (identifier) @name) @definition.constant

(source_file
  (function_declaration
    name: (_) @name (function_value_parameters) @parameters (function_body)? @body) @definition.function)
(function_declaration
  (modifiers (visibility_modifier) @private) name: (_) @name (function_value_parameters) @parameters
  (function_body)? @body (#eq? @private "private")) @definition.method
(function_declaration
  name: (_) @name (function_value_parameters) @parameters (function_body)? @body) @definition.method
(secondary_constructor "constructor" @name (function_value_parameters) @parameters (block)? @body) @definition.method

(property_declaration (variable_declaration . (identifier) @name)) @definition.variable
(property_declaration (multi_variable_declaration (variable_declaration . (identifier) @name @definition.variable)))

; What stands in a block is local.
[(lambda_literal) (anonymous_function) (anonymous_initializer)] @scope

(import) @import

[(if_expression) (for_statement) (while_statement) (do_while_statement) (when_expression) (catch_block)] @control
