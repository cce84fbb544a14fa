//! Replies that are not just as expected: what is read out of each, or what is reported in the server's own words, and what is booked.
//! One row a reply, in either family of APIs. Kinds of them come from reports on other programs.

use super::reply::{read, weights};
use super::settle::{charge, charge_failure};
use crate::analyzer::llm::{
    Answer, Client, Endpoint, FailureKind, Limits, NextStep, PartReply, Prompt, Prompts, render_together,
};
use crate::analyzer::{Analysis, FileSubject, Severity};
use crate::budget::Charge;
use crate::config::{ApiFamily, Config, Price, ProviderKind};
use crate::domain::{AnalysisType, Language, Role};

const PRICE: Price =
    Price { input: 200_000_000, cached_input: 50_000_000, cache_write: 250_000_000, output: 500_000_000 };

const DOCS: &str = r#""docs":{"summary":"s","items":[]}"#;
const TODOS: &str = r#""todos":{"todos":[{"tag":"TODO","line":1,"text":"t"}]}"#;
const REFACTOR: &str = r#""refactor":{"smells":[]}"#;
const ANALYSIS: &str = r#""analysis":{"summary":"s","findings":[{"severity":"warning","start_line":1,"message":"m"}]}"#;

/// What the usage below costs: 3,000 tokens in, 200 out.
const COST: u64 = 3_000 * 200 + 200 * 500;
const USAGE: &str = r#""usage":{"prompt_tokens":3000,"completion_tokens":200,"total_tokens":3200}"#;

/// What is booked: what the server reports, the reservation, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Booked {
    Reported(u64),
    WorstCase,
    Nothing,
}
use Booked::{Nothing, Reported, WorstCase};

