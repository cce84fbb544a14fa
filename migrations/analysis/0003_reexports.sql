-- The re-exports through which a file reaches what it uses: taking one away touches it, although what it uses is still there.
CREATE TABLE file_reexports (
    source_file     BLOB NOT NULL,           -- re-exports
    dependent_file  BLOB NOT NULL,
    dependency_type TEXT NOT NULL,
    symbol_name     TEXT NOT NULL,
    repo_id         TEXT NOT NULL,
    PRIMARY KEY (source_file, dependent_file, dependency_type, symbol_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_reexports_dependent ON file_reexports (dependent_file);
