//! What names mean in C# by convention.

use super::walk::INDEXER;
use crate::language::eval::CONSTRUCTOR;
use crate::language::eval::facts::Flags;
use crate::language::eval::rules::{CallRole, ClassFacts, ClassNames, ContainerRole, MapRole, Rules, TypeRole};

pub(super) struct SharpRules;

impl Rules for SharpRules {
    fn class_names(&self) -> ClassNames {
        ClassNames::OwnBody
    }

    fn is_packaged(&self) -> bool {
        true
    }

    fn has_namespaces(&self) -> bool {
        true
    }

    fn has_open_classes(&self) -> bool {
        true
    }

    fn exports_all(&self) -> bool {
        true
    }

    fn star_brings(&self, _: &str) -> bool {
        true
    }

    fn constructors(&self) -> &'static [&'static str] {
        &[CONSTRUCTOR]
    }

    fn call_members(&self) -> &'static [&'static str] {
        &["Invoke"]
    }

    fn element_members(&self) -> &'static [&'static str] {
        &["GetEnumerator", "GetAsyncEnumerator"]
    }

    fn next_members(&self) -> &'static [&'static str] {
        &["Current"]
    }

    fn index_members(&self) -> &'static [&'static str] {
        &[INDEXER]
    }

    fn enter_members(&self) -> &'static [&'static str] {
        &["Dispose", "DisposeAsync"]
    }

    fn type_role(&self, name: &str) -> Option<TypeRole> {
        Some(match name.split('`').next().unwrap_or_default() {
            "Task" | "ValueTask" | "Nullable" | "ConfiguredTaskAwaitable" => TypeRole::Plain(0),
            "Func" => TypeRole::Function,
            "Dictionary"
            | "IDictionary"
            | "IReadOnlyDictionary"
            | "ConcurrentDictionary"
            | "SortedDictionary"
            | "SortedList"
            | "ImmutableDictionary"
            | "IImmutableDictionary"
            | "FrozenDictionary" => TypeRole::Mapping,
            "IGrouping" | "ILookup" | "ConditionalWeakTable" => TypeRole::ContainerOf(1),
            "ValueTuple" | "Tuple" | "KeyValuePair" => TypeRole::Tuple,
            _ => return None,
        })
    }

    fn call_role(&self, _: &str) -> Option<CallRole> {
        None
    }

    fn container_role(&self, member: &str) -> Option<ContainerRole> {
        Some(match member {
            "First"
            | "FirstOrDefault"
            | "FirstAsync"
            | "FirstOrDefaultAsync"
            | "Last"
            | "LastOrDefault"
            | "Single"
            | "SingleOrDefault"
            | "SingleAsync"
            | "SingleOrDefaultAsync"
            | "ElementAt"
            | "ElementAtOrDefault"
            | "Max"
            | "Min"
            | "MaxBy"
            | "MinBy"
            | "Aggregate"
            | "Find"
            | "FindLast"
            | "Peek"
            | "Pop"
            | "Dequeue"
            | "Value"
            | "Result"
            | "Current"
            | "GetOrAdd"
            | "AddOrUpdate"
            | "GetValueOrDefault"
            | "Target"
            | "CurrentValue"
            | "GetResult" => ContainerRole::Held,
            "Where" | "OrderBy" | "OrderByDescending" | "ThenBy" | "ThenByDescending" | "ToList" | "ToArray"
            | "ToHashSet" | "ToListAsync" | "ToArrayAsync" | "Take" | "Skip" | "TakeWhile" | "SkipWhile"
            | "Distinct" | "DistinctBy" | "Reverse" | "Concat" | "Union" | "Except" | "Intersect" | "Append"
            | "Prepend" | "AsEnumerable" | "AsQueryable" | "AsReadOnly" | "AsSpan" | "Values" | "FindAll"
            | "GetRange" | "Clone" | "DefaultIfEmpty" | "GetEnumerator" | "ToImmutableArray" | "ToImmutableList"
            | "Order" | "Span" | "Keys" | "GroupBy" | "ToLookup" | "ToDictionary" | "Chunk" | "AsParallel"
            | "AsNoTracking" | "Include" => ContainerRole::Same,
            "Select" | "ConvertAll" => ContainerRole::Mapped,
            "SelectMany" => ContainerRole::Flat,
            _ => return None,
        })
    }

    fn map_role(&self, member: &str) -> Option<MapRole> {
        Some(match member {
            "Key" | "Item1" => MapRole::Key,
            "Value" | "Item2" | "GetOrAdd" | "AddOrUpdate" | "GetValueOrDefault" => MapRole::Value,
            "Keys" => MapRole::Keys,
            "Values" => MapRole::Values,
            _ => return None,
        })
    }

    /// The same type, a wider one, all objects.
    fn fit(&self, given: Option<&str>, taken: Option<&str>) -> Option<u32> {
        match (given, taken) {
            (Some(given), Some(taken)) if given == taken => Some(0),
            (Some("null"), taken) if !taken.is_some_and(is_value) => Some(0),
            (_, Some("object" | "Object" | "dynamic")) => Some(OF_OBJECTS),
            (Some(given), Some(taken)) => fit_of_names(given, taken),
            // A type of a library may be above one of the repository, never below.
            (None, Some(taken)) => (!is_last(taken)).then_some(ABOVE),
            (_, None) => None,
        }
    }

    fn is_own_type(&self, _: &str) -> bool {
        false
    }

    fn is_interface(&self, class: &ClassFacts<'_>) -> bool {
        class.binding.flags.has(Flags::ABSTRACT)
    }

    fn is_abstract_member(&self, member: &ClassFacts<'_>) -> bool {
        member.binding.flags.has(Flags::ABSTRACT)
    }

    fn head_of<'s>(&self, specifier: &'s str) -> &'s str {
        specifier
    }
}

