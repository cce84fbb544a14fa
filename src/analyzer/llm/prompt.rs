//! What a model is asked about one file: one question, or several together. The file stands between markers that its text cannot contain.
//!
//! A question that is asked alone has its instructions first. Questions that are asked together have the file first and what they ask
//! last: whatever is asked about a file next begins with the same bytes, and providers bill a repeated beginning less.
//!
//! A [`Prompt`] can only be made here, and everything in it that comes from a repository or from a model has been through
//! [`secrets::redact`]. No path is shown, of the repository or of the machine.

use super::context::{FileContext, context};
use super::excerpt::{Excerpt, excerpt};
use super::reply::Malformed;
use super::template::Prompts;
use super::{Limits, secrets};
use crate::analyzer::items::{CutFile, CutItem};
use crate::analyzer::{Coverage, FileSubject, UsedSymbol};
use crate::domain::{AnalysisType, Hash};

/// Most bytes of a malformed reply that are shown to the model again.
const MOST_OF_A_REPLY: usize = 4 * 1024;

/// Order of questions that are asked together: those about the file alone come before the signatures that they are not about.
const TOGETHER: [AnalysisType; 4] =
    [AnalysisType::Docs, AnalysisType::Todos, AnalysisType::Refactor, AnalysisType::Analysis];

/// Why there is nothing to ask about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToShow {
    #[error("the file is empty")]
    Empty,
    #[error("its first line alone is longer than the {max_bytes} bytes that a model is shown (max_input_bytes)")]
    FirstLineTooLong { max_bytes: usize },
    #[error("no question is asked about it")]
    NoQuestion,
}

/// What is asked of one type, and what of the file it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptPart {
    pub analysis_type: AnalysisType,
    /// How much of the file is shown, and what was taken out of it.
    pub seen: Coverage,
    /// The symbols of other files that are shown for this question.
    pub shown: Vec<UsedSymbol>,
    /// Those symbols, between markers.
    uses: String,
    /// The question as it stands among others.
    asks: String,
    /// The instructions of the question alone.
    instructions: String,
}

impl PromptPart {
    /// What reading the answer to a question takes, when the question itself is gone: it was sent in a batch.
    pub fn kept(analysis_type: AnalysisType, seen: Coverage, shown: Vec<UsedSymbol>) -> Self {
        let (uses, asks, instructions) = (String::new(), String::new(), String::new());
        Self { analysis_type, seen, shown, uses, asks, instructions }
    }
}

/// One request's worth of questions about one file, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    parts: Vec<PromptPart>,
    instructions: String,
    question: String,
    /// Bytes at the beginning of `question` that every request about this file begins with.
    shared_bytes: usize,
    seen: Coverage,
    /// More requests that begin alike follow at once.
    is_kept: bool,
}

impl Prompt {
    /// What is asked, each type once; never empty.
    pub fn parts(&self) -> &[PromptPart] {
        &self.parts
    }

    /// What is the same for every file.
    pub fn instructions(&self) -> &str {
        &self.instructions
    }

    /// The file and what belongs to it.
    pub fn question(&self) -> &str {
        &self.question
    }

    /// [`Prompt::question`] in two: what every request about this file begins with (empty if it is a question alone), and the rest.
    pub fn halves(&self) -> (&str, &str) {
        self.question.split_at(self.shared_bytes)
    }

    /// The same, before more requests that begin alike: a provider that bills for keeping what it has read is asked to keep it.
    pub fn kept(self) -> Self {
        Self { is_kept: true, ..self }
    }

    pub(super) const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// How much of the file is shown, and what was taken out of what is shown.
    pub const fn seen(&self) -> &Coverage {
        &self.seen
    }

    /// Some of its questions, asked together as they are here: the request begins with the same bytes.
    pub fn only(&self, types: &[AnalysisType]) -> Self {
        let parts: Vec<PromptPart> =
            self.parts.iter().filter(|part| types.contains(&part.analysis_type)).cloned().collect();
        together(self.instructions.clone(), self.halves().0.to_owned(), parts)
    }
}

/// A file as a model is shown it.
struct ShownFile {
    excerpt: Excerpt,
    redactions: secrets::Redactions,
}

impl ShownFile {
    fn new(subject: &FileSubject<'_>, limits: &Limits) -> Result<Self, NothingToShow> {
        if subject.text.trim().is_empty() {
            return Err(NothingToShow::Empty);
        }
        let file = secrets::redact(subject.text);
        let excerpt = excerpt(subject.text, &file.text, limits.max_input_bytes);
        if excerpt.lines == 0 {
            return Err(NothingToShow::FirstLineTooLong { max_bytes: limits.max_input_bytes });
        }
        Ok(Self { excerpt, redactions: file.redactions })
    }

