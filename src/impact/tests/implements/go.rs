//! Types of Go implement the interfaces whose methods they have, without naming them.

use super::*;

const GO: &[(&str, &str)] = &[
    ("go.mod", "module m\n"),
    (
        "store/store.go",
        "package store\n\nimport \"m/row\"\n\ntype Closer interface{ Close() error }\n\ntype Store interface {\n\tCloser\n\tSave(ctx context.Context, one *row.Row) (int, error)\n}\n",
    ),
    ("row/row.go", "package row\n\ntype Row struct{}\n\nfunc (r Row) Close() {}\n"),
    (
        "sql/sql.go",
        "package sql\n\ntype base struct{}\n\ntype Sql struct{ base }\n\nfunc (b *base) Close() error { return nil }\n",
    ),
    (
        "sql/save.go",
        "package sql\n\nimport \"m/row\"\n\nfunc (s *Sql) Save(c context.Context, r *row.Row) (int, error) { return 1, nil }\n",
    ),
    (
        "service/service.go",
        "package service\n\nimport (\n\t\"m/row\"\n\t\"m/store\"\n)\n\nfunc Run(s store.Store) { s.Save(nil, &row.Row{}) }\n",
    ),
    (
        "other/other.go",
        "package other\n\ntype Row struct{}\n\ntype Alike struct{}\n\nfunc (a Alike) Close() error { return nil }\n\nfunc (a Alike) Save(c context.Context, r *Row) (int, error) { return 1, nil }\n",
    ),
];

#[test]
fn a_go_interface_leads_to_what_has_its_methods() {
    assert_links(
        GO,
        &[
            "store/store.go Closer -> other/other.go Alike",
            "store/store.go Closer -> sql/sql.go Sql",
            "store/store.go Closer -> sql/sql.go base",
            "store/store.go Closer.Close -> other/other.go Alike.Close",
            "store/store.go Closer.Close -> sql/sql.go base.Close",
            "store/store.go Store -> sql/sql.go Sql",
            "store/store.go Store.Save -> sql/save.go Sql.Save",
        ],
    );
    assert_eq!(callers(GO, "sql/save.go", "Sql.Save"), one("service/service.go", true));
    assert_eq!(callers(GO, "other/other.go", "Alike.Save"), [], "another row makes another method");
}