/// Costs of taking an argument: a wider type costs its place.
const ABOVE: u32 = 40;
const OF_OBJECTS: u32 = 90;

/// Each number, and the wider ones, the nearest first.
const NUMBERS: [(&str, &[&str]); 12] = [
    ("sbyte", &["short", "int", "long", "float", "double", "decimal"]),
    ("byte", &["short", "ushort", "int", "uint", "long", "ulong", "float", "double", "decimal"]),
    ("short", &["int", "long", "float", "double", "decimal"]),
    ("ushort", &["int", "uint", "long", "ulong", "float", "double", "decimal"]),
    ("int", &["long", "float", "double", "decimal", "nint", "byte", "short", "uint", "ulong", "ushort", "sbyte"]),
    ("uint", &["long", "ulong", "float", "double", "decimal"]),
    ("long", &["float", "double", "decimal", "ulong"]),
    ("ulong", &["float", "double", "decimal"]),
    ("char", &["ushort", "int", "uint", "long", "ulong", "float", "double", "decimal"]),
    ("float", &["double"]),
    ("double", &[]),
    ("decimal", &[]),
];

fn is_value(name: &str) -> bool {
    name == "bool" || NUMBERS.iter().any(|(number, _)| *number == name)
}

/// Whether nothing is below the type, and only what is written here above it.
fn is_last(name: &str) -> bool {
    is_value(name) || name == "string"
}

fn fit_of_names(given: &str, taken: &str) -> Option<u32> {
    if let Some((_, wider)) = NUMBERS.iter().find(|(number, _)| *number == given) {
        let wider = wider.iter().position(|wider| *wider == taken).map(|at| at as u32 + 1);
        let is_above_all = matches!(taken, "IComparable" | "IFormattable" | "IConvertible" | "ValueType");
        return wider.or(is_above_all.then_some(ABOVE));
    }
    let is_text = matches!(taken, "IEnumerable`1" | "ReadOnlySpan`1" | "IComparable" | "IEnumerable" | "StringValues");
    match given {
        "string" => is_text.then_some(ABOVE),
        "bool" => None,
        _ => (!is_last(taken)).then_some(ABOVE),
    }
}
