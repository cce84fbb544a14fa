use super::*;
use crate::analyzer::{FileSubject, Severity, TodoTag};
use crate::domain::Role;

/// A file of so many functions, each of which calls the next one.
fn functions(count: usize, body: impl Fn(usize) -> String) -> String {
    let one = |n: usize| format!("/// Does it.\nfn f{n}(x: u8) -> u8 {{\n{}    f{}(x)\n}}\n\n", body(n), n + 1);
    format!("use crate::load;\n\n{}", (0..count).map(one).collect::<String>())
}

/// Twelve functions of twenty lines.
fn text() -> String {
    functions(12, |_| "    step();\n".repeat(20))
}

fn cut(text: &str) -> CutFile {
    CutFile::new(Language::RUST, text).unwrap()
}

fn seen(text: &str) -> Coverage {
    let (lines, bytes) = (text.lines().count() as u32, text.len() as u64);
    Coverage { seen_lines: lines, seen_bytes: bytes, file_bytes: bytes, ..Coverage::default() }
}

fn uses(signature: &str) -> Vec<DependencyUse> {
    vec![DependencyUse { written: "crate::load".into(), kind: "function".into(), signature: Some(signature.into()) }]
}

fn whole_map(text: &str) -> ItemMap {
    let cut = cut(text);
    cut.map(&Hash::of(b"first"), &vec![true; cut.items.len()], None, &uses("fn load()"), &seen(text))
}

/// First lines of the items that are shown after an edit.
fn shown(before: &str, after: &str, uses: &[DependencyUse]) -> Vec<String> {
    let (base, cut) = (whole_map(before), cut(after));
    let shown = cut.to_show(&[Some(&base)], uses, u32::MAX);
    let lines: Vec<&str> = after.lines().collect();
    let items = cut.items.iter().zip(shown).filter(|(_, shown)| *shown);
    items
        .map(|(item, _)| {
            lines[item.start as usize..].iter().find(|line| line.starts_with("fn")).unwrap_or(&"").to_string()
        })
        .collect()
}

#[test]
fn items_cover_every_line_of_every_language() {
    for language in Language::all() {
        let sample = language.spec().sample;
        let Some(cut) = CutFile::new(language, sample) else { continue };
        let mut next = 1;
        for item in &cut.items {
            assert_eq!(item.start, next, "{language}");
            assert!(item.end >= item.start, "{language}");
            next = item.end + 1;
        }
        assert_eq!(next - 1, sample.lines().count() as u32, "{language}");
        let all: String = cut.items.iter().map(|item| &sample[item.text.clone()]).collect();
        assert_eq!(all, sample, "{language}");
    }
}

#[test]
fn a_body_edit_shows_its_item_a_signature_those_that_name_it() {
    let before = text();
    assert_eq!(shown(&before, &before, &uses("fn load()")), Vec::<String>::new());
    let body = before.replacen("    f6(x)", "    f6(x + 1)", 1);
    assert_eq!(shown(&before, &body, &uses("fn load()")), ["fn f5(x: u8) -> u8 {"]);
    let signature = before.replacen("fn f6(x: u8)", "fn f6(x: u16)", 1);
    assert_eq!(shown(&before, &signature, &uses("fn load()")), ["fn f5(x: u8) -> u8 {", "fn f6(x: u16) -> u8 {"]);
    let moved = format!("// One more line.\n\n{before}");
    assert_eq!(shown(&before, &moved, &uses("fn load()")).len(), 1, "only what comes before the rest");
}

#[test]
fn a_signature_of_another_file_shows_what_names_it() {
    let before = functions(12, |n| if n == 7 { "    load();\n".into() } else { "    step();\n".repeat(20) });
    assert_eq!(shown(&before, &before, &uses("fn load()")), Vec::<String>::new());
    let shown = shown(&before, &before, &uses("fn load(x: u8)"));
    assert_eq!(shown.last().unwrap(), "fn f7(x: u8) -> u8 {");
    assert!(shown.len() <= 2, "it, and the import: {shown:?}");
}

#[test]
fn what_would_show_most_of_a_file_shows_all_of_it() {
    let before = text();
    let after = before.replace("step();", "stride();");
    let (base, cut) = (whole_map(&before), cut(&after));
    assert!(cut.to_show(&[Some(&base)], &uses("fn load()"), u32::MAX).into_iter().all(|shown| shown));
    assert!(
        cut.to_show(&[Some(&base), None], &[], u32::MAX).into_iter().all(|shown| shown),
        "a type without an answer"
    );
    let mut worn = whole_map(&before);
    worn.sources = (0..MOST_SOURCES).map(|n| Hash::of(&[n as u8]).to_string()).collect();
    assert!(cut.to_show(&[Some(&worn)], &[], u32::MAX).into_iter().all(|shown| shown), "too many answers");
}

