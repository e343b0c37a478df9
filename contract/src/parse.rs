//! Reading a contract's text, which may come from a peer: bounded, and it never panics.

mod cursor;

use std::fmt;

use crate::{
    Absence, Availability, Basic, Body, Bounds, Contract, Definition, Detail, Direction, Field,
    Growth, Interface, Kind, Limit, Member, Method, MethodKind, Param, Reserved, Type, Types,
    Variant, Version,
};
use cursor::Cursor;

/// How deep types may be nested, which is more than the language allows.
const MAX_DEPTH: usize = 160;

/// Why a text is no contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    what: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the contract: {}", self.line, self.what)
    }
}

impl std::error::Error for ParseError {}

impl Contract {
    /// The longest text that is read, in bytes.
    pub const MAX_TEXT: usize = 4 << 20;

    /// Reads a text of [`Detail::Everything`].
    ///
    /// What it takes in memory is at most a small multiple of the text's length.
    ///
    /// # Errors
    ///
    /// When it is no contract of this version, or longer than [`MAX_TEXT`](Self::MAX_TEXT), or nested
    /// deeper than any interface can be.
    pub fn parse(text: &str) -> Result<Contract, ParseError> {
        let mut lines = lines(text)?;
        if lines.next().map(|(_, line)| line) != Some(Detail::Everything.head()) {
            return Err(ParseError { line: 1, what: "it is not written in this version's form" });
        }
        let missing = ParseError { line: 2, what: "the interface is missing" };
        let (number, line) = lines.next().ok_or(missing)?;
        let mut interface = whole_line(number, line, |cursor| {
            cursor.word("interface")?;
            interface_head(cursor)
        })?;
        let mut types = Types::new();
        for (number, line) in lines {
            whole_line(number, line, |cursor| {
                if cursor.looks_at("method ") {
                    interface.methods.push(method(cursor)?);
                } else {
                    types.add(definition(cursor)?);
                }
                Ok(())
            })?;
        }
        Ok(Contract { interface, types })
    }
}

impl Types {
    /// Reads the lines of types alone, as [`Types::to_text`] writes them.
    ///
    /// # Errors
    ///
    /// As [`Contract::parse`].
    pub fn parse(text: &str) -> Result<Types, ParseError> {
        let mut types = Types::new();
        for (number, line) in lines(text)? {
            types.add(whole_line(number, line, definition)?);
        }
        Ok(types)
    }
}

fn lines(text: &str) -> Result<impl Iterator<Item = (usize, &str)>, ParseError> {
    if text.len() > Contract::MAX_TEXT {
        return Err(ParseError { line: 1, what: "it is too long" });
    }
    Ok(text.split_terminator('\n').enumerate().map(|(at, line)| (at + 1, line)))
}

/// What a piece of the text is, or what is wrong with it.
type Read<T> = Result<T, &'static str>;

