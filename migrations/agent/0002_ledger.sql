-- The ledger: each request to a model by name, before it leaves. Money is in nano-dollars. A row is closed once and stays as it
-- is from then on; what a month or a day has cost is the sum of its rows, open ones at what they reserve.
CREATE TABLE ledger (
    entry_id         INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id          TEXT    NOT NULL,       -- refers to nothing: money stays spent when its repository is unregistered
    cache_key        BLOB    NOT NULL,
    attempt          INTEGER NOT NULL,       -- 1, 2, ... for this repository and key
    file_path        BLOB    NOT NULL,
    analysis_type    TEXT    NOT NULL,
    model_id         TEXT    NOT NULL,
    commit_id        BLOB,
    reserved_at      INTEGER NOT NULL,       -- the month and the day in which it counts, whenever it is closed
    reserved         INTEGER NOT NULL CHECK (reserved >= 0),
    closed_at        INTEGER,                -- NULL: open
    outcome          TEXT,
    cost             INTEGER CHECK (cost >= 0),
    detail           TEXT,
    input_tokens     INTEGER NOT NULL DEFAULT 0,
    cached_tokens    INTEGER NOT NULL DEFAULT 0,
    output_tokens    INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repo_id, cache_key, attempt),
    CHECK ((closed_at IS NULL) = (outcome IS NULL) AND (closed_at IS NULL) = (cost IS NULL))
) STRICT;
CREATE INDEX ledger_reserved ON ledger (reserved_at, reserved, cost);
CREATE INDEX ledger_closed ON ledger (closed_at);
-- One request for a key at a time, whichever repository asks: a second one would pay twice for one result.
CREATE UNIQUE INDEX ledger_open ON ledger (cache_key) WHERE closed_at IS NULL;

CREATE TRIGGER ledger_keeps BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger forgets nothing'); END;
CREATE TRIGGER ledger_closes_once BEFORE UPDATE ON ledger WHEN OLD.closed_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'this entry of the ledger is closed'); END;

-- Why a job is parked; `not_before` is when it may run again by itself.
ALTER TABLE jobs ADD COLUMN parked_for TEXT;
CREATE INDEX jobs_parked ON jobs (not_before) WHERE state = 'parked';
