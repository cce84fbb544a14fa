[(comment) (haddock)] @comment

(data_type name: (_) @name) @definition.type
(newtype name: (_) @name) @definition.type
(type_synonym name: (_) @name) @definition.type
(type_family name: (_) @name) @definition.type
(data_family name: (_) @name) @definition.type
(class name: (_) @name declarations: (_)? @body) @definition.class
(instance name: (_) @name patterns: (_) @name declarations: (_)? @body) @definition.extension

; A signature and the equations behind it are one function.
(declarations (signature name: [(variable) @name (prefix_id (_) @name)]) @definition.function @clause)
(declarations (function name: (_) @name match: (_) @body) @definition.function @clause)
(declarations (function (infix operator: (_) @name) match: (_) @body) @definition.function @clause)
(declarations (bind name: (_) @name match: (_) @body) @definition.function @clause)
(foreign_import signature: (signature name: (_) @name)) @definition.function
(class_declarations (signature name: [(variable) @name (prefix_id (_) @name)]) @definition.method @clause)
(class_declarations (function name: (_) @name match: (_) @body) @definition.method @clause)
(instance_declarations (function name: (_) @name match: (_) @body) @definition.method @clause)
(instance_declarations (bind name: (_) @name match: (_) @body) @definition.method @clause)

(import) @import

[(conditional) (case) (multi_way_if) (lambda_case) (guards)] @control
