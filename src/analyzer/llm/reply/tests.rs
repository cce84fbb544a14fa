use super::*;
use crate::analyzer::llm::{Limits, Prompts, render, render_together};
use crate::analyzer::{DependencyUse, FileSubject};
use crate::domain::{Language, Role};

fn prompt(analysis_type: AnalysisType) -> Prompt {
    let limits = Limits { max_input_bytes: 1_000, max_context_bytes: 1_000, max_output_tokens: 100 };
    let uses = [
        DependencyUse { written: "load".into(), kind: "function".into(), signature: Some("fn load()".into()) },
        DependencyUse { written: "gone".into(), kind: "unresolved".into(), signature: None },
    ];
    let text = "fn a() {}\nfn b() {}\nfn c() {}\n";
    let subject = FileSubject { language: Language::RUST, role: Role::Library, text, uses: &uses };
    render(&Prompts::built_in(), analysis_type, &subject, &limits).unwrap()
}

fn read(analysis_type: AnalysisType, reply: &str) -> Result<Analysis, Malformed> {
    parse(&prompt(analysis_type), reply, Finish::Stopped)
}

#[test]
fn each_type_is_read_into_its_report() {
    let refactor = r#"{"smells":[{"kind":"long-function","severity":"warning","start_line":2,"end_line":3,"item":"b","message":"long"},
        {"kind":"god-object","severity":"info","start_line":"1","message":"x","item":null}],"unknown":7}"#;
    let Ok(Analysis::Refactor(report)) = read(AnalysisType::Refactor, refactor) else { panic!() };
    let kinds: Vec<_> = report.smells.iter().map(|smell| (smell.kind, smell.start_line, smell.end_line)).collect();
    assert_eq!(kinds, [(SmellKind::Other, 1, 1), (SmellKind::LongFunction, 2, 3)]);
    assert_eq!((report.seen.seen_lines, report.seen.is_whole()), (3, true));

    let docs = r#"{"summary":"It does.","items":[{"kind":"fn","name":"a","line":1,"documented":false,
        "missing_sections":["Panics","Panics","Lies"],"suggestion":"Does a."}]}"#;
    let Ok(Analysis::Docs(report)) = read(AnalysisType::Docs, docs) else { panic!() };
    assert_eq!(report.summary.unwrap().source, SummarySource::Model);
    assert_eq!(
        (&report.items[0].missing_sections[..], report.items[0].suggestion.as_deref()),
        (&["Panics".to_owned()][..], Some("Does a."))
    );

    let code = r#"{"summary":"It does.","findings":[{"severity":"error","start_line":1.0,"end_line":null,"message":"off by one"}]}"#;
    let Ok(Analysis::Analysis(report)) = read(AnalysisType::Analysis, code) else { panic!() };
    assert_eq!((report.findings[0].start_line, report.findings[0].end_line), (1, 1));
    assert_eq!((report.uses.len(), report.unresolved.len(), report.lines.total), (1, 1, 3));

    let todos = r#"{"todos":[{"tag":"fixme","line":3,"item":"null","owner":"ann","text":"more"},{"tag":"NOTE","line":1,"text":"x"}]}"#;
    let Ok(Analysis::Todos(report)) = read(AnalysisType::Todos, todos) else { panic!() };
    assert_eq!(
        report.todos.iter().map(|t| (t.tag, t.line)).collect::<Vec<_>>(),
        [(TodoTag::Todo, 1), (TodoTag::Fixme, 3)]
    );
    assert_eq!((report.todos[1].item.as_deref(), report.todos[1].owner.as_deref()), (None, Some("ann")));
}

#[test]
fn every_report_survives_being_stored() {
    let reply = r#"{"summary":"It does.","findings":[{"severity":"error","start_line":1,"end_line":2,"item":"a","message":"m"}]}"#;
    let analysis = read(AnalysisType::Analysis, reply).unwrap();
    assert_eq!(Analysis::from_json(AnalysisType::Analysis, &analysis.to_json().unwrap()).unwrap(), analysis);
}

