//! Types and their arguments.

use pest::iterators::Pair;

use super::{Lowerer, Rule, parts, written};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Bounds, FloatKind, IntKind, Path, Type, TypeKind};
use crate::source::Span;

/// Types of other languages that stand alone, and what is meant by them.
const FOREIGN: &[(&str, &str)] = &[
    ("String", "string"),
    ("str", "string"),
    ("BSTR", "string"),
    ("LPWSTR", "string"),
    ("LPCWSTR", "string"),
    ("LPSTR", "string"),
    ("wstring", "string"),
    ("char", "u32"),
    ("wchar_t", "u16"),
    ("usize", "u64"),
    ("isize", "i64"),
    ("size_t", "u64"),
    ("int", "i32"),
    ("uint", "u32"),
    ("unsigned", "u32"),
    ("long", "i32"),
    ("hyper", "i64"),
    ("short", "i16"),
    ("byte", "u8"),
    ("small", "i8"),
    ("boolean", "bool"),
    ("BOOL", "bool"),
    ("float", "f32"),
    ("double", "f64"),
    ("BYTE", "u8"),
    ("WORD", "u16"),
    ("DWORD", "u32"),
    ("QWORD", "u64"),
    ("ULONG", "u32"),
    ("LONG", "i32"),
    ("UINT", "u32"),
    ("INT", "i32"),
    ("uint8", "u8"),
    ("uint16", "u16"),
    ("uint32", "u32"),
    ("uint64", "u64"),
    ("int8", "i8"),
    ("int16", "i16"),
    ("int32", "i32"),
    ("int64", "i64"),
    ("uint8_t", "u8"),
    ("uint16_t", "u16"),
    ("uint32_t", "u32"),
    ("uint64_t", "u64"),
    ("int8_t", "i8"),
    ("int16_t", "i16"),
    ("int32_t", "i32"),
    ("int64_t", "i64"),
];

/// A type between `<` and `>`, and how it is written.
struct Argument {
    ty: Type,
    text: String,
}

/// The arguments of a type, sorted by what they are.
#[derive(Default)]
struct Arguments {
    types: Vec<Argument>,
    bounds: Option<Bounds>,
    /// Something was wrong with one of them, and told.
    broken: bool,
}

