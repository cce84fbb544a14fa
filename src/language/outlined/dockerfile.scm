(comment) @comment

(from_instruction as: (image_alias) @name) @definition.module
(from_instruction (image_spec name: (_) @name) !as) @definition.module
(arg_pair name: (_) @name) @definition.variable
(env_pair name: (_) @name) @definition.variable
(label_pair key: (_) @name) @definition.constant