    /// The lines of some items, and the signatures of the rest.
    fn of_parts(&self, cut: &CutFile, shown: &[bool], tag: &str) -> String {
        let lines: Vec<&str> = self.excerpt.text.lines().collect();
        let line = |number: u32| lines.get(usize::try_from(number).ok()?.checked_sub(1)?).copied();
        let mut text = String::new();
        for (item, &is_shown) in cut.items.iter().zip(shown).filter(|(item, _)| item.start <= self.excerpt.lines) {
            if is_shown {
                (item.start..=item.end).filter_map(line).for_each(|line| text.extend([line, "\n"]));
                continue;
            }
            item.heads.iter().for_each(|head| text.extend(["~|", &CutItem::shortened(head), "\n"]));
        }
        format!(
            "The file has {} lines. Those that have not changed since you were asked last are left out; in their place stand the signatures \
             of what they declare, in lines that begin with `~|`. Name problems of the numbered lines alone; a summary is of the whole \
             file.\n=== file {tag} ===\n{text}=== end {tag} ===\n",
            self.excerpt.lines
        )
    }

    /// A question about it that also shows these signatures.
    fn part(&self, prompts: &Prompts, analysis_type: AnalysisType, uses: ShownUses) -> PromptPart {
        let mut seen = self.excerpt.seen.clone();
        seen.redacted = sum(self.redactions.clone(), uses.redactions.clone());
        let also = if uses.context.shown.is_empty() { "" } else { ", about the file and what it uses" };
        PromptPart {
            analysis_type,
            seen,
            uses: uses.between_markers(&tag(&[&uses.text, &self.excerpt.text])),
            asks: format!("Question `{analysis_type}`{also}:\n{}", prompts.question(analysis_type)),
            instructions: prompts.alone(analysis_type),
            shown: uses.context.shown,
        }
    }

    fn between_markers(&self, tag: &str) -> String {
        let Excerpt { text, lines, .. } = &self.excerpt;
        format!("The file, lines 1 to {lines}:\n=== file {tag} ===\n{text}=== end {tag} ===\n")
    }
}

/// What a file uses of others, as a question shows it.
struct ShownUses {
    context: FileContext,
    text: String,
    redactions: secrets::Redactions,
}

impl ShownUses {
    fn new(analysis_type: AnalysisType, subject: &FileSubject<'_>, limits: &Limits) -> Self {
        let context = context(analysis_type, subject.uses, limits.max_context_bytes);
        let signatures = secrets::redact(&context.text);
        Self { context, text: signatures.text, redactions: signatures.redactions }
    }

    fn between_markers(&self, tag: &str) -> String {
        let mut shown = String::new();
        if !self.text.is_empty() {
            shown.push_str(&format!(
                "What the file uses of other files, with the present signatures:\n=== uses {tag} ===\n{}=== end {tag} ===\n",
                self.text
            ));
        }
        if self.context.left_out > 0 {
            shown.push_str("It uses more, which is not shown.\n");
        }
        shown
    }
}

/// Makes one question about one file, to be asked alone. It is a function of its arguments alone.
///
/// # Errors
/// If there is nothing of the file to show; then there is nothing to ask.
pub fn render(
    prompts: &Prompts,
    analysis_type: AnalysisType,
    subject: &FileSubject<'_>,
    limits: &Limits,
) -> Result<Prompt, NothingToShow> {
    let file = ShownFile::new(subject, limits)?;
    let uses = ShownUses::new(analysis_type, subject, limits);
    let tag = tag(&[&file.excerpt.text, &uses.text]);
    let question = format!("{}{}{}", head(subject), uses.between_markers(&tag), file.between_markers(&tag));
    let part = file.part(prompts, analysis_type, uses);
    Ok(Prompt {
        seen: part.seen.clone(),
        instructions: part.instructions.clone(),
        parts: vec![part],
        question,
        shared_bytes: 0,
        is_kept: false,
    })
}

/// Makes several questions about one file, to be asked together, or one as it would be asked there. Each is about what it would be about
/// alone: signatures stand behind the questions that are not about them.
///
/// # Errors
/// If there is nothing of the file to show, or no question.
pub fn render_together(
    prompts: &Prompts,
    types: &[AnalysisType],
    subject: &FileSubject<'_>,
    limits: &Limits,
) -> Result<Prompt, NothingToShow> {
    let file = ShownFile::new(subject, limits)?;
    let shared = head(subject) + &file.between_markers(&tag(&[&file.excerpt.text]));
    let asked = TOGETHER.into_iter().filter(|one| types.contains(one));
    let part = |one| file.part(prompts, one, ShownUses::new(one, subject, limits));
    let parts: Vec<PromptPart> = asked.map(part).collect();
    if parts.is_empty() {
        return Err(NothingToShow::NoQuestion);
    }
    Ok(together(prompts.frame(), shared, parts))
}

