(comment) @comment

(rule (targets) @name (recipe)? @body (#not-match? @name "^[.]([A-Z_]+)$")) @definition.target
(variable_assignment name: (_) @name) @definition.variable
(shell_assignment name: (_) @name) @definition.variable
(define_directive name: (_) @name value: (_)? @body) @definition.macro

(include_directive) @import

(conditional) @control
