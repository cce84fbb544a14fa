[(comment) (js_comment)] @comment

(rule_set (selectors) @name (block) @body) @definition.section
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @definition.section
(at_rule (at_keyword) @name (block) @body) @definition.section
(declaration (property_name) @name (#match? @name "^--")) @definition.constant

[(import_statement) (charset_statement) (namespace_statement)] @import
