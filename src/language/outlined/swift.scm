[(comment) (multiline_comment)] @comment

(class_declaration declaration_kind: "struct" . name: (_) @name) @definition.struct
(class_declaration declaration_kind: "enum" . name: (_) @name) @definition.enum
(class_declaration declaration_kind: "extension" . name: (_) @name) @definition.extension
(class_declaration declaration_kind: _ . name: (_) @name) @definition.class
(protocol_declaration declaration_kind: _ . name: (_) @name) @definition.interface
(typealias_declaration . (modifiers)? . "typealias" . name: (_) @name) @definition.type
(associatedtype_declaration name: (_) @name) @definition.type
(enum_entry name: (_) @name) @definition.constant

; `_`, for an operator is a name, too; with the kinds of names the query takes four times as long to compile.
(source_file (function_declaration "func" . _ @name) @definition.function)
(function_declaration
  (modifiers (visibility_modifier) @private) "func" . _ @name
  (#any-of? @private "private" "fileprivate")) @definition.method
(function_declaration "func" . _ @name) @definition.method
(protocol_function_declaration name: (simple_identifier) @name) @definition.method
(init_declaration name: "init" @name) @definition.method
(deinit_declaration "deinit" @name) @definition.method
(subscript_declaration "subscript" @name (computed_property)? @body) @definition.method

(property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.variable
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.variable

; What stands in a block is local.
[(lambda_literal) (computed_property)] @scope

(import_declaration) @import

[(if_statement) (guard_statement) (for_statement) (while_statement) (repeat_while_statement) (switch_statement)
 (catch_block) (ternary_expression)] @control
