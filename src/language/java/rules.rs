//! What names mean in Java by convention.

use crate::language::eval::CONSTRUCTOR;
use crate::language::eval::facts::Flags;
use crate::language::eval::rules::{CallRole, ClassFacts, ClassNames, ContainerRole, Rules, TypeRole};

pub(super) struct JavaRules;

impl Rules for JavaRules {
    fn class_names(&self) -> ClassNames {
        ClassNames::OwnBody
    }

    fn is_packaged(&self) -> bool {
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
        &[]
    }

    fn element_members(&self) -> &'static [&'static str] {
        &["iterator"]
    }

    fn next_members(&self) -> &'static [&'static str] {
        &["next"]
    }

    fn index_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn enter_members(&self) -> &'static [&'static str] {
        &["close"]
    }

    fn type_role(&self, name: &str) -> Option<TypeRole> {
        Some(match name {
            "Map"
            | "HashMap"
            | "LinkedHashMap"
            | "TreeMap"
            | "SortedMap"
            | "NavigableMap"
            | "ConcurrentMap"
            | "ConcurrentHashMap"
            | "ConcurrentSkipListMap"
            | "WeakHashMap"
            | "IdentityHashMap"
            | "EnumMap"
            | "Entry"
            | "Function" => TypeRole::ContainerOf(1),
            "BiFunction" => TypeRole::ContainerOf(2),
            _ => return None,
        })
    }

    fn call_role(&self, name: &str) -> Option<CallRole> {
        Some(match name {
            "requireNonNull"
            | "requireNonNullElse"
            | "checkNotNull"
            | "unmodifiableList"
            | "unmodifiableSet"
            | "unmodifiableMap"
            | "unmodifiableCollection"
            | "copyOf"
            | "stream" => CallRole::Same,
            "of" | "asList" | "singletonList" | "singleton" | "ofNullable" | "completedFuture" => CallRole::Hold,
            _ => return None,
        })
    }

    fn container_role(&self, member: &str) -> Option<ContainerRole> {
        Some(match member {
            "get" | "getOrDefault" | "getFirst" | "getLast" | "first" | "last" | "next" | "previous" | "remove"
            | "poll" | "pollFirst" | "pollLast" | "peekFirst" | "peekLast" | "element" | "pop" | "take" | "orElse"
            | "orElseGet" | "orElseThrow" | "getValue" | "put" | "putIfAbsent" | "computeIfAbsent"
            | "computeIfPresent" | "compute" | "merge" | "newInstance" | "cast" | "join" | "call" | "apply"
            | "getAndSet" | "getPlain" | "floor" | "ceiling" | "higher" | "lower" | "removeFirst" | "removeLast"
            | "getNow" | "invoke" | "reduce" => ContainerRole::Held,
            "iterator" | "listIterator" | "stream" | "parallelStream" | "filter" | "sorted" | "distinct" | "limit"
            | "skip" | "peek" | "values" | "entrySet" | "subList" | "findFirst" | "findAny" | "min" | "max" | "or"
            | "toList" | "toArray" | "clone" | "descendingIterator" | "headMap" | "tailMap" | "subMap" | "headSet"
            | "tailSet" | "collect" | "takeWhile" | "dropWhile" | "reversed" | "whenComplete" | "exceptionally"
            | "firstEntry" | "lastEntry" | "pollFirstEntry" | "floorEntry" | "ceilingEntry" => ContainerRole::Same,
            "map" | "thenApply" | "thenApplyAsync" | "mapToObj" => ContainerRole::Mapped,
            "flatMap" | "thenCompose" => ContainerRole::Flat,
            _ => return None,
        })
    }

    /// By the phases of the language: the same type, one above it, a boxed one, all objects.
    fn fit(&self, given: Option<&str>, taken: Option<&str>) -> Option<u32> {
        match (given, taken) {
            (Some(given), Some(taken)) if given == taken => Some(0),
            (Some("null"), taken) if !taken.is_some_and(is_primitive) => {
                Some(if taken == Some("Object") { OF_OBJECTS } else { 0 })
            }
            (Some("null" | "Object"), _) => None,
            (_, Some("Object")) => Some(OF_OBJECTS),
            (Some(given), Some(taken)) => fit_of_names(given, taken),
            (None, Some(taken)) => (!is_last(taken)).then_some(ABOVE),
            (Some(given), None) => (!is_last(given)).then_some(UNKNOWN),
            (None, None) => None,
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

/// Each primitive type, its boxed one, and the wider ones, the nearest first.
const PRIMITIVES: [(&str, &str, &[&str]); 8] = [
    ("boolean", "Boolean", &[]),
    ("byte", "Byte", &["short", "int", "long", "float", "double"]),
    ("short", "Short", &["int", "long", "float", "double"]),
    ("char", "Character", &["int", "long", "float", "double"]),
    ("int", "Integer", &["long", "float", "double"]),
    ("long", "Long", &["float", "double"]),
    ("float", "Float", &["double"]),
    ("double", "Double", &[]),
];

/// Costs of taking an argument: a wider type costs its place.
const BOXED: u32 = 20;
const OF_TEXT: u32 = 25;
/// A type of the library that may be above another.
const ABOVE: u32 = 40;
const OF_OBJECTS: u32 = 90;
/// A type of the library that may be below one of the repository.
const UNKNOWN: u32 = 95;

fn is_primitive(name: &str) -> bool {
    PRIMITIVES.iter().any(|(primitive, _, _)| *primitive == name)
}

/// Whether nothing is below the type, and only what is written here above it.
fn is_last(name: &str) -> bool {
    name == "String" || PRIMITIVES.iter().any(|(primitive, boxed, _)| *primitive == name || *boxed == name)
}

fn fit_of_names(given: &str, taken: &str) -> Option<u32> {
    let is_above_all = matches!(taken, "Comparable" | "Serializable" | "Constable");
    if let Some((primitive, boxed, wider)) = PRIMITIVES.iter().find(|one| given == one.0 || given == one.1) {
        let wider = wider.iter().position(|wider| *wider == taken).map(|at| at as u32 + 1);
        return match (given == *primitive, wider) {
            (true, Some(steps)) => Some(steps),
            (false, Some(steps)) => Some(BOXED + steps),
            _ if taken == *primitive || taken == *boxed => Some(BOXED),
            _ => (is_above_all || taken == "Number").then_some(ABOVE),
        };
    }
    match given {
        "String" if taken == "CharSequence" => Some(OF_TEXT),
        "String" => is_above_all.then_some(ABOVE),
        _ => (!is_last(taken)).then_some(ABOVE),
    }
}
