//! The text as a grammar can read it. Macros may stand where no grammar allows a word, and conditions may cut a declaration in two. Such
//! places are blanked, byte for byte, so that all positions stay those of the file, and what stands around them is read.

mod attributes;
mod conditions;
mod token;

use token::{Token, TokenKind};

use crate::language::syntax::TextReading;

/// C, or a header. A header's name does not say whether it is one of C++; its text does ([`is_cpp`]).
pub(super) fn c(text: &str) -> TextReading {
    let tokens = token::scan(text);
    let is_cpp = is_cpp(text, &tokens);
    let language = if is_cpp { super::cpp_grammar } else { super::c_grammar };
    TextReading { language: Some(language), text: masked(text, tokens, is_cpp) }
}

pub(super) fn cpp(text: &str) -> TextReading {
    TextReading { language: Some(super::cpp_grammar), text: masked(text, token::scan(text), true) }
}

/// Whether a text says something that only C++ has. A grammar of C++ reads C as well, but for names like `class` and `new`.
fn is_cpp(text: &str, tokens: &[Token]) -> bool {
    let code: Vec<&Token> = tokens.iter().filter(|token| token.kind != TokenKind::Directive).collect();
    let word = |at: usize| code.get(at).filter(|one| one.kind == TokenKind::Word).map_or("", |one| one.text(text));
    let sign = |at: usize| code.get(at).map_or(0, |one| one.sign());
    let says_cpp = |at: usize| match word(at) {
        "namespace" => !word(at + 1).is_empty() || sign(at + 1) == b'{',
        "template" => sign(at + 1) == b'<',
        "class" => !word(at + 1).is_empty() && matches!(sign(at + 2), b'{' | b':' | b';' | 0),
        "public" | "private" | "protected" => sign(at + 1) == b':' && sign(at + 2) != b':',
        "virtual" => !word(at + 1).is_empty() || sign(at + 1) == b'~',
        "constexpr" | "static_cast" | "reinterpret_cast" | "noexcept" => true,
        _ => {
            let is_scope = sign(at) == b':' && sign(at + 1) == b':';
            is_scope && code.get(at + 1).zip(code.get(at)).is_some_and(|(next, this)| next.start == this.end)
        }
    };
    (0..code.len()).any(says_cpp)
}

/// The text with blanks for what no grammar reads; `None` if there is nothing of the kind.
fn masked(text: &str, tokens: Vec<Token>, is_cpp: bool) -> Option<String> {
    let mut mask = Mask { bytes: text.as_bytes().to_vec(), is_changed: false };
    let tokens = conditions::resolve(text, tokens, &mut mask);
    attributes::blank(text, &tokens, is_cpp, &mut mask);
    mask.is_changed.then(|| String::from_utf8(mask.bytes).ok()).flatten()
}

/// A text that is changed in place.
struct Mask {
    bytes: Vec<u8>,
    is_changed: bool,
}

