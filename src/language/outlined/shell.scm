(comment) @comment

(function_definition name: (_) @name) @definition.function

; Names of constants and settings of a script.
(program (variable_assignment name: (variable_name) @name) @definition.variable)
(program (declaration_command (variable_assignment name: (variable_name) @name) @definition.variable))

(command name: (command_name) @_call (#any-of? @_call "source" ".")) @import

[(if_statement) (elif_clause) (for_statement) (c_style_for_statement) (while_statement) (case_statement)] @control
