//! Types and values as JSON.

use crate::ir::{Bounds, Expr, ExprKind, RustCode, Type, TypeKind};
use crate::json::Value;
use crate::print::{Names, float};
use crate::resolve::NO_FLAG;

pub(super) struct Types {
    /// What things are called in `.idl`, by what generated Rust calls them.
    pub(super) names: Names,
}

impl Types {
    pub(super) fn ty(&self, ty: &Type) -> Value {
        let kind = |kind: &str| ("kind", kind.into());
        match &ty.kind {
            TypeKind::Unit => Value::object([kind("unit")]),
            TypeKind::Bool => Value::object([kind("bool")]),
            TypeKind::Int(int, bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("int"), ("name", int.name().into()), min, max])
            }
            TypeKind::Float(float, bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("float"), ("name", float.name().into()), min, max])
            }
            TypeKind::String(bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("string"), min, max])
            }
            TypeKind::Bytes(bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("bytes"), min, max])
            }
            TypeKind::List(item, bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("list"), ("item", self.ty(item)), min, max])
            }
            TypeKind::Array(item, length) => Value::object([
                kind("array"),
                ("item", self.ty(item)),
                ("length", self.value(length)),
            ]),
            TypeKind::Map(key, value, bounds) => {
                let [min, max] = self.bounds(bounds);
                let (key, value) = (("key", self.ty(key)), ("value", self.ty(value)));
                Value::object([kind("map"), key, value, min, max])
            }
            TypeKind::Optional(item) => Value::object([kind("optional"), ("item", self.ty(item))]),
            TypeKind::Tuple(items) => {
                let items = items.iter().map(|item| self.ty(item));
                Value::object([kind("tuple"), ("items", Value::array(items))])
            }
            TypeKind::Path(bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("path"), min, max])
            }
            TypeKind::Uuid => Value::object([kind("uuid")]),
            TypeKind::Duration(bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("duration"), min, max])
            }
            TypeKind::Time(bounds) => {
                let [min, max] = self.bounds(bounds);
                Value::object([kind("time"), min, max])
            }
            TypeKind::Result(value, error) => Value::object([
                kind("result"),
                ("value", self.ty(value)),
                ("error", self.ty(error)),
            ]),
            TypeKind::Named(named) => {
                Value::object([kind("named"), ("name", self.name(&named.rust))])
            }
            TypeKind::Handle(handle, rights) => Value::object([
                kind("handle"),
                ("handle", handle.name().into()),
                ("rights", Value::array(rights.iter().map(|right| right.name()))),
            ]),
            TypeKind::Object(object) => {
                Value::object([kind("object"), ("interface", self.name(&object.rust))])
            }
            TypeKind::Stream(item) => Value::object([kind("stream"), ("item", self.ty(item))]),
            // A checked module has none.
            TypeKind::Unresolved(path) => {
                Value::object([kind("named"), ("name", path.to_string().into())])
            }
        }
    }

    fn bounds(&self, bounds: &Bounds) -> [(&'static str, Value); 2] {
        let end = |end: &Option<Box<Expr>>| end.as_ref().map(|end| self.value(end)).into();
        [("min", end(&bounds.min)), ("max", end(&bounds.max))]
    }

    fn name(&self, path: &RustCode) -> Value {
        self.path(path).into()
    }

    /// What the things at some paths of Rust, with `|` between them, are called.
    fn path(&self, code: &RustCode) -> String {
        let code = code.to_string().replace(' ', "");
        let paths = code.split('|').map(|path| self.names.get(path).map_or(path, String::as_str));
        paths.collect::<Vec<_>>().join(" | ")
    }

    /// Numbers are text: many readers keep 53 bits of a number, and ours have up to 128.
    pub(super) fn value(&self, value: &Expr) -> Value {
        let typed =
            |kind: &str, value: Value| Value::object([("kind", kind.into()), ("value", value)]);
        match &value.kind {
            ExprKind::Bool(value) => typed("bool", (*value).into()),
            ExprKind::Int(value) => typed("int", value.to_string().into()),
            ExprKind::Float(value) => typed("float", float(*value).into()),
            ExprKind::Str(text) => typed("string", text.as_str().into()),
            ExprKind::Bytes(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                typed("bytes", digits.into())
            }
            // In nanoseconds.
            ExprKind::Duration(value) => typed("duration", value.as_nanos().to_string().into()),
            ExprKind::Uuid(value) => typed("uuid", crate::print::uuid(*value).into()),
            ExprKind::Flags { of, members } if members.is_empty() => {
                typed("named", format!("{}.{NO_FLAG}", self.path(&of.rust)).into())
            }
            ExprKind::Flags { of, members } => {
                let of = self.path(&of.rust);
                let members = members.iter().map(|member| format!("{of}.{member}"));
                typed("named", members.collect::<Vec<_>>().join(" | ").into())
            }
            ExprKind::List(items) => {
                typed("list", Value::array(items.iter().map(|item| self.value(item))))
            }
            ExprKind::None => typed("none", Value::Null),
            ExprKind::Member { of, member } => {
                typed("named", format!("{}.{member}", self.path(&of.rust)).into())
            }
            ExprKind::Rust(code) => typed("named", self.name(code)),
            // Checked modules have none of these: constants are values by then.
            ExprKind::Path(path) => typed("named", path.to_string().into()),
            ExprKind::Unary(..) | ExprKind::Binary(..) => typed("none", Value::Null),
        }
    }
}
