//! Types and values, as annotated Rust writes them.

use idlc::ir::{Bounds, Expr, ExprKind, Rights, Type, TypeKind};

/// An interface that another one inherits from.
pub(super) fn base(of: &Type) -> String {
    match &of.kind {
        TypeKind::Object(object) => object.rust.to_string(),
        _ => unreachable!("a base is an interface"),
    }
}

/// A type as a field has it.
pub(super) fn ty(of: &Type) -> String {
    match &of.kind {
        TypeKind::Unit => "()".to_owned(),
        TypeKind::Bool => "bool".to_owned(),
        TypeKind::Int(kind, _) => kind.name().to_owned(),
        TypeKind::Float(kind, _) => kind.name().to_owned(),
        TypeKind::String(_) => "String".to_owned(),
        TypeKind::Bytes(_) => "Vec<u8>".to_owned(),
        TypeKind::List(item, _) => format!("Vec<{}>", ty(item)),
        TypeKind::Array(item, len) => format!("[{}; {}]", ty(item), expr(len)),
        TypeKind::Map(key, value, _) => format!("BTreeMap<{}, {}>", ty(key), ty(value)),
        TypeKind::Optional(item) => format!("Option<{}>", ty(item)),
        TypeKind::Tuple(items) => {
            format!("({})", items.iter().map(ty).collect::<Vec<_>>().join(", "))
        }
        TypeKind::Path(_) => "PathBuf".to_owned(),
        TypeKind::Uuid => "Uuid".to_owned(),
        TypeKind::Duration(_) => "Duration".to_owned(),
        TypeKind::Time(_) => "SystemTime".to_owned(),
        TypeKind::Result(value, error) => format!("Result<{}, {}>", ty(value), ty(error)),
        TypeKind::Named(named) => named.rust.to_string(),
        TypeKind::Handle(..) => "OwnedFd".to_owned(),
        TypeKind::Object(object) => object.named("Ref").to_string(),
        TypeKind::Stream(item) => format!("Stream<{}>", ty(item)),
        TypeKind::Unresolved(_) => unreachable!("has no place in Rust"),
    }
}

/// What a type says beside its form: as `max = 8`, `items(max = 8)`, `handle(file, read)`, `data`.
pub(super) fn of_type(of: &Type) -> Vec<String> {
    let inside = |word: &str, item: &Type| {
        let said = of_type(item);
        (!said.is_empty()).then(|| format!("{word}({})", said.join(", ")))
    };
    match &of.kind {
        TypeKind::Optional(item) => of_type(item),
        TypeKind::Int(_, bounds)
        | TypeKind::Float(_, bounds)
        | TypeKind::String(bounds)
        | TypeKind::Bytes(bounds)
        | TypeKind::Path(bounds)
        | TypeKind::Duration(bounds)
        | TypeKind::Time(bounds) => self::bounds(bounds),
        TypeKind::List(item, bounds) => {
            self::bounds(bounds).into_iter().chain(hoisted(inside("items", item), item)).collect()
        }
        TypeKind::Array(item, _) | TypeKind::Stream(item) => hoisted(inside("items", item), item),
        TypeKind::Map(key, value, bounds) => {
            let keys = inside("keys", key);
            let values = hoisted(inside("values", value), value);
            self::bounds(bounds).into_iter().chain(keys).chain(values).collect()
        }
        TypeKind::Result(value, error) => {
            inside("ok", value).into_iter().chain(inside("err", error)).collect()
        }
        TypeKind::Tuple(items) => {
            let said = items.iter().enumerate().filter_map(|(at, item)| {
                let said = of_type(item);
                (!said.is_empty()).then(|| format!("member({at}, {})", said.join(", ")))
            });
            said.collect()
        }
        TypeKind::Handle(kind, rights) => handle(kind.name(), *rights),
        TypeKind::Named(named) => {
            let name = named.rust.to_string();
            let looks_like_one = name.ends_with("Ref") || name.ends_with("Client");
            looks_like_one.then(|| "data".to_owned()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What is said of handles and data is said of a whole type, not of what is inside.
fn hoisted(said: Option<String>, item: &Type) -> Vec<String> {
    match of_type(item).as_slice() {
        [only] if only.starts_with("handle(") || only == "data" => vec![only.clone()],
        _ => said.into_iter().collect(),
    }
}

fn handle(kind: &str, rights: Rights) -> Vec<String> {
    let names: Vec<&str> = rights.iter().map(|right| right.name()).collect();
    let rights = if names.is_empty() { String::new() } else { format!(", {}", names.join(" | ")) };
    vec![format!("handle({kind}{rights})")]
}

fn bounds(bounds: &Bounds) -> Vec<String> {
    let said = |word: &str, end: &Option<Box<Expr>>| {
        end.as_ref().map(|end| format!("{word} = {}", expr(end)))
    };
    said("min", &bounds.min).into_iter().chain(said("max", &bounds.max)).collect()
}

/// A default that has to be said: nothing is what an optional has anyway.
pub(super) fn said(default: &Option<Expr>) -> Option<&Expr> {
    default.as_ref().filter(|default| default.kind != ExprKind::None)
}

pub(super) fn expr(of: &Expr) -> String {
    match &of.kind {
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{:?}", value.0),
        ExprKind::Str(text) => format!("{text:?}"),
        ExprKind::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        ExprKind::Duration(value) => format!("{:?}", duration(*value)),
        ExprKind::Uuid(value) => format!("{:?}", uuid(*value)),
        ExprKind::List(items) => {
            format!("[{}]", items.iter().map(expr).collect::<Vec<_>>().join(", "))
        }
        ExprKind::None => "None".to_owned(),
        ExprKind::Rust(code) => code.to_string(),
        _ => unreachable!("only inside of `resolve`"),
    }
}

pub(super) fn duration(value: std::time::Duration) -> String {
    format!("{}ns", value.as_nanos())
}

pub(super) fn uuid(value: u128) -> String {
    let digits = format!("{value:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
    groups.join("-")
}