fn whole_line<T>(
    number: usize,
    line: &str,
    read: impl FnOnce(&mut Cursor<'_>) -> Read<T>,
) -> Result<T, ParseError> {
    let mut cursor = Cursor::new(line);
    let value = read(&mut cursor).and_then(|value| cursor.end().map(|()| value));
    value.map_err(|what| ParseError { line: number, what })
}

fn interface_head(cursor: &mut Cursor<'_>) -> Read<Interface> {
    let name = cursor.quoted()?;
    let id = cursor.hexadecimal(32)?;
    let version = version(cursor)?;
    let reserved = self::reserved(cursor)?;
    let name_of = |item| match item {
        Reserved::Name(name) => Ok(name),
        Reserved::Numbers(..) => Err("an interface reserves names alone"),
    };
    let reserved = reserved.into_iter().map(name_of).collect::<Read<_>>()?;
    Ok(Interface { name, id, version, methods: Vec::new(), reserved })
}

fn version(cursor: &mut Cursor<'_>) -> Read<Version> {
    let major = cursor.number()?;
    cursor.expect(".")?;
    Ok(Version { major, minor: cursor.number()? })
}

fn method(cursor: &mut Cursor<'_>) -> Read<Method> {
    cursor.word("method")?;
    let ordinal = u64::try_from(cursor.hexadecimal(16)?).map_err(|_| "an ordinal is too large")?;
    let mut method = Method::new(cursor.quoted()?, ordinal);
    method.kind = match cursor.any_word()? {
        "twoway" => MethodKind::TwoWay,
        "oneway" => MethodKind::OneWay,
        "event" => MethodKind::Event,
        _ => return Err("a method is `twoway`, `oneway` or `event`"),
    };
    method.must_understand = cursor.take_word("must_understand");
    method.idempotent = cursor.take_word("idempotent");
    method.cancellable = cursor.take_word("cancellable");
    if cursor.take_word("as") {
        method.source_name = Some(cursor.quoted()?);
    }
    if cursor.take_word("from") {
        method.declared_in = Some(cursor.quoted()?);
    }
    method.availability = availability(cursor)?;
    cursor.expect("(")?;
    method.params = cursor.list(")", |cursor| {
        let direction = match cursor.any_word()? {
            "in" => Direction::In,
            "out" => Direction::Out,
            "inout" => Direction::InOut,
            _ => return Err("a parameter is `in`, `out` or `inout`"),
        };
        param(cursor, direction)
    })?;
    cursor.expect("->")?;
    cursor.expect("(")?;
    method.results = cursor.list(")", |cursor| param(cursor, Direction::Out))?;
    if cursor.take_word("raises") {
        method.raises = Some(ty(cursor, 0)?);
    }
    Ok(method)
}

fn param(cursor: &mut Cursor<'_>, direction: Direction) -> Read<Param> {
    let view = cursor.take_word("view");
    let raw = cursor.take_word("raw");
    let moved = cursor.take_word("move");
    let Field { name, ty, absence, availability } = field(cursor)?;
    Ok(Param { name, direction, view, raw, moved, ty, absence, availability })
}

fn field(cursor: &mut Cursor<'_>) -> Read<Field> {
    let name = cursor.quoted()?;
    let mut absence = match cursor.take("?") {
        true => Absence::Foreseen,
        false => Absence::Unforeseen,
    };
    cursor.expect(":")?;
    let ty = ty(cursor, 0)?;
    if cursor.take("=") {
        absence = Absence::Default(cursor.quoted()?);
    }
    Ok(Field { name, ty, absence, availability: availability(cursor)? })
}

fn fields(cursor: &mut Cursor<'_>) -> Read<Vec<Field>> {
    cursor.expect("{")?;
    cursor.list("}", field)
}

fn availability(cursor: &mut Cursor<'_>) -> Read<Availability> {
    let mut since = |word| cursor.take_word(word).then(|| version(cursor)).transpose();
    Ok(Availability {
        added: since("added")?,
        deprecated: since("deprecated")?,
        removed: since("removed")?,
    })
}

fn definition(cursor: &mut Cursor<'_>) -> Read<Definition> {
    let kind = cursor.any_word()?;
    if kind == "interface" {
        let mut interface = interface_head(cursor)?;
        cursor.expect("{")?;
        interface.methods = cursor.list("}", method)?;
        return Ok(Definition { name: interface.name.clone(), body: Body::Interface(interface) });
    }
    let name = cursor.quoted()?;
    let body = match kind {
        "struct" => Body::Struct { growth: growth(cursor)?, fields: fields(cursor)? },
        "enum" => {
            let growth = growth(cursor)?;
            let signed = match cursor.any_word()? {
                "signed" => true,
                "unsigned" => false,
                _ => return Err("an enum is `signed` or `unsigned`"),
            };
            let (base, members, reserved) = members(cursor)?;
            Body::Enum { growth, signed, base, members, reserved }
        }
        "flags" => {
            let (base, members, reserved) = members(cursor)?;
            Body::Flags { base, members, reserved }
        }
        "union" => {
            let growth = growth(cursor)?;
            cursor.expect("{")?;
            let variants = cursor.list("}", |cursor| {
                let name = cursor.quoted()?;
                cursor.expect("=")?;
                let tag = cursor.number()?;
                let fields = fields(cursor)?;
                Ok(Variant { name, tag, fields, availability: availability(cursor)? })
            })?;
            Body::Union { growth, variants, reserved: reserved(cursor)? }
        }
        "opaque" => Body::Opaque,
        _ => return Err("it is no kind of definition that this version knows"),
    };
    Ok(Definition { name, body })
}

fn growth(cursor: &mut Cursor<'_>) -> Read<Growth> {
    match cursor.any_word()? {
        "open" => Ok(Growth::Open),
        "closed" => Ok(Growth::Closed),
        _ => Err("a type is `open` or `closed`"),
    }
}

fn members(cursor: &mut Cursor<'_>) -> Read<(Option<Basic>, Vec<Member>, Vec<Reserved>)> {
    let base = match cursor.take("{") {
        true => None,
        false => {
            let base = Basic::from_name(cursor.any_word()?).ok_or("it is no base type")?;
            cursor.expect("{")?;
            Some(base)
        }
    };
    let members = cursor.list("}", |cursor| {
        let name = cursor.quoted()?;
        cursor.expect("=")?;
        let value = cursor.number()?;
        Ok(Member { name, value, availability: availability(cursor)? })
    })?;
    Ok((base, members, reserved(cursor)?))
}

fn reserved(cursor: &mut Cursor<'_>) -> Read<Vec<Reserved>> {
    if !cursor.take_word("reserved") {
        return Ok(Vec::new());
    }
    cursor.expect("{")?;
    cursor.list("}", |cursor| {
        if cursor.looks_at("\"") {
            return Ok(Reserved::Name(cursor.quoted()?));
        }
        let first = cursor.number()?;
        let last = if cursor.take("..=") { cursor.number()? } else { first };
        Ok(Reserved::Numbers(first, last))
    })
}

fn ty(cursor: &mut Cursor<'_>, depth: usize) -> Read<Type> {
    if depth > MAX_DEPTH {
        return Err("types are nested too deep");
    }
    let deeper = depth + 1;
    let boxed = |cursor: &mut Cursor<'_>| ty(cursor, deeper).map(Box::new);
    let kind = if cursor.take("[") {
        let element = boxed(cursor)?;
        let kind = match cursor.take(";") {
            true => Kind::Array(element, cursor.number()?),
            false => Kind::List(element),
        };
        cursor.expect("]")?;
        kind
    } else if cursor.take("{") {
        let key = boxed(cursor)?;
        cursor.expect(":")?;
        let value = boxed(cursor)?;
        cursor.expect("}")?;
        Kind::Map(key, value)
    } else if cursor.take("(") {
        Kind::Tuple(cursor.list(")", |cursor| ty(cursor, deeper))?)
    } else if cursor.looks_at("\"") {
        Kind::Named(cursor.quoted()?)
    } else {
        match cursor.any_word()? {
            "result" => {
                cursor.expect("<")?;
                let value = boxed(cursor)?;
                cursor.expect(",")?;
                let error = boxed(cursor)?;
                cursor.expect(">")?;
                Kind::Result(value, error)
            }
            "stream" => {
                cursor.expect("<")?;
                let item = boxed(cursor)?;
                cursor.expect(">")?;
                Kind::Stream(item)
            }
            "handle" => handle(cursor)?,
            name => Kind::Basic(Basic::from_name(name).ok_or("a type is not known")?),
        }
    };
    let bounds = bounds(cursor)?;
    optionals(cursor, Type { kind, bounds }, depth)
}

/// The question marks behind a type.
fn optionals(cursor: &mut Cursor<'_>, mut ty: Type, mut depth: usize) -> Read<Type> {
    while cursor.take("?") {
        depth += 1;
        if depth > MAX_DEPTH {
            return Err("types are nested too deep");
        }
        ty = ty.optional();
    }
    Ok(ty)
}

fn handle(cursor: &mut Cursor<'_>) -> Read<Kind> {
    cursor.expect("<")?;
    let kind = cursor.any_word()?.to_owned();
    let mut rights = Vec::new();
    if cursor.take(",") {
        rights.push(cursor.any_word()?.to_owned());
        while cursor.take("|") {
            rights.push(cursor.any_word()?.to_owned());
        }
    }
    cursor.expect(">")?;
    Ok(Kind::Handle { kind, rights })
}

fn bounds(cursor: &mut Cursor<'_>) -> Read<Bounds> {
    if !cursor.take("<") {
        return Ok(Bounds::NONE);
    }
    if cursor.take("..=") {
        let max = Some(cursor.limit()?);
        cursor.expect(">")?;
        return Ok(Bounds { min: None, max });
    }
    let min: Option<Limit> = Some(cursor.limit()?);
    cursor.expect("..")?;
    let max = if cursor.take("=") { Some(cursor.limit()?) } else { None };
    cursor.expect(">")?;
    Ok(Bounds { min, max })
}

#[cfg(test)]
mod tests;
