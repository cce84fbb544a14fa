//! What names mean in Go by convention.

use crate::language::eval::facts::{BindingKind, Flags};
use crate::language::eval::rules::{CallRole, ClassFacts, ClassNames, ContainerRole, Rules, TypeRole};
use crate::language::{Symbol, SymbolKind};

pub(super) struct GoRules;

impl Rules for GoRules {
    fn class_names(&self) -> ClassNames {
        ClassNames::Never
    }

    fn is_structural(&self) -> bool {
        true
    }

    fn has_embedding(&self) -> bool {
        true
    }

    fn has_open_classes(&self) -> bool {
        true
    }

    fn exports_all(&self) -> bool {
        true
    }

    fn star_brings(&self, name: &str) -> bool {
        name.starts_with(char::is_uppercase)
    }

    fn constructors(&self) -> &'static [&'static str] {
        &[]
    }

    fn call_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn element_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn next_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn index_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn enter_members(&self) -> &'static [&'static str] {
        &[]
    }

    /// `atomic.Pointer[T]`
    fn type_role(&self, name: &str) -> Option<TypeRole> {
        (name == "Pointer").then_some(TypeRole::ContainerOf(0))
    }

    fn call_role(&self, name: &str) -> Option<CallRole> {
        Some(match name {
            "append" | "min" | "max" | "slices.Clone" | "slices.Compact" | "slices.Insert" | "slices.Delete"
            | "slices.Grow" | "slices.Clip" | "slices.Concat" | "maps.Clone" | "cmp.Or" => CallRole::Same,
            "slices.Max" | "slices.Min" | "slices.MaxFunc" | "slices.MinFunc" => CallRole::Pick,
            "slices.Values" | "slices.Collect" | "slices.Sorted" | "maps.Values" => CallRole::Collect,
            "maps.Keys" => CallRole::Pairs,
            _ => return None,
        })
    }

    fn container_role(&self, member: &str) -> Option<ContainerRole> {
        matches!(member, "Load" | "Swap").then_some(ContainerRole::Held)
    }

    fn is_own_type(&self, _name: &str) -> bool {
        false
    }

    /// One that says which types it is of is a bound of type parameters, and no value has it as its type.
    fn is_interface(&self, class: &ClassFacts<'_>) -> bool {
        class.binding.kind == BindingKind::Interface && !class.binding.flags.has(Flags::TYPE_ONLY)
    }

    fn implements_by_shape(&self) -> bool {
        true
    }

    fn members_outside(&self, written: &str) -> Option<&'static [&'static str]> {
        Some(match written {
            "any" | "comparable" => &[],
            "error" => &["Error"],
            "fmt.Stringer" => &["String"],
            "io.Reader" => &["Read"],
            "io.Writer" => &["Write"],
            "io.Closer" => &["Close"],
            "io.Seeker" => &["Seek"],
            "io.ReaderAt" => &["ReadAt"],
            "io.WriterAt" => &["WriteAt"],
            "io.ReadCloser" => &["Read", "Close"],
            "io.WriteCloser" => &["Write", "Close"],
            "io.ReadWriter" => &["Read", "Write"],
            "io.ReadSeeker" => &["Read", "Seek"],
            "io.ReadWriteCloser" => &["Read", "Write", "Close"],
            "sort.Interface" => &["Len", "Less", "Swap"],
            "heap.Interface" => &["Len", "Less", "Swap", "Push", "Pop"],
            "http.Handler" => &["ServeHTTP"],
            "json.Marshaler" => &["MarshalJSON"],
            "json.Unmarshaler" => &["UnmarshalJSON"],
            "context.Context" => &["Deadline", "Done", "Err", "Value"],
            _ => return None,
        })
    }

    /// The same parameters and results, as far as names without their packages say.
    fn is_same_shape(&self, wanted: &Symbol, offered: &Symbol) -> bool {
        offered.kind == SymbolKind::Method && shape(wanted) == shape(offered)
    }

    fn head_of<'s>(&self, specifier: &'s str) -> &'s str {
        specifier
    }
}

/// Parameters and results of a method, names without their packages.
fn shape(method: &Symbol) -> String {
    let name = method.name.rsplit('.').next().unwrap_or_default();
    let start = method.signature.find(&format!("{name}(")).map_or(0, |at| at + name.len());
    let written = method.signature.get(start..).unwrap_or_default().replace("interface{}", "any");
    let mut shape = String::new();
    let mut word = String::new();
    for c in written.chars() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else if c == '.' && !word.is_empty() {
            word.clear();
        } else {
            shape.push_str(&word);
            word.clear();
            shape.push(c);
        }
    }
    shape.push_str(&word);
    shape
}
