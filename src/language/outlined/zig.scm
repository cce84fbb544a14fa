(comment) @comment

(variable_declaration (identifier) @name (struct_declaration) @body) @definition.struct
(variable_declaration (identifier) @name (enum_declaration) @body) @definition.enum
(variable_declaration (identifier) @name (union_declaration) @body) @definition.union
(variable_declaration (identifier) @name (opaque_declaration) @body) @definition.struct
(variable_declaration (identifier) @name (error_set_declaration) @body) @definition.enum
((variable_declaration . "pub"? . ["const" "var"] . (identifier) @name) @definition.constant
  (#not-match? @definition.constant "= *@import"))

(source_file (function_declaration name: (_) @name (parameters) @parameters) @definition.function)
(function_declaration name: (_) @name (parameters) @parameters) @definition.method
(test_declaration (string) @name (block) @body) @definition.test
(test_declaration (identifier) @name (block) @body) @definition.test

(source_file
  (variable_declaration
    (builtin_function (builtin_identifier) @_call (#eq? @_call "@import")))) @import

[(if_statement) (if_expression) (for_statement) (for_expression) (while_statement) (while_expression)
 (switch_expression)] @control