fn todos(lines: &[u32]) -> Analysis {
    let todo = |&line| Todo {
        tag: TodoTag::Todo,
        line,
        severity: Severity::Info,
        item: None,
        owner: None,
        text: format!("at {line}"),
    };
    Analysis::Todos(TodosReport { seen: seen(&text()), todos: lines.iter().map(todo).collect() })
}

/// The state of a file after some random edits, each answered in parts, is what its items' own answers say.
#[test]
fn what_is_put_together_is_what_each_item_was_answered() {
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    let mut bodies: Vec<String> = (0..12).map(|n| format!("    note{n}();\n").repeat(20)).collect();
    let write = |bodies: &[String]| functions(bodies.len(), |n| bodies[n].clone());
    // Every answer finds each line that calls a note.
    let answer = |text: &str, cut: &CutFile, shown: &[bool]| {
        let is_shown = |line: u32| {
            cut.items.iter().zip(shown).any(|(item, &shown)| shown && (item.start..=item.end).contains(&line))
        };
        let lines = (1..).zip(text.lines()).filter(|(line, text)| text.contains("note") && is_shown(*line));
        todos(&lines.map(|(line, _)| line).collect::<Vec<u32>>())
    };
    let first = write(&bodies);
    let mut map = whole_map(&first);
    let all = cut(&first);
    let mut answers = HashMap::from([(map.sources[0].clone(), answer(&first, &all, &vec![true; all.items.len()]))]);
    let mut asked_in_parts = 0;
    for round in 0..60_u32 {
        match random(4) {
            0 if bodies.len() > 8 => drop(bodies.remove(random(bodies.len()))),
            1 => bodies.insert(random(bodies.len()), format!("    note{round}();\n").repeat(10 + random(20))),
            _ => {
                let at = random(bodies.len());
                bodies[at].push_str(&format!("    note{round}();\n"));
            }
        }
        let text = write(&bodies);
        let cut = cut(&text);
        let shown = cut.to_show(&[Some(&map)], &uses("fn load()"), u32::MAX);
        asked_in_parts += usize::from(shown.contains(&false));
        let key = Hash::of(&round.to_le_bytes());
        map = cut.map(&key, &shown, Some(&map), &uses("fn load()"), &seen(&text));
        answers.insert(key.to_string(), answer(&text, &cut, &shown));
        let sources: Vec<Analysis> = map.sources.iter().map(|key| answers[key].clone()).collect();
        let Some(Analysis::Todos(whole)) = map.put_together(&sources) else { panic!("no answer") };
        let found: Vec<u32> = whole.todos.iter().map(|todo| todo.line).collect();
        let expected: Vec<u32> =
            (1..).zip(text.lines()).filter(|(_, text)| text.contains("note")).map(|(line, _)| line).collect();
        assert_eq!(found, expected, "round {round}");
        assert_eq!(whole.seen.seen_lines as usize, text.lines().count());
    }
    assert!(asked_in_parts > 30, "{asked_in_parts}");
}

#[test]
fn a_map_survives_being_stored() {
    let map = whole_map(&text());
    assert_eq!(serde_json::from_str::<ItemMap>(&serde_json::to_string(&map).unwrap()).unwrap(), map);
}

#[test]
fn a_question_in_parts_shows_the_rest_as_signatures() {
    let before = text();
    let after = before.replacen("    f6(x)", "    f6(x + 1) // ghp_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2", 1);
    let subject = FileSubject { language: Language::RUST, role: Role::Library, text: &after, uses: &[] };
    let cut = crate::analyzer::llm::cut(&subject).unwrap();
    let shown = cut.to_show(&[Some(&whole_map(&before))], &uses("fn load()"), u32::MAX);
    let limits =
        crate::analyzer::llm::Limits { max_input_bytes: 48_000, max_context_bytes: 6_000, max_output_tokens: 100 };
    let prompts = crate::analyzer::llm::Prompts::built_in();
    let types = crate::domain::AnalysisType::ALL;
    let prompt = crate::analyzer::llm::render_parts(&prompts, types, &subject, &limits, (&cut, &shown)).unwrap();
    let whole = crate::analyzer::llm::render_together(&prompts, types, &subject, &limits).unwrap();
    let (file, rest) = prompt.halves();
    assert!(file.contains("|    f6(x + 1) // [REDACTED:github-token]\n") && !file.contains("|    f7(x)\n"), "{file}");
    assert!(file.contains("\n~|fn f7(x : u8) -> u8\n") || file.contains("\n~|fn f7(x: u8) -> u8\n"), "{file}");
    assert_eq!(rest, whole.halves().1, "the questions are the same");
    assert!(file.len() * 2 < whole.halves().0.len());
    assert_eq!(prompt.instructions(), whole.instructions());
}