impl Lowerer<'_> {
    /// Reads a type; `None` if something is wrong with it, which is told.
    pub(super) fn ty(&mut self, pair: Pair<'_, Rule>) -> Option<Type> {
        let mut inner = parts(pair);
        let base = inner.next()?;
        let marks: Vec<_> = inner.map(|mark| self.span(&mark)).collect();
        let ty = self.base(base)?;
        let Some(first) = marks.first() else { return Some(ty) };
        if let Some(second) = marks.get(1) {
            let message = "an optional value is optional once";
            let told = Diagnostic::error(codes::BAD_TYPE_ARGUMENTS, message, *second)
                .label("says nothing new")
                .fix("remove it", *second, "");
            self.found.push(told);
        }
        let span = ty.span.to(*first);
        Some(Type::new(TypeKind::Optional(Box::new(ty)), span))
    }

    fn base(&mut self, pair: Pair<'_, Rule>) -> Option<Type> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::unit_ty => TypeKind::Unit,
            Rule::array_ty => {
                let mut inner = parts(pair);
                let item = self.ty(inner.next()?);
                let length = self.expr(inner.next()?);
                TypeKind::Array(Box::new(item?), Box::new(length?))
            }
            Rule::tuple_ty => {
                let items: Vec<_> = parts(pair).map(|item| self.ty(item)).collect();
                TypeKind::Tuple(items.into_iter().collect::<Option<_>>()?)
            }
            Rule::named_ty => return self.named(pair, span),
            _ => return None,
        };
        Some(Type::new(kind, span))
    }

    fn named(&mut self, pair: Pair<'_, Rule>, span: Span) -> Option<Type> {
        let mut inner = parts(pair);
        let path = self.path(inner.next()?);
        let name = path.to_string();
        let declared = self.reading.declared.contains(&name);
        if !declared && name == "handle" {
            return Some(Type::new(self.handle(inner.next(), span)?, span));
        }
        let arguments = match inner.next() {
            Some(arguments) => self.arguments(arguments),
            None => Arguments::default(),
        };
        if arguments.broken {
            return None;
        }
        if !declared && let Some(ty) = self.foreign(&path, &name, &arguments, span) {
            return Some(ty);
        }
        let name_span = path.span();
        let kind = self.built_in(&name, path, arguments, span)?;
        let is_name = matches!(kind, TypeKind::Unresolved(_));
        Some(Type::new(kind, if is_name { name_span } else { span }))
    }

    /// Types and bounds may come in any order here; which belong is for the type to say.
    fn arguments(&mut self, pair: Pair<'_, Rule>) -> Arguments {
        let mut arguments = Arguments::default();
        for argument in parts(pair).filter_map(|argument| argument.into_inner().next()) {
            let span = self.span(&argument);
            match argument.as_rule() {
                Rule::ty => {
                    let text = written(&argument).to_owned();
                    match self.ty(argument) {
                        Some(ty) => arguments.types.push(Argument { ty, text }),
                        None => arguments.broken = true,
                    }
                }
                Rule::range => match self.range(argument) {
                    Some(_) if arguments.bounds.is_some() => {
                        let told =
                            Diagnostic::error(codes::BAD_BOUND, "a type has one range", span)
                                .label("both ends stand in one: `1..=9`");
                        self.found.push(told);
                    }
                    Some(bounds) => arguments.bounds = Some(bounds),
                    None => arguments.broken = true,
                },
                Rule::bare_bound => {
                    let told = Diagnostic::error(codes::BAD_BOUND, "a bound is a range", span)
                        .label("the most, the least, or both?")
                        .suggest("for at most so many, write `..=`", span.before(), "..=");
                    self.found.push(told);
                    arguments.broken = true;
                }
                Rule::rights => {
                    let message = "alternatives are not types";
                    let told = Diagnostic::error(codes::BAD_TYPE_ARGUMENTS, message, span)
                        .label("only handles have rights");
                    self.found.push(told);
                    arguments.broken = true;
                }
                _ => {}
            }
        }
        arguments
    }

    /// `..=N`, `M..=N` or `M..`
    fn range(&mut self, pair: Pair<'_, Rule>) -> Option<Bounds> {
        let span = self.span(&pair);
        let (mut min, mut max, mut complete) = (None, None, true);
        let mut operator: Option<(bool, Span)> = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::range_op {
                operator = Some((part.as_str() == "..=", self.span(&part)));
                continue;
            }
            let bound = self.expr(part).map(Box::new);
            complete &= bound.is_some();
            if operator.is_none() { min = bound } else { max = bound }
        }
        let (inclusive, operator) = operator?;
        if !complete {
            return None;
        }
        let told = match (inclusive, &max) {
            (false, Some(_)) => {
                Diagnostic::error(codes::BAD_BOUND, "is the end included?", operator)
                    .label("`..` does not say")
                    .suggest("bounds include both ends", operator, "..=")
            }
            (true, None) => Diagnostic::error(codes::BAD_BOUND, "a bound without an end", operator)
                .label("`..=` is followed by the largest")
                .fix("for no upper bound, write `..`", operator, ".."),
            _ => return Some(Bounds { min, max, span }),
        };
        self.found.push(told);
        Some(Bounds { min, max, span })
    }

    /// A type that another language has and ours calls otherwise.
    fn foreign(
        &mut self,
        path: &Path,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Type> {
        let at = path.span();
        let one = || arguments.types.first().map(|argument| argument.ty.clone());
        let (kind, instead) = match (name, arguments.types.as_slice()) {
            ("Option" | "optional" | "nullable", [inner]) => {
                (TypeKind::Optional(Box::new(one()?)), format!("{}?", inner.text))
            }
            ("Vec" | "vector" | "sequence" | "array" | "List" | "repeated", [inner]) => {
                match inner.ty.kind {
                    TypeKind::Int(IntKind::U8, ref bounds) if bounds.is_empty() => {
                        (TypeKind::Bytes(Bounds::none()), "bytes".to_owned())
                    }
                    _ => {
                        let list = format!("list<{}>", inner.text);
                        (TypeKind::List(Box::new(one()?), Bounds::none()), list)
                    }
                }
            }
            ("HashMap" | "BTreeMap" | "Map" | "dict", [key, value]) => {
                let map = format!("map<{}, {}>", key.text, value.text);
                let (key, value) = (Box::new(key.ty.clone()), Box::new(value.ty.clone()));
                (TypeKind::Map(key, value, Bounds::none()), map)
            }
            ("Result" | "expected", [value, error]) => {
                let both = (Box::new(value.ty.clone()), Box::new(error.ty.clone()));
                (
                    TypeKind::Result(both.0, both.1),
                    format!("result<{}, {}>", value.text, error.text),
                )
            }
            ("Box" | "Arc" | "Rc", [inner]) => (one()?.kind, inner.text.clone()),
            _ => {
                let (_, ours) = FOREIGN.iter().find(|(foreign, _)| *foreign == name)?;
                let kind = self.built_in(ours, path.clone(), Arguments::default(), span)?;
                (kind, (*ours).to_owned())
            }
        };
        let place = if arguments.types.is_empty() { at } else { span };
        let message = format!("`{name}` is a type of another language");
        let mut told = Diagnostic::error(codes::FOREIGN, message, at).label("not a type here");
        match name {
            "usize" | "isize" | "size_t" => {
                told = told.note("its width depends on the machine, and the two ends may differ");
            }
            "Result" => {
                told =
                    told.help("what a method fails with stands behind `raises`: `-> T raises E`");
            }
            "char" => told = told.note("a character is a number of Unicode, or a `string`"),
            _ => {}
        }
        let how = format!("write `{instead}`");
        // A character may be a number, a byte or a text, and a pointer-sized number a count.
        let is_a_guess =
            matches!(name, "Result" | "char" | "wchar_t" | "long" | "ULONG" | "LONG" | "unsigned");
        self.found.push(match is_a_guess {
            true => told.suggest(how, place, instead),
            false => told.fix(how, place, instead),
        });
        Some(Type::new(kind, span))
    }

    fn built_in(
        &mut self,
        name: &str,
        path: Path,
        arguments: Arguments,
        span: Span,
    ) -> Option<TypeKind> {
        let (wanted, bounded) = match name {
            "list" => (1, true),
            "stream" => (1, false),
            "map" => (2, true),
            "result" => (2, false),
            "string" | "bytes" | "f32" | "f64" | "path" | "duration" | "time" => (0, true),
            _ if IntKind::from_name(name).is_some() => (0, true),
            _ => (0, false),
        };
        let built_in = wanted > 0 || bounded || matches!(name, "bool" | "uuid");
        if !built_in && !self.reading.declared.contains(name) {
            // Nobody knows what its arguments should be; that it is unknown will be told.
            return Some(TypeKind::Unresolved(path));
        }
        let Arguments { types, bounds, .. } = arguments;
        if types.len() != wanted {
            self.wrong_arguments(name, wanted, &types, span);
            return None;
        }
        if let (Some(bounds), false) = (&bounds, bounded) {
            let message = format!("`{name}` has no bounds");
            let told = Diagnostic::error(codes::BAD_TYPE_ARGUMENTS, message, bounds.span)
                .label("nothing to bound");
            self.found.push(told);
        }
        let bounds = bounds.unwrap_or_else(Bounds::none);
        let mut types = types.into_iter().map(|argument| Box::new(argument.ty));
        Some(match name {
            "bool" => TypeKind::Bool,
            "f32" => TypeKind::Float(FloatKind::F32, bounds),
            "f64" => TypeKind::Float(FloatKind::F64, bounds),
            "string" => TypeKind::String(bounds),
            "bytes" => TypeKind::Bytes(bounds),
            "list" => TypeKind::List(types.next()?, bounds),
            "stream" => TypeKind::Stream(types.next()?),
            "map" => TypeKind::Map(types.next()?, types.next()?, bounds),
            "path" => TypeKind::Path(bounds),
            "uuid" => TypeKind::Uuid,
            "duration" => TypeKind::Duration(bounds),
            "time" => TypeKind::Time(bounds),
            "result" => TypeKind::Result(types.next()?, types.next()?),
            _ => match IntKind::from_name(name) {
                Some(kind) => TypeKind::Int(kind, bounds),
                None => TypeKind::Unresolved(path),
            },
        })
    }

    fn wrong_arguments(&mut self, name: &str, wanted: usize, types: &[Argument], span: Span) {
        let (message, label) = match (name, wanted) {
            ("list", _) => {
                ("a list has one type of items".to_owned(), "write `list<T>` or `list<T, ..=N>`")
            }
            ("stream", _) => ("a stream has one type of items".to_owned(), "write `stream<T>`"),
            ("map", _) => (
                "a map has a type of keys and one of values".to_owned(),
                "write `map<K, V>` or `map<K, V, ..=N>`",
            ),
            ("result", _) => (
                "a result has one type of values and one of errors".to_owned(),
                "write `result<T, E>`; `result<(), E>` where there is no value",
            ),
            _ => (format!("`{name}` takes no types"), "surplus"),
        };
        // A surplus type that is a bare name is most likely a bound that was meant.
        let surplus = types.get(wanted).map(|argument| &argument.ty);
        let surplus = surplus.filter(|ty| matches!(ty.kind, TypeKind::Unresolved(_)));
        let place = surplus.map_or(span, |ty| ty.span);
        let mut told = Diagnostic::error(codes::BAD_TYPE_ARGUMENTS, message, place).label(label);
        if let Some(ty) = surplus {
            told = told.suggest("for at most so many, write `..=`", ty.span.before(), "..=");
        }
        self.found.push(told);
    }
}

/// The type of an error that a method raises.
pub(super) fn unresolved(path: Path) -> Type {
    let span = path.span();
    Type::new(TypeKind::Unresolved(path), span)
}
