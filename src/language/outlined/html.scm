(comment) @comment

; Headings, and what has a name.
(element
  (start_tag (tag_name) @_tag) . (text) @name (#match? @_tag "^([hH][1-6]|title|caption|legend)$")) @definition.section
(element
  (start_tag
    (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @name)))
  . (_)? @body
  (#eq? @_attribute "id")) @definition.section
(element
  (self_closing_tag
    (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @name)))
  (#eq? @_attribute "id")) @definition.section
