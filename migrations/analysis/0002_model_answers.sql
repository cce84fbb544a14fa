-- What a model answers, beside what the local analyzer says.

-- Hash of the part of the dependency context that a prompt shows; NULL: never worked out.
ALTER TABLE files ADD COLUMN context_hash BLOB;

-- The indexed commit for which a result was made.
ALTER TABLE file_analysis ADD COLUMN commit_id BLOB;
-- Nano-dollars of the request whose reply is stored; `cost` adds those of rejected replies and of replaced entries.
ALTER TABLE file_analysis ADD COLUMN answer_cost INTEGER NOT NULL DEFAULT 0;
