use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, KOI8_R, SHIFT_JIS, WINDOWS_1251};

use super::*;

/// xorshift64 (Marsaglia 2003): the same on every machine.
fn roll(state: &mut u64, sides: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % sides as u64) as usize
}

const LATIN: &str = "\u{e9}\u{e8}\u{fc}\u{f6}\u{e4}\u{df}\u{f1}\u{e7}\u{e0}\u{f8}\u{e5}\u{e6}";
const LATIN_START: [char; 2] = ['\u{e9}', '\u{20ac}'];
const JAPANESE: &str = "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{6ce8}\u{91c8}\u{3067}\u{3059}\u{30ab}\u{30bf}\u{3002}";
const CHINESE: &str = "\u{4e2d}\u{6587}\u{6ce8}\u{91ca}\u{8bf4}\u{660e}\u{51fd}\u{6570}";
const TRADITIONAL: &str = "\u{7e41}\u{9ad4}\u{4e2d}\u{6587}\u{8a3b}\u{89e3}";
const KOREAN: &str = "\u{d55c}\u{ad6d}\u{c5b4}\u{c8fc}\u{c11d}\u{d568}\u{c218}";
const RUSSIAN: &str = "\u{440}\u{443}\u{441}\u{441}\u{43a}\u{438}\u{439}\u{442}\u{435}\u{43a}\u{441}\u{442}";
const THAI: &str = "\u{e20}\u{e32}\u{e29}\u{e32}\u{e44}\u{e17}\u{e22}";

