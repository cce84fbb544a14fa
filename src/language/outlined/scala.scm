[(comment) (block_comment)] @comment

(package_clause name: (_) @name body: (_) @body) @definition.module
(class_definition name: (_) @name) @definition.class
(object_definition name: (_) @name) @definition.class
(package_object name: (_) @name) @definition.module
(trait_definition name: (_) @name) @definition.trait
(enum_definition name: (_) @name) @definition.enum
(simple_enum_case name: (_) @name) @definition.constant
(full_enum_case name: (_) @name) @definition.class
(type_definition name: (_) @name) @definition.type
(given_definition name: (_) @name) @definition.variable

(compilation_unit (function_definition name: (_) @name) @definition.function)
(function_definition
  (modifiers (access_modifier) @private) name: (_) @name (#match? @private "^private")) @definition.method
(function_definition name: (_) @name) @definition.method
(function_declaration name: (_) @name) @definition.method

(val_definition pattern: (identifier) @name) @definition.constant
(val_declaration name: (_) @name) @definition.constant
(var_definition pattern: (identifier) @name) @definition.variable
(var_declaration name: (_) @name) @definition.variable

; What stands in a block is local.
[(lambda_expression) (block) (case_block)] @scope

(import_declaration) @import

[(if_expression) (for_expression) (while_expression) (do_while_expression) (match_expression) (catch_clause)] @control
