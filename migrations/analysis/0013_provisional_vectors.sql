-- Files whose vectors in LanceDB are provisional: from the model's static table, until the model's own are made. What they were made from,
-- and which table gave them.
CREATE TABLE provisional_files (
    file_path BLOB PRIMARY KEY,
    embed_key BLOB NOT NULL,
    table_id  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