impl Mask {
    /// Leaves nothing of a stretch but its lines.
    fn blank(&mut self, start: usize, end: usize) {
        for byte in self.bytes.get_mut(start..end).unwrap_or_default() {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = b' ';
                self.is_changed = true;
            }
        }
    }

    /// Ends a statement between two places, if there is room.
    fn put_semicolon(&mut self, start: usize, end: usize) {
        let room = self.bytes.get_mut(start..end).and_then(|between| between.first_mut());
        if let Some(place) = room.filter(|byte| matches!(**byte, b' ' | b'\t')) {
            *place = b';';
            self.is_changed = true;
        }
    }

    /// Puts a type that stands for any in the place of a stretch.
    fn put_type(&mut self, start: usize, end: usize) {
        self.blank(start, end);
        if let Some(place) = self.bytes.get_mut(start..end).and_then(|stretch| stretch.get_mut(..3)) {
            place.copy_from_slice(b"int");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let read = cpp(text).text.unwrap_or_else(|| text.to_owned());
        assert_eq!(read.len(), text.len());
        assert_eq!(read.matches('\n').count(), text.matches('\n').count());
        read.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_condition_that_cuts_a_declaration_keeps_one_branch() {
        for (text, expected) in [
            ("#if HAS_INCLUDE(<a/b.h>) && \\\n  X(1)\nint a;\n#endif\n", "#if HAS_INCLUDE( ) && \\ X(1) int a; #endif"),
            ("#ifdef A\nint f(int a) {\n#else\nint f(long a) {\n#endif\n}\n", "int f(int a) { }"),
            ("int f(int a\n#ifdef A\n, int b\n#endif\n);\n", "int f(int a , int b );"),
            ("#if 0\nint f( {\n#endif\nint g;\n", "int g;"),
            (
                "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint f;\n#ifdef __cplusplus\n}\n#endif\n",
                "extern \"C\" { int f; }",
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for whole in ["#ifdef A int a; #else int b; #endif", "enum { #ifdef A B, #endif C };"] {
            let text =
                whole.replace('#', "\n#").replace("A ", "A\n").replace("else ", "else\n").replace("endif ", "endif\n");
            assert!(cpp(&text).text.is_none(), "{text}");
        }
    }

    #[test]
    fn macros_where_no_word_may_stand_are_blanked() {
        for (text, expected) in [
            ("class FMT_API error : public base {};\n", "class error : public base {};"),
            ("LIB_EXPORT int f(void);\n", "int f(void);"),
            ("LIB_EXPORT Foo *f(void) ATTR_PRINTF(1, 2);\n", "Foo *f(void) ;"),
            ("LIB_DEPRECATED(\"x\") int f(void);\n", "int f(void);"),
            ("FMT_BEGIN_NAMESPACE\nint a;\nFMT_END_NAMESPACE\n", "int a;"),
            ("BOOL WINAPI f(int a);\n", "BOOL f(int a);"),
            ("TAILQ_HEAD(clients, client) all;\n", "int all;"),
            ("void f() const FMT_NOEXCEPT { a; }\n", "void f() const { a; }"),
            ("FILE *f; DIR d; BOOL\nf(void) { }\n", "FILE *f; DIR d; BOOL f(void) { }"),
            ("TEST(Foo, Bar) { FAIL(); }\n", "TEST(Foo, Bar) { FAIL(); }"),
            ("void f() { if (a) RETURN(1); DEBUG(x) y(); }\n", "void f() { if (a) RETURN(1); DEBUG(x) y(); }"),
            ("void f() { EACH(x, all) { g(x); } for (;;) { } }\n", "void f() { EACH(x, all);{ g(x); } for (;;) { } }"),
            ("enum e { A, KEY(UP), KEY(DOWN), B };\n", "enum e { A, B };"),
            ("local int f OF((int a, Foo FAR *b));\n", "int f (int a, Foo *b) ;"),
            (
                "static void printflike(1, 2)\nlog_it(__unused struct a *b, const char *c);\n",
                "static void log_it( struct a *b, const char *c);",
            ),
            ("local Bytes f(int a);\n", "Bytes f(int a);"),
            (
                "class A { NORETURN ~A(); Foo operator*(int a) const; unsigned x; };\n",
                "class A { ~A(); Foo operator*(int a) const; unsigned x; };",
            ),
            ("int a = LIMIT * 2; Foo b = { BAR baz };\n", "int a = LIMIT * 2; Foo b = { BAR baz };"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_macro_leaves_the_type_that_it_holds() {
        for (text, expected) in [
            ("CJSON_PUBLIC(cJSON *) cJSON_Parse(const char *a);\n", "cJSON * cJSON_Parse(const char *a);"),
            ("API(result) f(int a)\n{ return a; }\n", "result f(int a) { return a; }"),
            ("API(const struct s *) f(void);\n", "const struct s * f(void);"),
            ("API(T) *f(void);\n", "T *f(void);"),
            ("API(std::string) f();\n", "std::string f();"),
            ("API(std::map<a, b>) A::f() { }\n", "std::map<a, b> A::f() { }"),
            ("API(int) WINAPI f(int a);\n", "int f(int a);"),
            ("API(int) MAIN(int a);\n", "int MAIN(int a);"),
            ("API(int) NOINLINE(x) f(int a);\n", "int f(int a);"),
            ("EXTERN(void) f JPP((int a));\n", "void f (int a) ;"),
            ("GLOBAL(void)\nf (int a)\n{ }\nLOCAL(kind)\ng (int a)\n{ }\n", "void f (int a) { } kind g (int a) { }"),
            ("static INLINE(int) f() { }\n", "static int f() { }"),
            ("extern \"C\" API(int) f(int a);\n", "extern \"C\" int f(int a);"),
            ("LIB_EXPORT API(int) f(int a);\n", "int f(int a);"),
            ("Api(int) f(int a);\n", "int f(int a);"),
            ("API(a, b) f(int a);\n", "int f(int a);"),
            ("API(unsigned long) a; DECLARE(T) x;\n", "unsigned long a; int x;"),
            ("int API(f)(int a);\n", "int f (int a);"),
            ("EXPORT(1, kind, f, (void));\n", "kind f (void) ;"),
            ("class A { MOCK(int, f, (int a), (const)); };\n", "class A { int f (int a) ; };"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn macros_for_attributes_leave_nothing() {
        for (text, expected) in [
            ("FORMAT(printf, 1, 2) int f(const char *a, ...);\n", "int f(const char *a, ...);"),
            ("NONNULL(1) void f(T *a);\n", "void f(T *a);"),
            ("MACRO(a) FILE *f(void); MACRO(a) FILE f(void);\n", "FILE *f(void); FILE f(void);"),
            ("LIB_EXPORT LIB_OLD(\"x\") T f(void);\n", "T f(void);"),
            ("static CHECKED(1, 2) void f(void);\n", "static void f(void);"),
            ("class A { OLD(a) A(int a); API(int) f(int a); };\n", "class A { A(int a); int f(int a); };"),
            ("class A { PROPERTY(int)\nA(int a); };\n", "class A { A(int a); };"),
            ("OLD(a) A::A(int a) { }\n", "A::A(int a) { }"),
            ("MAKE(int)\nMAKE(long)\nint a;\n", "int a;"),
            ("class A { A(int) EMPTY; };\n", "class A { A(int) ; };"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for whole in ["TEST(Foo, Bar) { }\n", "ENTRY(a, b, c);\n", "static LIST(a);\n"] {
            assert!(cpp(whole).text.is_none(), "{whole}");
        }
    }

    #[test]
    fn a_header_is_read_as_what_it_says() {
        let is_cpp_header = |text: &str| is_cpp(text, &token::scan(text));
        for text in [
            "class A;",
            "namespace a {",
            "std::string f();",
            "template <class T> T f();",
            "struct A { public: int a; };",
        ] {
            assert!(is_cpp_header(text), "{text}");
        }
        for text in [
            "struct s { int class; int new; };",
            "#ifdef __cplusplus\nextern \"C\" {\n#endif",
            "int a = b ? c : d; // std::string",
            "const char *s = \"class A;\";",
            "struct client *class, *private;",
        ] {
            assert!(!is_cpp_header(text), "{text}");
        }
    }
}
