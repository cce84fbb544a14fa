-- Which class implements which interface, member by member where both sides have it. Every file is resolved again after this.
CREATE TABLE implementations (
    interface_file      BLOB NOT NULL,
    interface           TEXT NOT NULL,           -- a symbol of interface_file
    implementation_file BLOB NOT NULL,
    implementation      TEXT NOT NULL,
    declared_in         BLOB NOT NULL,           -- the file that makes the link
    repo_id             TEXT NOT NULL,
    PRIMARY KEY (declared_in, interface_file, interface, implementation_file, implementation)
) STRICT, WITHOUT ROWID;
CREATE INDEX implementations_interface ON implementations (interface_file);
CREATE INDEX implementations_implementation ON implementations (implementation_file);
