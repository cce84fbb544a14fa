-- Questions that are at a provider in a batch. Their entries of the ledger stay open until their answers come, also over a restart.
CREATE TABLE batches (
    batch_id  INTEGER PRIMARY KEY,
    token     TEXT    NOT NULL UNIQUE,       -- by which the provider's batch is found, should its name be lost
    remote    TEXT,                          -- the provider's name for it; NULL: not known (yet)
    model_id  TEXT    NOT NULL,
    lines     INTEGER NOT NULL,              -- that were sent
    sent_at   INTEGER NOT NULL,
    polls     INTEGER NOT NULL DEFAULT 0,    -- how often it was asked about
    next_poll INTEGER NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Lines whose answer is not stored yet: what reading it takes, as JSON.
CREATE TABLE batch_lines (
    batch_id INTEGER NOT NULL REFERENCES batches ON DELETE CASCADE,
    name     TEXT    NOT NULL,
    record   TEXT    NOT NULL,
    PRIMARY KEY (batch_id, name)
) STRICT;

CREATE TABLE batch_entries (
    entry_id INTEGER PRIMARY KEY,            -- of the ledger
    batch_id INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    job_id   INTEGER NOT NULL,
    FOREIGN KEY (batch_id, name) REFERENCES batch_lines ON DELETE CASCADE
) STRICT;
CREATE INDEX batch_entries_line ON batch_entries (batch_id, name);