#[derive(Clone, Copy, Debug)]
enum Expected {
    /// Of the questions (docs, todos, refactor, analysis): `+` an answer, `-` one to be repaired, `.` none.
    Read(&'static str),
    /// What is done next, and words of the server in what is reported.
    Fails(fn(NextStep) -> bool, &'static str),
}
use Expected::{Fails, Read};

struct Row {
    what: &'static str,
    status: u16,
    body: String,
    expected: Expected,
    booked: Booked,
}

fn row(what: &'static str, body: impl Into<String>, expected: Expected, booked: Booked) -> Row {
    Row { what, status: 200, body: body.into(), expected, booked }
}

fn status(status: u16, what: &'static str, body: &str, next: fn(NextStep) -> bool, booked: Booked) -> Row {
    Row { what, status, body: body.to_owned(), expected: Fails(next, ""), booked }
}

fn waits(next: NextStep) -> bool {
    matches!(next, NextStep::Wait(_))
}

fn parks(next: NextStep) -> bool {
    next == NextStep::Park
}

fn is_down(next: NextStep) -> bool {
    matches!(next, NextStep::Outage(_))
}

fn discards(next: NextStep) -> bool {
    next == NextStep::Discard
}

fn whole() -> String {
    format!("{{{DOCS},{TODOS},{REFACTOR},{ANALYSIS}}}")
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A completion with this text.
fn says(text: &str) -> String {
    message(&format!(r#""content":{}"#, json(text)), "stop")
}

fn message(fields: &str, finish: &str) -> String {
    format!(r#"{{"choices":[{{"message":{{"role":"assistant",{fields}}},"finish_reason":"{finish}"}}],{USAGE}}}"#)
}

fn with_usage(usage: &str) -> String {
    says(&whole()).replace(USAGE, &format!(r#""usage":{usage}"#))
}

/// What models put around an answer, or in the place of a part of one.
fn texts() -> Vec<Row> {
    let read = |what, text: String, expected| row(what, says(&text), Read(expected), Reported(COST));
    let with = |from: &str, to: &str| whole().replace(from, to);
    let bad =
        r#"[{"severity":"purple","start_line":1,"message":"m"},{"severity":"info","start_line":1,"message":"m"}]"#;
    let all_bad = r#"[{"severity":"purple","start_line":1,"message":"m"}]"#;
    let findings = r#"[{"severity":"warning","start_line":1,"message":"m"}]"#;
    vec![
        read("as asked", whole(), "++++"),
        read("in a fence", format!("```json\n{}\n```", whole()), "++++"),
        read("in an open fence", format!("```json\n{}", whole()), "++++"),
        read("words around", format!("Here you are:\n{}\nAnything else?", whole()), "++++"),
        read("a byte order mark", format!("\u{feff}{}", whole()), "++++"),
        read("thoughts", format!("<think>maybe {{\"docs\":{{}}}}</think>{}", whole()), "++++"),
        read("thoughts that do not end", format!("<think>Let me see. {}", whole()), "++++"),
        read("thoughts whose beginning is lost", format!("Let me see.\n</think>\n\n{}", whole()), "++++"),
        read("thoughts of Magistral", format!("[THINK]hm[/THINK]{}", whole()), "++++"),
        read(
            "channels",
            format!(
                "<|channel|>analysis<|message|>hm {{\"a\":1}}<|end|><|start|>assistant<|channel|>final<|message|>{}",
                whole()
            ),
            "++++",
        ),
        read(
            "channels without their signs",
            format!("analysisLet me see {{\"a\":1}}.assistantfinal{}", whole()),
            "++++",
        ),
        read("a mark inside a message", with("\"m\"", "\"closes </think> early\""), "++++"),
        read("wrapped once more", format!(r#"{{"answers":{}}}"#, whole()), "++++"),
        read("in a list of one", format!("[{}]", whole()), "++++"),
        read("an object a line", format!("{{{DOCS}}}\n{{{TODOS}}}\n{{{REFACTOR}}}\n{{{ANALYSIS}}}"), "++++"),
        read(
            "without the questions' names",
            r#"{"summary":"s","items":[],"todos":[],"smells":[],"findings":[]}"#.into(),
            "++++",
        ),
        read("a list in the place of an answer", with(r#"{"smells":[]}"#, "[]"), "++++"),
        read("null for nothing to list", with(r#""smells":[]"#, r#""smells":null"#), "++++"),
        read("trailing commas", with("]}", "],}"), "++++"),
        read("single quotes", whole().replace('"', "'"), "...."),
        read("a key twice", format!("{{{DOCS},{DOCS},{TODOS},{REFACTOR},{ANALYSIS}}}"), "++++"),
        read("the JSON as a string", json(&whole()), "++++"),
        read("numbers as words", with(r#""start_line":1"#, r#""start_line":"1","end_line":1.0"#), "++++"),
        read("one bad finding", with(findings, bad), "++++"),
        read("all findings bad", with(findings, all_bad), "+++-"),
        read("a severity of another scale", with("warning", " HIGH "), "++++"),
        read("a line that was not shown", with(r#""start_line":1"#, r#""start_line":99"#), "+++-"),
        read("an answer left out", format!("{{{DOCS},{REFACTOR},{ANALYSIS}}}"), "+.++"),
        read("an answer of another form", with(r#"{"smells":[]}"#, r#""none""#), "++.+"),
        read("nothing of it", "I would rather talk about the weather.".into(), "...."),
        read("an empty object", "{}".into(), "...."),
    ]
}

/// What servers make of a message.
fn messages() -> Vec<Row> {
    let all = whole();
    let escaped = json(&all);
    let cut = &all[..all.find(r#","refactor""#).unwrap() + 20];
    let read =
        |what, fields: String, finish, expected| row(what, message(&fields, finish), Read(expected), Reported(COST));
    vec![
        read("content in parts", format!(r#""content":[{{"type":"text","text":{escaped}}}]"#), "stop", "++++"),
        read(
            "content with a part that is no text",
            format!(r#""content":[{{"type":"image","text":null}},{{"type":"text","text":{escaped}}}]"#),
            "stop",
            "++++",
        ),
        read(
            "an answer in a tool's call",
            format!(r#""content":null,"tool_calls":[{{"function":{{"name":"f","arguments":{escaped}}}}}]"#),
            "tool_calls",
            "++++",
        ),
        read(
            "the same as an object",
            format!(r#""content":"","tool_calls":[{{"function":{{"name":"f","arguments":{all}}}}}]"#),
            "tool_calls",
            "++++",
        ),
        read(
            "a function's call",
            format!(r#""content":null,"function_call":{{"name":"f","arguments":{escaped}}}"#),
            "function_call",
            "++++",
        ),
        read(
            "an answer among the thoughts",
            format!(r#""content":null,"reasoning_content":{escaped}"#),
            "stop",
            "++++",
        ),
        read("the same by another name", format!(r#""content":"","reasoning":{escaped}"#), "stop", "++++"),
        read("a refusal", r#""content":null,"refusal":"I cannot""#.into(), "stop", "...."),
        read("a filter", format!(r#""content":{escaped}"#), "content_filter", "...."),
        read("an empty content", r#""content":"""#.into(), "stop", "...."),
        read("no content", r#""content":null"#.into(), "stop", "...."),
        read("cut", format!(r#""content":{}"#, json(cut)), "length", "++.."),
        read("cut, and the server does not say so", format!(r#""content":{}"#, json(cut)), "stop", "++.."),
    ]
}

/// Streams that nobody asked for.
fn streams() -> Vec<Row> {
    let all = whole();
    let pieces = |text: &str, more: &str| {
        let (a, b) = text.split_at(text.len() / 2);
        let delta = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{}}}}}]}}\n\n", json(text));
        format!("{}{}{more}data: [DONE]\n\n", delta(a), delta(b))
    };
    vec![
        row("a stream", pieces(&all, &format!("data: {{\"choices\":[],{USAGE}}}\n\n")), Read("++++"), Reported(COST)),
        row("a body with a byte order mark", format!("\u{feff}{}", says(&all)), Read("++++"), Reported(COST)),
        row("a stream that says nothing of usage", pieces(&all, ""), Read("++++"), WorstCase),
        row(
            "a stream that ends in an error",
            pieces(&all[..30], "data: {\"error\":{\"message\":\"upstream is gone\",\"code\":502}}\n\n"),
            Fails(is_down, "upstream is gone"),
            WorstCase,
        ),
    ]
}

/// What is reported of tokens.
fn usages() -> Vec<Row> {
    let usage = |what, usage: &str, booked| row(what, with_usage(usage), Read("++++"), booked);
    vec![
        usage("no usage", "null", WorstCase),
        usage("a usage of nothing", r#"{"prompt_tokens":0,"completion_tokens":0}"#, WorstCase),
        usage("a usage in words", r#""lots""#, WorstCase),
        usage("a negative usage", r#"{"prompt_tokens":-5,"completion_tokens":3}"#, WorstCase),
        usage(
            "a usage of fractions",
            r#"{"prompt_tokens":3000.0,"completion_tokens":200.0,"total_tokens":3200.0}"#,
            Reported(COST),
        ),
        usage("too small a usage", r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}"#, WorstCase),
        usage(
            "more cached than read",
            r#"{"prompt_tokens":3000,"completion_tokens":200,"prompt_tokens_details":{"cached_tokens":9000}}"#,
            WorstCase,
        ),
        usage(
            "details that are null",
            r#"{"prompt_tokens":3000,"completion_tokens":200,"total_tokens":null,"prompt_tokens_details":null}"#,
            Reported(COST),
        ),
        usage(
            "reasoning beside the answer",
            r#"{"prompt_tokens":3000,"completion_tokens":150,"total_tokens":3200,"completion_tokens_details":{"reasoning_tokens":50}}"#,
            Reported(COST),
        ),
        // Whoever reports more is believed: the ledger is never below a bill.
        usage(
            "a thousand times as much",
            r#"{"prompt_tokens":3000000,"completion_tokens":200000,"total_tokens":3200000}"#,
            Reported(1_000 * COST),
        ),
    ]
}

/// Errors inside a 200.
fn errors() -> Vec<Row> {
    let inside = |what, body: &str, next, words, booked| row(what, body, Fails(next, words), booked);
    vec![
        inside("no choices", r#"{"choices":null,"error":{"message":"odd"}}"#, is_down, "odd", WorstCase),
        inside("no choices and no word", r#"{"choices":null}"#, is_down, "choices", WorstCase),
        inside("an empty list of choices", r#"{"choices":[]}"#, is_down, "choices", WorstCase),
        inside("an error of the limit", r#"{"error":{"message":"slow down","code":429}}"#, waits, "slow down", Nothing),
        inside(
            "the same in words",
            r#"{"error":{"message":"slow down","type":"rate_limit_exceeded"}}"#,
            waits,
            "slow down",
            Nothing,
        ),
        inside(
            "an outage behind a gateway",
            r#"{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"no GPU"}}}"#,
            is_down,
            "no GPU",
            WorstCase,
        ),
        inside(
            "an error of the turn",
            r#"{"choices":[{"error":{"message":"gone","code":500},"message":{"content":"half"}}]}"#,
            is_down,
            "gone",
            WorstCase,
        ),
        inside("no money", r#"{"error":{"message":"Insufficient Balance"}}"#, parks, "Insufficient Balance", Nothing),
        inside("a detail alone", r#"{"detail":"Rate limit exceeded"}"#, waits, "Rate limit", Nothing),
        inside("a code of its own", r#"{"code":1302,"msg":"too many requests"}"#, waits, "too many", Nothing),
        inside("a page", "<html><body>Sign in to the network</body></html>", is_down, "Sign in", WorstCase),
        inside("nothing", "", is_down, "", WorstCase),
        inside("half of a completion", r#"{"choices":[{"message":{"content":"{"#, is_down, "", WorstCase),
    ]
}

/// Statuses that say no.
fn statuses() -> Vec<Row> {
    let of_time = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. Limit: 3 requests per minute."}}"#;
    let of_money = r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    vec![
        status(429, "a limit a minute", of_time, waits, Nothing),
        status(402, "a limit a minute as 402", of_time, waits, Nothing),
        status(403, "a limit a minute as 403", of_time, waits, Nothing),
        status(429, "no money as 429", of_money, parks, Nothing),
        status(402, "no money as 402", r#"{"error":"Payment Required"}"#, parks, Nothing),
        status(403, "no money as 403", of_money, parks, Nothing),
        status(403, "a refused key", r#"{"error":"this key may not"}"#, parks, Nothing),
        status(400, "a wrong key as 400", r#"{"error":"Incorrect API key provided"}"#, parks, Nothing),
        status(
            400,
            "a prompt that is too long",
            r#"{"error":"maximum context length is 8192 tokens"}"#,
            discards,
            Nothing,
        ),
        status(503, "busy", r#"{"error":"loading model"}"#, is_down, Nothing),
        status(
            529,
            "overloaded",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            is_down,
            Nothing,
        ),
        status(500, "a fault of the server", "oops", is_down, WorstCase),
        status(504, "a gateway that gave up waiting", "", is_down, WorstCase),
    ]
}

/// The same in the other family.
fn of_messages() -> Vec<Row> {
    let escaped = json(&whole());
    let usage = r#""usage":{"input_tokens":1000,"cache_read_input_tokens":2000,"cache_creation_input_tokens":0,"output_tokens":200}"#;
    let cost = 1_000 * 200 + 2_000 * 50 + 200 * 500;
    let says = |content: &str, stop: &str| {
        format!(r#"{{"type":"message","content":{content},"stop_reason":"{stop}",{usage}}}"#)
    };
    let read = |what, body, expected| row(what, body, Read(expected), Reported(cost));
    vec![
        read(
            "a thought before the text",
            says(&format!(r#"[{{"type":"thinking","thinking":"hm"}},{{"type":"text","text":{escaped}}}]"#), "end_turn"),
            "++++",
        ),
        read(
            "an answer in a tool's call",
            says(&format!(r#"[{{"type":"tool_use","input":{}}}]"#, whole()), "tool_use"),
            "++++",
        ),
        read("content as one text", says(&escaped, "end_turn"), "++++"),
        read("a refusal", says("[]", "refusal"), "...."),
        read("cut", says(&format!(r#"[{{"type":"text","text":{}}}]"#, json(&whole()[..60])), "max_tokens"), "+..."),
        row(
            "an error in a 200",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Fails(is_down, "Overloaded"),
            WorstCase,
        ),
        row(
            "the other family's completion",
            message(&format!(r#""content":{escaped}"#), "stop"),
            Fails(is_down, "choices"),
            WorstCase,
        ),
    ]
}

fn client(family: ApiFamily) -> Client {
    let mut llm = Config::defaults(std::path::Path::new("/nowhere")).llm;
    llm.provider = ProviderKind::Custom;
    llm.api = family;
    (llm.base_url, llm.model) = (Some("http://127.0.0.1:9/v1".to_owned()), Some("m".to_owned()));
    Client::new(Endpoint::of(&llm).unwrap()).unwrap()
}

fn prompt() -> Prompt {
    let limits = Limits { max_input_bytes: 10_000, max_context_bytes: 1_000, max_output_tokens: 500 };
    let text = "pub fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n";
    let subject = FileSubject { language: Language::RUST, role: Role::Library, text, uses: &[] };
    render_together(&Prompts::built_in(), AnalysisType::ALL, &subject, &limits).unwrap()
}

fn booked(charge: &Charge) -> Booked {
    match charge {
        Charge::Reported { cost, .. } | Charge::Share { cost, .. } => Reported(*cost),
        Charge::Unreported { .. } => WorstCase,
    }
}

/// What came of a row: its answers by sign, or what is done next and reported; and what is booked.
fn outcome(client: &Client, prompt: &Prompt, row: &Row) -> (Result<String, (NextStep, String)>, Booked) {
    let prompt_bytes = (prompt.instructions().len() + prompt.question().len()) as u64;
    match client.read_apart(row.status, row.body.as_bytes()) {
        Ok(answer) => {
            let answer = Answer { prompt_bytes, ..answer };
            let replies = read(prompt.parts(), &answer).unwrap();
            let charge = charge(&PRICE, &answer);
            let shares = charge.shares(&weights(&replies));
            if let Reported(cost) = booked(&charge) {
                let sum: u64 = shares.iter().map(|one| if let Reported(part) = booked(one) { part } else { 0 }).sum();
                assert_eq!(sum, cost, "{}: the parts are the whole", row.what);
            }
            let sign = |reply: &PartReply| match reply {
                PartReply::Report { .. } => '+',
                PartReply::Malformed { .. } => '-',
                PartReply::Missing(_) => '.',
            };
            (Ok(replies.iter().map(sign).collect()), booked(&charge))
        }
        Err(failure) => {
            let reported = failure.usage.filter(|usage| usage.input > 0 || usage.output > 0);
            let booked = match failure.may_be_billed || reported.is_some() {
                true => booked(&charge_failure(&PRICE, prompt_bytes, &failure, reported)),
                false => Nothing,
            };
            (Err((failure.kind.next_step(), failure.message)), booked)
        }
    }
}

#[test]
fn an_odd_reply_is_read_or_reported_and_booked_as_billed() {
    let prompt = prompt();
    let chat = [texts(), messages(), streams(), usages(), errors(), statuses()].concat_rows();
    let families = [(ApiFamily::ChatCompletions, chat), (ApiFamily::Messages, of_messages())];
    let (mut count, mut wrong) = (0, Vec::new());
    for (family, rows) in families {
        for row in rows {
            count += 1;
            // What one reply teaches about a server is not for the next one.
            let (found, booked) = outcome(&client(family), &prompt, &row);
            let is_right = match (&row.expected, &found) {
                (Read(expected), Ok(signs)) => signs == expected,
                (Fails(next, words), Err((found, message))) => next(*found) && message.contains(words),
                _ => false,
            };
            if !is_right || booked != row.booked {
                wrong.push(format!(
                    "{}: {found:?}, {booked:?}; expected {:?}, {:?}",
                    row.what, row.expected, row.booked
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 50, "{count}");
}

trait ConcatRows {
    fn concat_rows(self) -> Vec<Row>;
}

impl<const N: usize> ConcatRows for [Vec<Row>; N] {
    fn concat_rows(self) -> Vec<Row> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn a_severity_near_ours_is_kept_and_one_bad_finding_lost() {
    let findings =
        r#"[{"severity":" HIGH ","start_line":1,"message":"a"},{"severity":7,"start_line":2,"message":"b"}]"#;
    let text = whole().replace(r#"[{"severity":"warning","start_line":1,"message":"m"}]"#, findings);
    let answer = client(ApiFamily::ChatCompletions).read_apart(200, says(&text).as_bytes()).unwrap();
    let replies = read(prompt().parts(), &answer).unwrap();
    let Some(PartReply::Report { analysis, .. }) = replies.last() else { panic!("{replies:?}") };
    let Analysis::Analysis(report) = &**analysis else { panic!("{analysis:?}") };
    assert_eq!((report.findings.len(), report.findings[0].severity), (1, Severity::Error));
    assert!(report.seen.not_covered[0].starts_with("1 of 2 findings"), "{:?}", report.seen.not_covered);
}

/// A limit of time in whatever words never parks everything until a person comes.
#[test]
fn a_limit_of_time_is_waited_for_whatever_it_is_called() {
    let words = [
        "Rate limit reached for requests",
        "Quota exceeded: 15 requests per minute. Upgrade your plan or check billing.",
        "Too Many Requests; add credits for a higher limit",
        "Please try again in 20s. Visit your billing page to add a payment method.",
        "RESOURCE_EXHAUSTED",
    ];
    for text in words {
        for code in [402, 403, 429] {
            let body = format!(r#"{{"error":{{"message":{}}}}}"#, json(text));
            let failure = client(ApiFamily::ChatCompletions).read_apart(code, body.as_bytes()).unwrap_err();
            assert!(matches!(failure.kind, FailureKind::RateLimited { .. }), "{code} {text}: {failure:?}");
            assert!(failure.message.contains(text) && !failure.may_be_billed, "{failure:?}");
        }
    }
}
