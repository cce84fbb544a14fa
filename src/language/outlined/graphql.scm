(comment) @comment

(schema_definition "schema" @name) @definition.module
(object_type_definition (name) @name (fields_definition)? @body) @definition.struct
(object_type_extension (name) @name (fields_definition)? @body) @definition.struct
(interface_type_definition (name) @name (fields_definition)? @body) @definition.interface
(interface_type_extension (name) @name (fields_definition)? @body) @definition.interface
(enum_type_definition (name) @name (enum_values_definition)? @body) @definition.enum
(input_object_type_definition (name) @name (input_fields_definition)? @body) @definition.struct
(union_type_definition (name) @name) @definition.union
(scalar_type_definition (name) @name) @definition.type
(directive_definition (name) @name) @definition.macro
(operation_definition (name) @name (selection_set) @body) @definition.function
(fragment_definition (fragment_name) @name (selection_set) @body) @definition.function
(field_definition (name) @name (arguments_definition)? @parameters) @definition.method
(input_fields_definition (input_value_definition (name) @name) @definition.method)
