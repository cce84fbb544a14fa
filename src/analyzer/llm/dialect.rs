//! How a server wants to be spoken to. The families of APIs leave three things open: how a reply is held to a form, what the limit of
//! its length is called, and whether a temperature may be named. Each is tried the best way first and unlearned when the server
//! refuses it.

/// How the form of a reply is asked for, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Structure {
    /// By a JSON schema.
    Schema,
    /// As some JSON object.
    Object,
    /// In the prompt alone.
    Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    structure: Structure,
    /// `max_completion_tokens`, else `max_tokens`.
    pub completion_limit: bool,
    /// Whether the other name of the limit was refused.
    limit_is_settled: bool,
    pub temperature: bool,
    /// A schema is sent with several questions, too. It is read like the rest of a prompt and would be a sixth of one; the form is in the
    /// words of the questions anyway. On the user's own machine it costs nothing, and small models need it.
    pub schema_together: bool,
    /// Whether a request in this dialect was ever answered.
    proven: bool,
}

/// What servers say of a prompt that does not fit into the model: no other dialect makes it shorter.
const TOO_LONG: [&str; 5] = ["context length", "context_length", "context size", "context window", "too long"];

impl Dialect {
    pub(super) const fn new(completion_limit: bool) -> Self {
        Self::with(Structure::Schema, completion_limit)
    }

    /// The form of a reply is asked for in the prompt alone, and the limit of its length has one name.
    pub(super) const fn in_words() -> Self {
        Self { limit_is_settled: true, ..Self::with(Structure::Words, false) }
    }

    const fn with(structure: Structure, completion_limit: bool) -> Self {
        Self {
            structure,
            completion_limit,
            limit_is_settled: false,
            temperature: true,
            schema_together: false,
            proven: false,
        }
    }

    pub(super) const fn with_schemas_together(self) -> Self {
        Self { schema_together: true, ..self }
    }

    /// How the form of the reply to so many questions is asked for.
    pub(super) fn structure_for(self, questions: usize) -> Structure {
        match self.structure {
            Structure::Schema if questions > 1 && !self.schema_together => Structure::Object,
            structure => structure,
        }
    }

    pub(super) const fn proven(self) -> Self {
        Self { proven: true, ..self }
    }

    /// The dialect to use after a server refused this one with a message; none: it is not the dialect that was refused.
    pub(super) fn adapted(self, message: &str) -> Option<Self> {
        let message = message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&TOO_LONG) {
            return None;
        }
        let limit = if self.completion_limit { "max_completion_tokens" } else { "max_tokens" };
        if self.temperature && says(&["temperature"]) {
            return Some(Self { temperature: false, ..self });
        }
        if !self.limit_is_settled && says(&[limit]) {
            return Some(Self { completion_limit: !self.completion_limit, limit_is_settled: true, ..self });
        }
        if says(&["response_format", "json_schema", "json_object", "schema", "grammar", "structured output"]) {
            return self.weaker();
        }
        // a server that only says "bad request" to everything unknown to it
        if self.proven { None } else { self.weaker() }
    }

    fn weaker(self) -> Option<Self> {
        let structure = match self.structure {
            Structure::Schema => Structure::Object,
            Structure::Object => Structure::Words,
            Structure::Words => return None,
        };
        Some(Self { structure, proven: false, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_is_asked_for_more_weakly_until_words_are_left() {
        let object = Dialect::new(false).adapted("'response_format.type' must be 'text'").unwrap();
        let words = object.adapted("json_object is not supported").unwrap();
        assert_eq!((object.structure, words.structure), (Structure::Object, Structure::Words));
        assert_eq!(words.adapted("json_object is not supported"), None);
    }

    #[test]
    fn each_refusal_is_answered_once() {
        let openai = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        let adapted = Dialect::new(false).adapted(openai).unwrap();
        assert!(adapted.completion_limit);
        assert_eq!(adapted.structure, Structure::Schema);
        let cool = adapted.adapted("'temperature' does not support 0 with this model").unwrap();
        assert!(!cool.temperature);
        assert_ne!(cool.adapted(openai), Some(adapted), "it does not go round in circles");
    }

    #[test]
    fn a_bad_request_does_not_change_a_dialect_that_worked() {
        assert!(Dialect::new(false).adapted("bad request").is_some());
        assert_eq!(Dialect::new(false).proven().adapted("bad request"), None);
        for too_long in [
            "the request exceeds the available context size",
            "This model's maximum context length is 8192 tokens; max_tokens is too large",
        ] {
            assert_eq!(Dialect::new(false).adapted(too_long), None, "{too_long}");
        }
    }
}