#[test]
fn lines_that_were_not_shown_are_refused() {
    for (start, end) in [(0, 1), (2, 1), (1, 4), (9, 9)] {
        let reply = format!(
            r#"{{"smells":[{{"kind":"other","severity":"info","start_line":{start},"end_line":{end},"message":"m"}}]}}"#
        );
        let error = read(AnalysisType::Refactor, &reply).unwrap_err();
        assert!(matches!(error, Malformed::Lines { lines: 3, .. }), "{error}");
    }
    assert!(matches!(
        read(AnalysisType::Todos, r#"{"todos":[{"tag":"TODO","line":4,"text":"x"}]}"#),
        Err(Malformed::Lines { .. })
    ));
}

#[test]
fn what_is_not_of_the_form_is_refused_with_the_reason() {
    for (reply, word) in [
        ("I cannot help with that.", "no JSON object"),
        ("  \n", "empty"),
        (r#"{"findings":[]}"#, "smells"),
        (r#"{"smells":"none"}"#, "sequence"),
        (r#"{"smells":[{"kind":"other","severity":"purple","start_line":1,"end_line":1,"message":"m"}]}"#, "purple"),
        (r#"{"smells":[{"kind":"other","severity":"info","start_line":-1,"end_line":1,"message":"m"}]}"#, "line"),
        (r#"{"smells":[{"kind":"other","severity":"info","start_line":1,"end_line":1,"message":" "}]}"#, "message"),
    ] {
        let error = read(AnalysisType::Refactor, reply).unwrap_err();
        assert!(error.to_string().contains(word) && error.is_repairable(), "{reply} gives {error}");
    }
}

/// One bad finding costs that finding, and the report says so.
#[test]
fn a_bad_finding_costs_itself_alone() {
    let good = r#"{"severity":"info","start_line":1,"end_line":1,"message":"m"}"#;
    for bad in [
        r#"{"severity":"purple","start_line":1,"end_line":1,"message":"m"}"#,
        r#"{"severity":"info","start_line":1,"end_line":99,"message":"m"}"#,
        r#"{"severity":"info","message":"m"}"#,
        r#"{"severity":"info","start_line":2,"message":""}"#,
        r#"{"severity":null,"start_line":2,"message":"m"}"#,
        r#""a word""#,
        "null",
    ] {
        let reply = format!(r#"{{"summary":"s","findings":[{bad},{good}]}}"#);
        let Ok(Analysis::Analysis(report)) = read(AnalysisType::Analysis, &reply) else { panic!("{bad}") };
        assert_eq!((report.findings.len(), report.seen.not_covered.len()), (1, 1), "{bad}");
        assert!(report.seen.not_covered[0].starts_with("1 of 2 findings"), "{:?}", report.seen.not_covered);
        let alone = format!(r#"{{"summary":"s","findings":[{bad}]}}"#);
        assert!(read(AnalysisType::Analysis, &alone).is_err(), "{bad}: worth a second question");
    }
}

#[test]
fn severities_of_other_scales_are_those_next_to_them() {
    for (written, severity) in [
        ("Warning", Severity::Warning),
        (" HIGH ", Severity::Error),
        ("critical", Severity::Error),
        ("Medium", Severity::Warning),
        ("minor", Severity::Info),
        ("note", Severity::Info),
        ("high severity", Severity::Error),
        ("[WARN]", Severity::Warning),
        ("Serious!", Severity::Error),
        ("P2", Severity::Warning),
        ("very low", Severity::Info),
        ("severity: medium", Severity::Warning),
    ] {
        let reply =
            format!(r#"{{"summary":"s","findings":[{{"severity":"{written}","start_line":1,"message":"m"}}]}}"#);
        let Ok(Analysis::Analysis(report)) = read(AnalysisType::Analysis, &reply) else { panic!("{written}") };
        assert_eq!((report.findings[0].severity, report.seen.is_whole()), (severity, true), "{written}");
    }
}

/// What servers and models put around an answer, or in its place where there is nothing to say.
#[test]
fn an_answer_is_found_wherever_it_stands() {
    let answer = r#"{"summary":"s","findings":[]}"#;
    for reply in [
        format!("<think>{{\"summary\":\"draft\",\"findings\":[]}} no:</think>{answer}"),
        format!("Sure: {{\"summary\": 7}} is not it, {answer} is."),
        format!(r#"{{"result":{answer}}}"#),
        r#"{"summary":"s","findings":null}"#.to_owned(),
    ] {
        let Ok(Analysis::Analysis(report)) = read(AnalysisType::Analysis, &reply) else { panic!("{reply}") };
        assert_eq!((report.summary.as_deref(), report.findings.len()), (Some("s"), 0), "{reply}");
    }
    let quoting = r#"{"summary":"closes </think> early","findings":[]}"#;
    let Ok(Analysis::Analysis(report)) = read(AnalysisType::Analysis, quoting) else { panic!() };
    assert_eq!(report.summary.as_deref(), Some("closes </think> early"));
}

#[test]
fn a_reply_that_was_cut_is_never_a_report() {
    let whole = r#"{"smells":[]}"#;
    assert!(read(AnalysisType::Refactor, whole).is_ok());
    assert_eq!(parse(&prompt(AnalysisType::Refactor), whole, Finish::Cut), Err(Malformed::Cut));
    assert_eq!(parse(&prompt(AnalysisType::Refactor), whole, Finish::Filtered), Err(Malformed::Refused));
}

#[test]
fn words_are_cut_and_cannot_move_a_cursor() {
    let hostile = format!("\\u001b[2J\\u202eevil\\n{}", "x".repeat(10_000));
    let reply = format!(r#"{{"todos":[{{"tag":"TODO","line":1,"item":"{hostile}","text":"{hostile}"}}]}}"#);
    let Ok(Analysis::Todos(report)) = read(AnalysisType::Todos, &reply) else { panic!() };
    let todo = &report.todos[0];
    assert!(todo.text.starts_with("[2J"), "{}", todo.text);
    assert!(!todo.text.chars().any(|c| c.is_control() || c == '\u{202e}'));
    assert!(todo.text.chars().count() <= LONGEST_TEXT + 1);
    assert!(todo.item.as_ref().unwrap().chars().count() <= LONGEST_NAME + 1);
}

#[test]
fn findings_beyond_the_bound_are_told_not_kept() {
    let one = r#"{"tag":"TODO","line":1,"text":"x"}"#;
    let reply = format!(r#"{{"todos":[{}]}}"#, vec![one; MOST_FINDINGS + 5].join(","));
    let Ok(Analysis::Todos(report)) = read(AnalysisType::Todos, &reply) else { panic!() };
    assert_eq!(report.todos.len(), MOST_FINDINGS);
    assert!(!report.seen.is_whole());
}

#[test]
fn nothing_that_a_model_writes_panics() {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"smells\"",
        ":",
        ",",
        "null",
        "1e99",
        "-0",
        "\"\\ud800\"",
        "\"é\"",
        "</think>",
        "```",
        "\\",
        " ",
    ];
    let mut state = 42_u64;
    for _ in 0..500 {
        let mut reply = String::new();
        for _ in 0..30 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            reply.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        for &analysis_type in AnalysisType::ALL {
            let _ = read(analysis_type, &reply);
        }
    }
}

const DOCS: &str = r#"{"summary":"s","items":[]}"#;
const TODOS: &str = r#"{"todos":[{"tag":"TODO","line":1,"text":"more"}]}"#;
const REFACTOR: &str = r#"{"smells":[]}"#;
const ANALYSIS: &str = r#"{"summary":"s","findings":[]}"#;

/// The reply to all four questions, read: `+` for a report, `-` for an answer that cannot be used, `.` for none; in the order of the
/// questions (docs, todos, refactor, analysis).
fn read_together(reply: &str, finish: Finish) -> String {
    let limits = Limits { max_input_bytes: 1_000, max_context_bytes: 1_000, max_output_tokens: 100 };
    let subject =
        FileSubject { language: Language::RUST, role: Role::Library, text: "fn a() {}\nfn b() {}\n", uses: &[] };
    let prompt = render_together(&Prompts::built_in(), AnalysisType::ALL, &subject, &limits).unwrap();
    let replies = parse_parts(prompt.parts(), reply, finish);
    for (part, reply) in prompt.parts().iter().zip(&replies) {
        if let PartReply::Report { analysis, bytes } = reply {
            assert_eq!(analysis.analysis_type(), part.analysis_type);
            assert!(*bytes > 0);
        }
    }
    let sign = |reply: &PartReply| match reply {
        PartReply::Report { .. } => '+',
        PartReply::Malformed { .. } => '-',
        PartReply::Missing(_) => '.',
    };
    replies.iter().map(sign).collect()
}

#[test]
fn each_answer_of_a_reply_is_read_by_itself() {
    let whole = format!(r#"{{"docs":{DOCS},"todos":{TODOS},"refactor":{REFACTOR},"analysis":{ANALYSIS}}}"#);
    let flat = r#"{"summary":"s","items":[],"todos":[],"smells":[],"findings":[]}"#;
    for (reply, expected) in [
        (whole.clone(), "++++"),
        (format!("<think>{{\"docs\":{{}}}}</think>\n```json\n{whole}\n```"), "++++"),
        (format!(r#"{{"answers":{whole}}}"#), "++++"),
        (flat.to_owned(), "++++"),
        (format!("{DOCS}\n{TODOS}\n{REFACTOR}\n{ANALYSIS}"), "++++"),
        (format!(r#"{{"docs":{DOCS},"todos":[],"refactor":[],"analysis":{ANALYSIS}}}"#), "++++"),
        (format!(r#"{{"docs":{{"summary":""}},"todos":{TODOS},"refactor":{REFACTOR},"analysis":{ANALYSIS}}}"#), "-+++"),
        (format!(r#"{{"docs":null,"todos":{TODOS},"refactor":"none","analysis":{ANALYSIS}}}"#), ".+.+"),
        (format!(r#"{{"todos":{TODOS},"extra":{{}}}}"#), ".+.."),
        (ANALYSIS.to_owned(), "...+"),
        ("I would rather not.".to_owned(), "...."),
        (String::new(), "...."),
    ] {
        assert_eq!(read_together(&reply, Finish::Stopped), expected, "{reply}");
    }
    assert_eq!(read_together(&whole, Finish::Filtered), "....");
}

/// A cut costs what was cut and nothing before it, wherever it falls.
#[test]
fn a_cut_reply_loses_only_what_was_cut() {
    let parts = [("docs", DOCS), ("todos", TODOS), ("refactor", REFACTOR), ("analysis", ANALYSIS)];
    let whole = format!("{{{}}}", parts.map(|(name, answer)| format!("\"{name}\": {answer}")).join(", "));
    for end in 1..=whole.len() {
        let reply = &whole[..end];
        let is_whole = |(name, answer): &(&str, &str)| reply.contains(&format!("\"{name}\": {answer}"));
        let expected: String = parts.iter().map(|part| if is_whole(part) { '+' } else { '.' }).collect();
        assert_eq!(read_together(reply, Finish::Cut), expected, "{reply}");
        assert_eq!(read_together(reply, Finish::Unknown), expected, "a server that does not say so: {reply}");
    }
}

/// What models get wrong in JSON and in the names of answers, and what is read of it: docs, todos, refactor, analysis.
#[test]
fn what_is_nearly_json_is_read_as_it_is_meant() {
    let whole = format!(r#"{{"docs":{DOCS},"todos":{TODOS},"refactor":{REFACTOR},"analysis":{ANALYSIS}}}"#);
    let with = |from: &str, to: &str| whole.replacen(from, to, 1);
    let quoted = |text: &str| Value::from(text).to_string();
    for (reply, expected) in [
        (with("more", "more\n\tand more"), "++++"),
        (with("more", r"matches \d+ and don\'t"), "++++"),
        (with("more", r"a bad escape \u12"), "++++"),
        (with(DOCS, &quoted(DOCS)), "++++"),
        (with(ANALYSIS, &quoted(ANALYSIS)), "++++"),
        (with(DOCS, "\"nothing\""), ".+++"),
        (whole.replace("docs", "Docs").replace("\"refactor", "\"REFACTOR"), "++++"),
        (whole.replace("\"docs\"", "\"Question `docs`\"").replace("\"analysis\"", "\"analysis_answer\""), "++++"),
        (format!(r#"{{"1":{DOCS},"2":{TODOS},"3":{REFACTOR},"4":{ANALYSIS}}}"#), "++++"),
        (format!(r#"[{{"question":"docs","answer":{DOCS}}},{{"question":"analysis","answer":{ANALYSIS}}}]"#), "+..+"),
        (with(r#""s""#, r#"["one","two"]"#), "++++"),
        (with(r#""s""#, "null"), "-+++"),
        (with(r#""TODO""#, "null"), "++++"),
        (with(r#""line":1"#, r#""line":"L1","owner":["ann","bob"],"item":7"#), "++++"),
        (with(r#""line":1"#, r#""line":"1-2""#), "++++"),
        (with(r#""line":1"#, r#""line":"-1""#), "+-++"),
        (whole[..whole.len() - 1].to_owned(), "++++"),
        (whole[..whole.len() - 1].replace("more", "more\nand more"), "++++"),
    ] {
        assert_eq!(read_together(&reply, Finish::Stopped), expected, "{reply}");
    }
}

#[test]
fn how_sure_a_model_is_is_kept_and_never_costs_a_finding() {
    for (written, expected) in [
        (r#""high""#, Some(Confidence::High)),
        (r#"" Medium""#, Some(Confidence::Medium)),
        ("0.2", Some(Confidence::Low)),
        ("90", Some(Confidence::High)),
        (r#""who knows""#, None),
        ("null", None),
        ("[]", None),
    ] {
        let finding = format!(r#"{{"severity":"info","start_line":1,"message":"m","confidence":{written}}}"#);
        let reply = format!(r#"{{"summary":"s","findings":[{finding}]}}"#);
        let Ok(Analysis::Analysis(report)) = read(AnalysisType::Analysis, &reply) else { panic!("{written}") };
        assert_eq!(report.findings[0].confidence, expected, "{written}");
        let smells = format!(r#"{{"smells":[{finding}]}}"#);
        let Ok(Analysis::Refactor(report)) = read(AnalysisType::Refactor, &smells) else { panic!("{written}") };
        assert_eq!(report.smells[0].confidence, expected, "{written}");
    }
}
