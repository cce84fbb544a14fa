//! What each rule is about: for readers who meet its name in a report.

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingRule {
    /// Its name in every answer.
    pub id: &'static str,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// Why that matters, and what to do.
    pub help: &'static str,
}

const fn of(id: &'static str, title: &'static str, help: &'static str) -> FindingRule {
    FindingRule { id, title, help }
}

/// The rule of a name; one that is not known is described by the messages of its findings.
pub fn rule(id: &'static str) -> FindingRule {
    let unknown = of(id, "A finding", "Its message says what it is and what to do.");
    RULES.iter().find(|rule| rule.id == id).copied().unwrap_or(unknown)
}

const RULES: &[FindingRule] = &[
    of(
        "async-void",
        "Nothing can wait for it",
        "An error in such a method ends the process. Return a task, so that callers can wait for it.",
    ),
    of(
        "bare-except",
        "Catches everything",
        "A handler without a class also catches an interrupt by the user. Name what can fail.",
    ),
    of(
        "bool-parameters",
        "Several boolean parameters",
        "A call with several booleans does not say what they mean. Use an enum, or a struct of options.",
    ),
    of(
        "broad-except",
        "Catches more than can fail here",
        "A broad handler hides faults that were not expected. Name the classes that are meant.",
    ),
    of(
        "cognitive-complexity",
        "Hard to follow",
        "Nested and interrupted control flow is hard to read. Name its parts as functions of their own.",
    ),
    of(
        "console-output",
        "Prints to the console",
        "Output past the log cannot be filtered or tested. Use a logger, or return the text.",
    ),
    of("deep-indentation", "Deeply indented", "Deep indentation hides the structure. Return early, or split the code."),
    of("deep-nesting", "Deeply nested", "Return early, or give the inner part a function of its own."),
    of(
        "defer-in-loop",
        "Deferred in a loop",
        "What is deferred runs at the end of the function, so it piles up. Give the body a function of its own.",
    ),
    of("duplicate-body", "The same body twice", "Two copies drift apart. Let one call the other."),
    of("explicit-any", "Unchecked type", "`any` switches the type checker off. Name the type, or use `unknown`."),
    of(
        "identity-comparison",
        "Compares identity, not content",
        "Equal texts can be different objects. Compare with `equals`.",
    ),
    of("large-file", "Large file", "A file of this length does several things. Split it along them."),
    of("large-impl", "Many functions in one type", "The type may do more than one thing. Split it."),
    of("large-struct", "Many fields", "Gather the fields that change together in types of their own."),
    of("long-function", "Long function", "Split it along its steps."),
    of("long-lines", "Long lines", "Lines that leave the screen are not read. Break them."),
    of("long-match", "Many arms that do something", "Give the longer arms functions of their own."),
    of("many-parameters", "Many parameters", "Gather the parameters that go together in a type."),
    of("missing-annotation", "No types", "Annotate parameters and result, as most functions of the file do."),
    of(
        "mutable-default",
        "Shared mutable default",
        "The default is made once and shared by all calls. Use None, and make it inside.",
    ),
    of("needless-bool", "Needless condition", "Use the condition itself."),
    of("non-null-assertions", "Asserted not to be null", "The first assertion that is wrong throws. Check instead."),
    of("panics", "Can panic", "A panic ends the program of the caller. Return an error, or say why it cannot happen."),
    of("public-field", "Field that others can set", "Make it a property, or let only its type set it."),
    of("star-import", "Imports everything", "Readers do not see where a name comes from. Import what is used."),
    of("swallowed-errors", "Drops an error", "Handle it, return it, or say in a comment why it does not matter."),
    of("undocumented-unsafe", "Unsafe without a reason", "Say in a `SAFETY` comment why its conditions hold."),
    of("unfinished", "Not written yet", "Calling this fails. Write it, or remove it."),
    of("unused-import", "Unused import", "Remove it."),
    of("unusual-signature", "Unusual signature", "Readers expect the order that the language's own library uses."),
    of("other", "Found by a model", "Its message says what it is. A model can be wrong: check it."),
    of(super::finding::MISSING_DOC, "Public without documentation", "Say in one line what it is for."),
    of(
        super::finding::MISSING_DOC_SECTION,
        "Documentation lacks a section",
        "Say when it fails, when it panics, or what its caller has to ensure.",
    ),
    of(
        super::finding::UNRESOLVED,
        "Names nothing in this repository",
        "The file refers to something of this repository that is not there: renamed, moved, deleted, or made by a macro.",
    ),
    of(super::finding::MODEL_FINDING, "Found by a model", "A model can be wrong: check what its message says."),
    of("todo", "Note: to be done", "Do it, or move it to where tasks are kept."),
    of("fixme", "Note: known to be wrong", "This is known to be wrong. Fix it, or say why it can stay."),
    of("hack", "Note: a makeshift", "Say what it works around, and when it can go."),
    of("xxx", "Note: attention", "This is marked as dangerous. Resolve it."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{SmellKind, TodoTag};

    /// Every kind of smell, by its stored name.
    const SMELLS: &str = "async-void bare-except bool-parameters broad-except cognitive-complexity console-output deep-indentation deep-nesting \
        defer-in-loop duplicate-body explicit-any identity-comparison large-file large-impl large-struct long-function long-lines \
        long-match many-parameters missing-annotation mutable-default needless-bool non-null-assertions panics public-field star-import \
        swallowed-errors undocumented-unsafe unfinished unused-import unusual-signature other";

    #[test]
    fn every_kind_has_a_rule_and_every_rule_is_one() {
        let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        for kind in SMELLS.split_whitespace() {
            let quoted = format!("\"{kind}\"");
            let kind: SmellKind = serde_json::from_str(&quoted).unwrap();
            assert!(ids.contains(&kind.as_str()), "{quoted}");
        }
        assert!(TodoTag::ALL.iter().all(|tag| ids.contains(&tag.as_str().to_lowercase().as_str())));
        ids.sort_unstable();
        let number = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), number);
        assert_eq!(rule("no-such-rule").id, "no-such-rule");
    }
}