/// Cuts a file into its items, with its secrets taken out before; `None`: it has none.
pub fn cut(subject: &FileSubject<'_>) -> Option<CutFile> {
    CutFile::new(subject.language, &secrets::redact(subject.text).text)
}

/// Makes questions about some items of a [`cut`] file, to be asked together, with the signatures of the rest.
///
/// # Errors
/// If there is nothing of the file to show, or no question.
pub fn render_parts(
    prompts: &Prompts,
    types: &[AnalysisType],
    subject: &FileSubject<'_>,
    limits: &Limits,
    (cut, shown): (&CutFile, &[bool]),
) -> Result<Prompt, NothingToShow> {
    let file = ShownFile::new(subject, limits)?;
    let tag = tag(&[&file.excerpt.text, &cut.heads()]);
    let shared = head(subject) + &file.of_parts(cut, shown, &tag);
    let asked = TOGETHER.into_iter().filter(|one| types.contains(one));
    let part = |one| file.part(prompts, one, ShownUses::new(one, subject, limits));
    let parts: Vec<PromptPart> = asked.map(part).collect();
    if parts.is_empty() {
        return Err(NothingToShow::NoQuestion);
    }
    Ok(together(prompts.frame(), shared, parts))
}

/// The file, then what each question shows and asks, then what the reply has to look like.
fn together(instructions: String, shared: String, parts: Vec<PromptPart>) -> Prompt {
    let shared_bytes = shared.len();
    let (mut question, mut seen) = (shared, Coverage::default());
    let mut uses_are_shown = false;
    for part in &parts {
        question.push('\n');
        if !uses_are_shown {
            question.push_str(&part.uses);
            uses_are_shown = !part.uses.is_empty();
        }
        question.push_str(&part.asks);
        if seen.redacted.len() <= part.seen.redacted.len() {
            seen = part.seen.clone();
        }
    }
    question.push_str(&reply_to(&parts));
    Prompt { parts, instructions, question, shared_bytes, seen, is_kept: false }
}

/// What the reply to questions has to look like.
fn reply_to(parts: &[PromptPart]) -> String {
    if parts.len() == 1 {
        return "\nReply with one JSON object and nothing else, of the form of that answer.\n".to_owned();
    }
    let keys: Vec<String> = parts.iter().map(|part| format!("\"{}\": {{...}}", part.analysis_type)).collect();
    format!(
        "\nReply with one JSON object and nothing else; it holds the answer to each question under the question's name:\n{{{}}}\n",
        keys.join(", ")
    )
}

/// Asks a question again after an answer to it that could not be used: the complaint and the answer, without the file.
pub fn repair(prompt: &Prompt, malformed: &Malformed, reply: &str) -> Prompt {
    // cut afterwards: half of a secret looks like none
    let reply = secrets::redact(reply).text;
    let reply = &reply[..reply.floor_char_boundary(MOST_OF_A_REPLY)];
    let complaint = secrets::redact(&malformed.to_string()).text;
    let tag = tag(&[reply]);
    let question = format!(
        "Your reply about a file of {} lines could not be used: {complaint}.\nThis was the reply:\n=== reply {tag} ===\n{reply}\n=== \
         end {tag} ===\nReply again, with the corrected JSON object and nothing else. Leave out what you cannot correct.\n",
        prompt.seen().seen_lines
    );
    let alone = prompt.parts.first().map_or_else(|| prompt.instructions.clone(), |part| part.instructions.clone());
    Prompt { question, instructions: alone, shared_bytes: 0, is_kept: false, ..prompt.clone() }
}

fn head(subject: &FileSubject<'_>) -> String {
    format!("Language: {}. Role: {}.\n", subject.language, subject.role)
}

/// Eight hex digits that stand nowhere in the texts; the same texts give the same ones.
fn tag(texts: &[&str]) -> String {
    let mut seed = Hash::of_fields(texts.iter().map(|text| text.as_bytes()));
    loop {
        let tag = seed.to_string()[..8].to_owned();
        if !texts.iter().any(|text| text.contains(&tag)) {
            return tag;
        }
        seed = Hash::of(seed.as_bytes());
    }
}

fn sum(mut all: secrets::Redactions, more: secrets::Redactions) -> secrets::Redactions {
    more.into_iter().for_each(|(kind, count)| *all.entry(kind).or_default() += count);
    all
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
