(comment) @comment

; A block is named by its labels; without one, by its type.
(config_file (body
  (block
    . (identifier) @_type . (string_lit) @name . (string_lit)? @name . (block_start) @body
    (#any-of? @_type "resource" "data")) @definition.struct))
(config_file (body
  (block
    . (identifier) @_type . (string_lit) @name . (block_start) @body
    (#any-of? @_type "variable" "output")) @definition.constant))
(config_file (body
  (block . (identifier) @_type . (string_lit) @name . (string_lit)? @name . (block_start) @body) @definition.module))
(config_file (body (block . (identifier) @name . (block_start) @body) @definition.module))

(config_file (body
  (block . (identifier) @_type (body (attribute . (identifier) @name) @definition.constant) (#eq? @_type "locals"))))
(config_file (body (attribute . (identifier) @name) @definition.constant))
