(comment) @comment

(binding
  attrpath: (attrpath) @name
  expression: (function_expression formals: (_)? @parameters body: (_) @body)) @definition.function
(source_code expression: (attrset_expression (binding_set (binding attrpath: (_) @name) @definition.constant)))
(source_code expression: (rec_attrset_expression (binding_set (binding attrpath: (_) @name) @definition.constant)))
(source_code
  expression: (function_expression body: (attrset_expression (binding_set (binding attrpath: (_) @name) @definition.constant))))
(let_expression (binding_set (binding attrpath: (_) @name) @definition.constant))
(let_expression body: (attrset_expression (binding_set (binding attrpath: (_) @name) @definition.constant)))

[(if_expression) (with_expression) (assert_expression)] @control
