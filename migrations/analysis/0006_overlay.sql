-- The work tree over the tree at HEAD.

-- Files that are not in the work tree what HEAD has of them: other, new, or (skip_reason 'deleted') gone. The view is the tree at
-- HEAD with these in its place; `files` stays what HEAD has. Columns as there.
CREATE TABLE overlay_files (
    file_path     BLOB    PRIMARY KEY,
    blob_id       BLOB    NOT NULL,          -- the name that the content would have as an object; empty: not read
    mode          TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    size_bytes    INTEGER NOT NULL,
    language      TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    skip_reason   TEXT,
    content_hash  BLOB,
    module_path   TEXT,
    crate_root    INTEGER NOT NULL DEFAULT 0,
    deps_hash     BLOB,
    uses          BLOB,
    context_hash  BLOB,
    text          BLOB,                      -- zstd, line ends as a commit would have them; NULL: skipped
    -- What the file was like on the disk when it was read: as long as it is so, it is not read again. Nanoseconds since the epoch.
    modified_ns   INTEGER NOT NULL,
    changed_ns    INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    disk_bytes    INTEGER NOT NULL,
    read_ns       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW present_files AS
    SELECT file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root,
           deps_hash, uses, context_hash
    FROM overlay_files
    UNION ALL
    SELECT file_path, blob_id, mode, source, size_bytes, language, role, skip_reason, content_hash, module_path, crate_root,
           deps_hash, uses, context_hash
    FROM files f WHERE NOT EXISTS (SELECT 1 FROM overlay_files o WHERE o.file_path = f.file_path);