/// Lines of code with comments whose words are of a script.
fn source(state: &mut u64, script: &str, line_end: &str) -> String {
    let letters: Vec<char> = script.chars().collect();
    let mut text = String::new();
    for line in 0..3 + roll(state, 40) {
        text.push_str(&format!("int function_{line}(int number) {{ return number + {line}; }} /* the "));
        for _ in 0..1 + roll(state, 3) {
            // In a word of a Latin script, letters of ASCII stand between the others.
            let between = if script.starts_with(LATIN_START) { "re" } else { "" };
            let word: String =
                (0..2 + roll(state, 5)).map(|_| format!("{}{between}", letters[roll(state, letters.len())])).collect();
            text.push_str(&format!("{word} of "));
        }
        text.push_str("all */");
        text.push_str(line_end);
    }
    text
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn utf32(text: &str, big: bool) -> Vec<u8> {
    text.chars().map(u32::from).flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let (bytes, _, has_errors) = encoding.encode(text);
    assert!(!has_errors, "{}: {text}", encoding.name());
    bytes.into_owned()
}

#[test]
fn random_texts_in_unicode_are_decoded_with_and_without_a_mark() {
    let mut state = 20_261_127;
    for round in 0..300 {
        let script = [LATIN, JAPANESE, CHINESE, KOREAN, RUSSIAN, THAI][round % 6];
        let text = source(&mut state, script, ["\n", "\r\n"][round % 2]);
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        for bytes in [
            text.clone().into_bytes(),
            marked(b"\xef\xbb\xbf", text.clone().into_bytes()),
            utf16(&text, false),
            utf16(&text, true),
            marked(b"\xff\xfe", utf16(&text, false)),
            marked(b"\xfe\xff", utf16(&text, true)),
            marked(b"\xff\xfe\0\0", utf32(&text, false)),
            marked(b"\0\0\xfe\xff", utf32(&text, true)),
        ] {
            assert_eq!(decode(bytes.clone()).as_deref(), Some(&*text), "{:?}", &bytes[..40]);
        }
    }
}

#[test]
fn random_texts_in_western_encodings_need_no_declaration() {
    let mut state = 7;
    for round in 0..300 {
        let script = [LATIN, "\u{e9}", "\u{20ac}\u{2018}\u{2019}\u{201c}\u{201d}\u{2026}\u{e9}"][round % 3];
        let text = source(&mut state, script, ["\n", "\r\n"][round % 2]);
        assert_eq!(decode(encoded(WINDOWS_1252, &text)).as_deref(), Some(&*text));
    }
}

#[test]
fn random_texts_are_decoded_as_their_cookie_says() {
    let mut state = 99;
    for (encoding, names, script) in [
        (SHIFT_JIS, &["shift_jis", "sjis", "cp932", "shift-jis-dos"][..], JAPANESE),
        (EUC_JP, &["euc-jp", "euc_jp", "eucjp"], JAPANESE),
        (ISO_2022_JP, &["iso-2022-jp"], JAPANESE),
        (GB18030, &["gb18030"], CHINESE),
        (BIG5, &["big5", "cp950"], TRADITIONAL),
        (EUC_KR, &["euc-kr", "cp949"], KOREAN),
        (KOI8_R, &["koi8-r", "koi8r-unix"], RUSSIAN),
        (WINDOWS_1251, &["cp1251", "windows-1251"], RUSSIAN),
        (WINDOWS_1252, &["latin-1", "latin1", "iso-8859-1"], LATIN),
    ] {
        for name in names {
            let cookies = [
                format!("# -*- coding: {name} -*-\n"),
                format!("#!/usr/bin/python\n# coding={name}\n"),
                format!("// vim: set fileencoding={name} :\n"),
                format!("<?xml version=\"1.0\" encoding=\"{name}\"?>\n"),
            ];
            for cookie in cookies {
                let body = source(&mut state, script, "\n");
                let text = format!("{cookie}{body}");
                assert_eq!(decode(encoded(encoding, &text)).as_deref(), Some(&*text), "{cookie}");
                let at_end = format!("{body}{cookie}");
                assert_eq!(decode(encoded(encoding, &at_end)).as_deref(), Some(&*at_end), "at the end: {cookie}");
            }
        }
    }
}

#[test]
fn a_longer_text_in_another_script_is_known_by_its_shape() {
    let mut state = 5;
    for (encoding, script) in [
        (SHIFT_JIS, JAPANESE),
        (EUC_JP, JAPANESE),
        (BIG5, TRADITIONAL),
        (EUC_KR, KOREAN),
        (WINDOWS_1251, "\u{440}\u{443}\u{441}"),
    ] {
        // Real words: the guess goes by which letters follow each other.
        let words = match encoding.name() {
            "Shift_JIS" | "EUC-JP" => {
                "\u{3053}\u{306e}\u{95a2}\u{6570}\u{306f}\u{6570}\u{3092}\u{8db3}\u{3057}\u{307e}\u{3059}"
            }
            "Big5" => "\u{9019}\u{500b}\u{51fd}\u{6578}\u{8a08}\u{7b97}\u{7e3d}\u{548c}\u{4e26}\u{50b3}\u{56de}",
            "EUC-KR" => {
                "\u{c774} \u{d568}\u{c218}\u{b294} \u{d569}\u{acc4}\u{b97c} \u{acc4}\u{c0b0}\u{d569}\u{b2c8}\u{b2e4}"
            }
            _ => {
                "\u{44d}\u{442}\u{430} \u{444}\u{443}\u{43d}\u{43a}\u{446}\u{438}\u{44f} \u{441}\u{43a}\u{43b}\u{430}\u{434}\u{44b}\u{432}\u{430}\u{435}\u{442}"
            }
        };
        let lines = 5 + roll(&mut state, 20);
        let text: String = (0..lines).map(|line| format!("int f{line}(void); /* {words} */\n")).collect();
        assert!(!script.is_empty());
        assert_eq!(decode(encoded(encoding, &text)).as_deref(), Some(&*text), "{}", encoding.name());
    }
}

#[test]
fn what_is_no_text_stays_binary() {
    let mut state = 3;
    let heads: [&[u8]; 7] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\x7fELF\x02\x01\x01\0",
        b"PK\x03\x04\x14\0\0\0",
        b"\x1f\x8b\x08\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"\0asm\x01\0\0\0",
        b"",
    ];
    for round in 0..600 {
        let random: Vec<u8> = (0..200 + roll(&mut state, 3_000)).map(|_| roll(&mut state, 256) as u8).collect();
        let bytes = [heads[round % heads.len()], &random].concat();
        assert_eq!(decode(bytes), None, "round {round}");
        // Random numbers of 16 bits that are small: what a table of sounds looks like.
        let sounds: Vec<u8> = (0..400).flat_map(|_| (roll(&mut state, 600) as u16).to_le_bytes()).collect();
        assert_eq!(decode(sounds), None, "round {round}");
    }
}

