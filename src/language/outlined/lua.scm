(comment) @comment

(function_declaration name: (method_index_expression) @name) @definition.method
(function_declaration name: (_) @name) @definition.function
(variable_declaration
  (assignment_statement
    (variable_list . name: (_) @name)
    (expression_list . value: (function_definition parameters: (_) @parameters body: (_)? @body)))) @definition.function
(assignment_statement
  (variable_list . name: (_) @name)
  (expression_list . value: (function_definition parameters: (_) @parameters body: (_)? @body))) @definition.function
(field name: (_) @name value: (function_definition parameters: (_) @parameters body: (_)? @body)) @definition.function

((chunk (variable_declaration (assignment_statement (variable_list name: (_) @name))) @definition.variable)
  (#not-match? @definition.variable "= *require"))
(chunk (variable_declaration (variable_list name: (_) @name)) @definition.variable)
(chunk (assignment_statement (variable_list . name: [(identifier) (dot_index_expression)] @name)) @definition.variable)

(chunk
  (variable_declaration
    (assignment_statement (expression_list (function_call name: (identifier) @_call)) (#eq? @_call "require")))) @import
(chunk (function_call name: (identifier) @_call (#any-of? @_call "require" "dofile")) @import)

[(if_statement) (elseif_statement) (for_statement) (while_statement) (repeat_statement)] @control
