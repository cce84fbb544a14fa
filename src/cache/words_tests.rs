use rusqlite::Connection;

use super::*;

/// Texts as the index has them.
struct Indexed(Connection);

impl Indexed {
    fn new(texts: &[&str]) -> Self {
        let db = Connection::open_in_memory().unwrap();
        let migration = include_str!("../../migrations/analysis/0009_words_of_our_own.sql");
        let table = migration.lines().find(|line| line.starts_with("CREATE VIRTUAL TABLE")).unwrap();
        db.execute_batch(table).unwrap();
        for (nth, text) in texts.iter().enumerate() {
            let body = indexed(text);
            db.execute("INSERT INTO chunk_text (rowid, name, path, body) VALUES (?1, '', '', ?2)", (nth, body))
                .unwrap();
        }
        Self(db)
    }

    /// Which of the texts an expression matches.
    fn holding(&self, expression: &str) -> Vec<usize> {
        let sql = "SELECT rowid FROM chunk_text WHERE chunk_text MATCH ?1 ORDER BY rowid";
        let mut rows = self.0.prepare_cached(sql).unwrap();
        rows.query_map([expression], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn finds(&self, query: &str) -> bool {
        any_of(query).is_some_and(|expression| self.holding(&expression) == [0])
    }
}

fn finds(text: &str, query: &str) -> bool {
    Indexed::new(&[text]).finds(query)
}

fn holds(texts: &[&str], expression: &str) -> Vec<usize> {
    Indexed::new(texts).holding(expression)
}

#[test]
fn identifiers_are_found_whole_and_by_their_parts() {
    assert_eq!(indexed("HTTPServer2::retry_limit(x)"), "httpserver2 http server 2 retrylimit retry limit x ");
    assert_eq!(indexed("__ // —"), "");
    assert_eq!(name_parts("Store::open_writer, MaxRetries<T>"), ["store", "open", "writer", "max", "retries", "t"]);
}

#[test]
fn only_telling_words_are_looked_for_if_there_are_any() {
    assert_eq!(any_of("where is the retry of a request?").unwrap(), "\"request\" OR \"retry\"");
    assert_eq!(any_of("what is it").unwrap(), "\"is\" OR \"it\" OR \"what\"");
    assert_eq!(any_of(" ?"), None);
}

#[test]
fn a_run_without_spaces_is_found_by_every_stretch_of_it() {
    assert_eq!(indexed("API接口 v2"), "api 接口 口 v2 v 2 ");
    let texts = [
        "当上游服务返回错误时，按照指数退避的方式重新发起请求。",
        "セッションの有効期限が切れたらログアウトさせる",
        "결제가실패하면주문을취소한다",
        "คำนวณภาษีมูลค่าเพิ่มสำหรับรายการสั่งซื้อ",
        "ຄຳນວນພາສີມູນຄ່າເພີ່ມ",
        "គណនាពន្ធលើតម្លៃបន្ថែម",
        "ကုန်ပစ္စည်းတန်ဖိုးကိုတွက်ချက်သည်",
        "བོད་ཡིག་གི་ཚིག་གྲུབ",
    ];
    for text in texts {
        let chars: Vec<char> = text.chars().collect();
        let index = Indexed::new(&[text]);
        for start in 0..chars.len() {
            for end in start + 1..=chars.len().min(start + 6) {
                let stretch: String = chars[start..end].iter().collect();
                // A mark alone is no word that anybody looks for.
                if asked(&stretch).is_empty() || is_combining_mark(chars[start]) {
                    continue;
                }
                assert!(index.finds(&stretch), "{stretch} of {text}: {} {:?}", indexed(text), any_of(&stretch));
            }
        }
    }
}

#[test]
fn a_run_matches_as_a_phrase_only_where_it_stands_so() {
    let texts = ["指数退避的方式", "退避方式的指数", "的方式指数退避"];
    assert_eq!(holds(&texts, &phrase_of("指数退避").unwrap()), [0, 2]);
    assert_eq!(holds(&texts, &phrase_of("退避的方式").unwrap()), [0]);
    assert_eq!(phrase_of("指数"), None);
    assert_eq!(holds(&["retry the API 接口说明 now"], &phrase_of("the API 接口说明").unwrap()), [0]);
    assert_eq!(phrase_of("retry limit"), None);
    assert_eq!(phrase_of("retry limit now").unwrap(), "\"retry limit now\"");
}

/// A word as it may be written, and as it may be looked for.
const SAME: &[(&str, &str)] = &[
    ("größe", "GRÖSSE"),
    ("Größe", "grosse"),
    ("naïve café", "naive"),
    ("tiếng Việt", "tieng"),
    ("Łódź", "lodz"),
    ("İstanbul", "istanbul"),
    ("ışık", "IŞIK"),
    ("Ærø", "aero"),
    ("ΑΛΓΌΡΙΘΜΟΣ", "αλγόριθμος"),
    ("ёлка", "елка"),
    ("ОШИБКА", "ошибка"),
    ("مَرْحَبًا", "مرحبا"),
    ("أحمد", "احمد"),
    ("کتاب", "كتاب"),
    ("שָׁלוֹם", "שלום"),
    ("नमस्ते", "नमस्ते"),
    ("ｈａｌｆ", "half"),
    ("ＡＰＩ２", "api2"),
    ("ﾊﾝｶｸ", "ハンカク"),
    ("ｶﾞｲﾄﾞ", "ガイド"),
    ("㌔", "キロ"),
    ("zero\u{200b}width", "zerowidth"),
    ("soft\u{ad}hyphen", "softhyphen"),
    ("größeBerechnen", "berechnen"),
    ("größe_berechnen", "größeBerechnen"),
    ("вычислитьСумму", "сумму"),
    ("计算Total", "total"),
    ("计算_总价", "总价"),
    ("用户Id", "用户"),
];

#[test]
fn a_word_is_found_however_it_is_written() {
    for (written, asked) in SAME {
        assert!(finds(written, asked), "{asked} in {written}: {:?} in {}", any_of(asked), indexed(written));
        for text in [written, asked] {
            let (nfc, nfd): (String, String) = (text.nfc().collect(), text.nfd().collect());
            assert_eq!(indexed(&nfc), indexed(&nfd), "{text}");
            assert_eq!(folded(&nfc), folded(&nfd), "{text}");
        }
    }
    for (written, other) in [("नमस्ते", "नमक"), ("मेला", "माला"), ("指数", "数指"), ("가나", "나가")]
    {
        assert!(!finds(written, other), "{other} in {written}");
    }
}

/// First and last letter of a script, and whether it puts spaces between words.
const SCRIPTS: &[(u32, u32)] = &[
    (0x61, 0x7a),
    (0xdf, 0x24f),
    (0x3b1, 0x3c9),
    (0x430, 0x45f),
    (0x561, 0x586),
    (0x5d0, 0x5ea),
    (0x620, 0x64a),
    (0x904, 0x94d),
    (0xb85, 0xbd7),
    (0xe01, 0xe4e),
    (0xe81, 0xec4),
    (0xf40, 0xfbc),
    (0x1000, 0x103f),
    (0x10d0, 0x10fa),
    (0x1200, 0x1357),
    (0x1780, 0x17d3),
    (0x3041, 0x3096),
    (0x30a1, 0x30fa),
    (0x4e00, 0x9fff),
    (0xac00, 0xd7a3),
    (0xff21, 0xff9d),
];

fn word(script: (u32, u32), length: usize, random: &mut impl FnMut(u32) -> u32) -> String {
    (0..length).filter_map(|_| char::from_u32(script.0 + random(script.1 - script.0 + 1))).collect()
}

/// Words of every script, alone and in a sentence, composed and taken apart: each is found, its place is shown, and it is a phrase.
#[test]
fn words_of_all_scripts_are_found_in_generated_texts() {
    let mut state = 0x2545_f491_u32;
    let mut random = move |below: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state % below
    };
    for &script in SCRIPTS {
        for round in 0..12 {
            let words: Vec<String> = (0..6).map(|nth| word(script, 2 + (nth + round) % 7, &mut random)).collect();
            let text = words.join([" ", ", ", "_", "() "][round % 4]);
            let index = Indexed::new(&[&text]);
            for word in words.iter().filter(|word| !asked(word).is_empty()) {
                for form in [word.nfc().collect::<String>(), word.nfd().collect(), word.nfkc().collect()] {
                    assert!(index.finds(&form), "{form:?} in {text:?}: {:?} in {}", any_of(&form), indexed(&text));
                    let is_one = |found: &str| telling(&form).iter().any(|word| word.is(found));
                    let places = places(&text, is_one);
                    assert!(!places.is_empty(), "{form:?} in {text:?}");
                    assert!(places.iter().all(|place| text.get(place.clone()).is_some()), "{places:?}");
                    assert!(places.windows(2).all(|pair| pair[0].end <= pair[1].start), "{places:?}");
                }
            }
        }
    }
}

#[test]
fn a_place_is_the_word_or_the_grams_that_are_looked_for() {
    let shown = |line: &str, query: &str| -> Vec<String> {
        let words = telling(query);
        let places = places(line, |word| words.iter().any(|one| one.is(word)));
        places.into_iter().map(|place| line[place].to_owned()).collect()
    };
    assert_eq!(shown("按照指数退避的方式", "指数退避"), ["指数退避"]);
    assert_eq!(shown("纳税人的税金", "税"), ["税", "税"]);
    assert_eq!(shown("let größe = 1; // GRÖSSE", "grösse"), ["größe", "GRÖSSE"]);
    assert_eq!(shown("let x = retry_limit;", "limit"), ["retry_limit"]);
}
