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
