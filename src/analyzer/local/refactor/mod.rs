//! Code smells. Every limit is a named constant with its source; what is over twice its limit is an error, else a warning.

mod functions;
mod plain;

use super::source::SourceFile;
use crate::analyzer::RefactorReport;

pub fn report(source: &SourceFile) -> RefactorReport {
    let mut seen = source.seen(true);
    let mut smells = Vec::new();
    match &source.code {
        Some(code) => {
            functions::find(&code.functions, &mut smells);
            smells.extend(code.smells.iter().cloned());
            if let Some(unjudged) = code.unjudged {
                seen.not_covered.push(unjudged.to_owned());
                plain::find_in_lines(source, &mut smells);
            }
        }
        None => plain::find(source, &mut seen, &mut smells),
    }
    smells.sort_by(|a, b| {
        (a.start_line, a.end_line, a.kind, &a.message).cmp(&(b.start_line, b.end_line, b.kind, &b.message))
    });
    RefactorReport { seen, smells }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{FileSubject, Metric, Severity, Smell, SmellKind};
    use crate::domain::{Language, Role};

    pub fn smells_as(language: Language, role: Role, text: &str) -> Vec<Smell> {
        report(&SourceFile::read(FileSubject { language, role, text, uses: &[] }).unwrap()).smells
    }

    fn kinds(text: &str) -> Vec<SmellKind> {
        smells_as(Language::RUST, Role::Library, text).into_iter().map(|s| s.kind).collect()
    }

    #[test]
    fn tidy_code_smells_of_nothing() {
        assert_eq!(kinds(include_str!("../maintainability.rs")), []);
        assert_eq!(kinds(""), []);
    }

    #[test]
    fn long_functions() {
        let body = |n: usize| format!("fn f() {{\n{}}}\n", "    a();\n\n    // b\n".repeat(n));
        assert_eq!(kinds(&body(98)), []);
        let found = smells_as(Language::RUST, Role::Library, &body(99));
        assert_eq!((found[0].kind, found[0].severity), (SmellKind::LongFunction, Severity::Warning));
        assert_eq!(found[0].metric, Some(Metric { value: 101, limit: 100 }));
        assert_eq!(smells_as(Language::RUST, Role::Library, &body(300))[0].severity, Severity::Error);
        let test = format!("#[test]\n{}", body(300));
        assert_eq!(smells_as(Language::RUST, Role::Library, &test)[0].severity, Severity::Info);
    }

    #[test]
    fn deep_nesting_many_parameters_and_flags() {
        assert_eq!(
            kinds("fn f() { if a { for b in c { while d { match e { _ => if g {} } } } } }"),
            [SmellKind::DeepNesting]
        );
        assert_eq!(
            kinds("fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8, h: u8, i: u8) {}"),
            [SmellKind::ManyParameters]
        );
        assert_eq!(kinds("fn f(a: bool, b: bool) {}"), [SmellKind::BoolParameters]);
        assert_eq!(kinds("impl T for S { fn f(a: bool, b: bool) {} }"), []);
        assert_eq!(kinds("fn f(a: bool, b: u8) {}"), []);
    }

    #[test]
    fn panics_outside_tests() {
        let text = "fn f() { a.unwrap(); b.unwrap(); c.expect(\"d\"); }";
        assert_eq!(kinds(text), [SmellKind::Panics]);
        assert_eq!(smells_as(Language::RUST, Role::Test, text), []);
        assert_eq!(kinds(&format!("#[cfg(test)] mod tests {{ {text} }}")), []);
        assert_eq!(kinds("fn f() { a.unwrap(); } fn g() { todo!() }"), [SmellKind::Unfinished]);
        let spread = smells_as(
            Language::RUST,
            Role::Library,
            "fn f() { a.unwrap(); }\nfn g() { a.unwrap(); }\nfn h() { a.unwrap(); }\n",
        );
        assert_eq!((spread.len(), spread[0].severity), (1, Severity::Info));
        assert!(spread[0].message.contains("lines 1, 2, 3"), "{}", spread[0].message);
    }

    #[test]
    fn errors_dropped_without_a_word() {
        assert_eq!(kinds("fn f() { match a { Ok(b) => b(), Err(_) => {} } }"), [SmellKind::SwallowedErrors]);
        assert_eq!(kinds("fn f() { a.ok(); }"), [SmellKind::SwallowedErrors]);
        assert_eq!(kinds("fn f() { match a { Ok(b) => b(), Err(_) => { /* gone already */ } } let c = a.ok(); }"), []);
    }

    #[test]
    fn bodies_that_differ_in_local_names_only() {
        let body = |name: &str, local: &str, call: &str| {
            format!(
                "fn {name}({local}: &str) -> Option<u8> {{\n    let mut sum_{local} = 0;\n    for part in {local}.split(',') {{\n        if part.is_empty() {{\n            continue;\n        }}\n        sum_{local} += {call}(part.trim(), 10)?;\n    }}\n    Some(sum_{local}.min(100).max(1))\n}}\n"
            )
        };
        let twice = body("f", "a", "parse") + &body("g", "b", "parse");
        let found = smells_as(Language::RUST, Role::Library, &twice);
        assert_eq!(found.iter().map(|s| s.kind).collect::<Vec<_>>(), [SmellKind::DuplicateBody]);
        assert!(found[0].message.contains("`f`"), "{}", found[0].message);
        assert_eq!(kinds(&(body("f", "a", "parse") + &body("g", "b", "read"))), []);
    }

    #[test]
    fn needless_bool_and_unsafe_without_reason() {
        assert_eq!(kinds("fn f() -> bool { if a { true } else { false } }"), [SmellKind::NeedlessBool]);
        assert_eq!(kinds("fn f() -> bool { if a { true } else if b { true } else { false } }"), []);
        assert_eq!(kinds("fn f() { unsafe { g() } }"), [SmellKind::UndocumentedUnsafe]);
        assert_eq!(kinds("fn f() {\n    // SAFETY: g is\n    // fine.\n    let a = unsafe { g() };\n}"), []);
        assert_eq!(kinds("fn f() {\n    // SAFETY: fine.\n    let a =\n        unsafe { g() };\n}"), []);
    }

    #[test]
    fn large_shapes() {
        let fields: String = (0..16).map(|n| format!("a{n}: u8,")).collect();
        assert_eq!(kinds(&format!("struct S {{ {fields} }}")), [SmellKind::LargeStruct]);
        let methods: String = (0..36).map(|n| format!("fn a{n}() {{}}\n")).collect();
        assert_eq!(kinds(&format!("impl S {{ {methods} }}")), [SmellKind::LargeImpl]);
        assert_eq!(kinds(&format!("impl T for S {{ {methods} }}")), []);
        assert_eq!(kinds(&"const A: u8 = 1;\n".repeat(1001)), [SmellKind::LargeFile]);
        assert_eq!(kinds(&format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 1;\n".repeat(1001))), []);
        let arms: String = (0..31).map(|n| format!("{n} => {{ a() }}\n")).collect();
        assert!(kinds(&format!("fn f() {{ match a {{ {arms} }} }}")).contains(&SmellKind::LongMatch));
    }

    #[test]
    fn other_languages_are_looked_at_by_shape() {
        let of = |language, text: &str| {
            smells_as(language, Role::Library, text).into_iter().map(|s| s.kind).collect::<Vec<_>>()
        };
        let deep: String = (0..9).map(|n| format!("{}if a{n}:\n", "  ".repeat(n))).collect();
        assert_eq!(of(Language::FISH, &deep), [SmellKind::DeepIndentation]);
        assert_eq!(of(Language::GO, &"a()\n".repeat(1001)), [SmellKind::LargeFile]);
        assert_eq!(of(Language::GO, &format!("// {}\n", "x".repeat(120))), [SmellKind::LongLines]);
        assert_eq!(of(Language::MARKDOWN, &"x".repeat(500)), []);
        let source =
            SourceFile::read(FileSubject { language: Language::JSON, role: Role::Library, text: "{}", uses: &[] })
                .unwrap();
        assert!(!report(&source).seen.is_whole());
    }
}