#[test]
fn no_bytes_bring_it_down() {
    let mut state = 11;
    for round in 0..20_000 {
        let longest = if round % 100 == 0 { 5_000 } else { 24 };
        let mut bytes: Vec<u8> = (0..roll(&mut state, longest)).map(|_| roll(&mut state, 256) as u8).collect();
        let marks: [&[u8]; 6] = [b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"# coding: sjis\n"];
        bytes.splice(0..0, marks[roll(&mut state, marks.len())].iter().copied());
        let names = ["UTF-16", "utf16le", "UTF-32", "SJIS", "latin-1", "GB18030", "ISO-2022-JP", "ASCII", "x-none", ""];
        let _ = of_work_tree(&bytes, names[roll(&mut state, names.len())].as_bytes());
        let _ = decode(bytes);
    }
}

#[test]
fn lines_are_those_that_editors_count() {
    let lines = |bytes: &[u8]| decode(bytes.to_vec()).unwrap().lines().count();
    assert_eq!(lines(b"one\r\ntwo\r\nthree"), 3);
    assert_eq!(lines(b"one\rtwo\rthree\r"), 3, "a classic Mac's");
    assert_eq!(lines(b"one\rstill\ntwo\n"), 2, "a lone CR among line feeds ends no line");
    // U+0085 as text and as a byte of Windows-1252, where it is three dots; U+2028.
    assert_eq!(lines("one \u{85} one\ntwo \u{2028} two\n".as_bytes()), 2);
    assert_eq!(decode(b"caf\xe9 \x85\nb\n".to_vec()).unwrap(), "caf\u{e9} \u{2026}\nb\n");
    assert_eq!(lines(&utf16("one\r\ntwo\u{10a}\u{a0d}\r\n", false)), 2, "bytes of a character are no line ends");
}

#[test]
fn a_declared_encoding_that_does_not_fit_is_not_believed() {
    assert_eq!(decode("# coding: latin-1\n# caf\u{e9}\n".into()).unwrap(), "# coding: latin-1\n# caf\u{e9}\n");
    assert_eq!(decode(b"# coding: utf-8\n# caf\xe9\n".to_vec()).unwrap(), "# coding: utf-8\n# caf\u{e9}\n");
    assert_eq!(decode(b"# coding: no-such\n# caf\xe9\n".to_vec()).unwrap(), "# coding: no-such\n# caf\u{e9}\n");
}

#[test]
fn a_working_tree_encoding_is_read_as_git_reads_it() {
    let utf8 = |text: &str| Reencoded::Utf8(text.as_bytes().to_vec());
    assert_eq!(of_work_tree(b"\xff\xfea\0", b"UTF-16"), utf8("a"));
    assert_eq!(of_work_tree(b"a\0", b"UTF-16"), Reencoded::AsIs, "Git wants a mark");
    assert_eq!(of_work_tree(b"a\0", b"utf16le"), utf8("a"));
    assert_eq!(of_work_tree(b"\xff\xfea\0", b"UTF-16LE"), Reencoded::AsIs, "Git wants none");
    assert_eq!(of_work_tree(b"\xff\xfea\0", b"UTF-16LE-BOM"), utf8("a"));
    assert_eq!(of_work_tree(b"a\0\0\0", b"UTF-32LE"), utf8("a"));
    assert_eq!(of_work_tree(b"\x80\xe9", b"ISO-8859-1"), utf8("\u{80}\u{e9}"), "no Windows-1252");
    assert_eq!(of_work_tree(b"\x80\xe9", b"CP1252"), utf8("\u{20ac}\u{e9}"));
    assert_eq!(of_work_tree(b"\x93\xfa", b"SHIFT-JIS"), utf8("\u{65e5}"));
    assert_eq!(of_work_tree(b"a", b"UTF-8"), Reencoded::AsIs);
    assert_eq!(of_work_tree(b"a", b"IBM037"), Reencoded::Unknown);
}
