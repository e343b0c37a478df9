//! Bounds, enforced where a value is made and where it arrives.

use proc_macro2::TokenStream;
use quote::quote;

use super::{ty::plain, value};
use crate::ir::{Bounds, Expr, ExprKind, FloatKind, IntKind, Integer, Type, TypeKind};

/// An expression for a value that is to be checked.
pub(super) enum Place {
    /// It is the value.
    Value(TokenStream),
    /// It is a reference to the value.
    Reference(TokenStream),
}

impl Place {
    /// For method calls and field access, where references make no difference.
    fn any(&self) -> &TokenStream {
        match self {
            Place::Value(tokens) | Place::Reference(tokens) => tokens,
        }
    }

    fn copied(&self) -> TokenStream {
        match self {
            Place::Value(tokens) => tokens.clone(),
            Place::Reference(tokens) => quote!(*#tokens),
        }
    }

    fn reference(&self) -> TokenStream {
        match self {
            Place::Value(tokens) => quote!(&#tokens),
            Place::Reference(tokens) => tokens.clone(),
        }
    }
}

/// Statements that leave with `?` and a `BoundExceeded` if the value at `place` breaks a bound of
/// its type. Nothing if there are no bounds. Named types check themselves when they are encoded and
/// decoded.
pub(super) fn check(place: &Place, ty: &Type, what: &str) -> TokenStream {
    match &ty.kind {
        TypeKind::Int(kind, bounds) if !bounds.is_empty() => {
            let value = place.copied();
            let (min, max) =
                (int_end(&bounds.min, *kind, End::Min), int_end(&bounds.max, *kind, End::Max));
            quote!(__rt::bound::int(#what, #value, #min, #max)?;)
        }
        TypeKind::Float(kind, bounds) if !bounds.is_empty() => {
            let value = place.copied();
            let min = float_end(&bounds.min, *kind, End::Min);
            let max = float_end(&bounds.max, *kind, End::Max);
            quote!(__rt::bound::float(#what, #value, #min, #max)?;)
        }
        TypeKind::String(bounds) | TypeKind::Bytes(bounds) => {
            length(place, bounds, Unit::Bytes, what)
        }
        TypeKind::Path(bounds) if !bounds.is_empty() => {
            let value = place.any();
            let (min, max) = (length_end(bounds, End::Min), length_end(bounds, End::Max));
            quote!(__rt::bound::bytes(#what, #value.as_os_str().len(), #min, #max)?;)
        }
        TypeKind::Duration(bounds) if !bounds.is_empty() => {
            let value = place.copied();
            let min = duration_end(bounds, End::Min)
                .unwrap_or_else(|| quote!(::core::time::Duration::ZERO));
            let max = duration_end(bounds, End::Max)
                .unwrap_or_else(|| quote!(::core::time::Duration::MAX));
            quote!(__rt::bound::duration(#what, #value, #min, #max)?;)
        }
        TypeKind::Time(bounds) if !bounds.is_empty() => {
            let value = place.copied();
            let [min, max] = [End::Min, End::Max].map(|end| match duration_end(bounds, end) {
                Some(bound) => quote!(::core::option::Option::Some(#bound)),
                None => quote!(::core::option::Option::None),
            });
            quote!(__rt::bound::time(#what, #value, #min, #max)?;)
        }
        TypeKind::Result(value, error) => outcome(place, value, error, what),
        TypeKind::List(item, bounds) => {
            let length = length(place, bounds, Unit::Elements, what);
            let items = each(place, item, what);
            quote!(#length #items)
        }
        TypeKind::Array(item, _) => each(place, item, what),
        TypeKind::Map(key, value, bounds) => {
            let length = length(place, bounds, Unit::Elements, what);
            let pairs = each_pair(place, key, value, what);
            quote!(#length #pairs)
        }
        TypeKind::Optional(item) => {
            let inner = check(&Place::Reference(quote!(__some)), item, what);
            if inner.is_empty() {
                return inner;
            }
            let value = place.reference();
            quote!(if let ::core::option::Option::Some(__some) = #value { #inner })
        }
        TypeKind::Tuple(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| {
                let tuple = place.any();
                let index = plain(i);
                check(&Place::Value(quote!(#tuple.#index)), item, &format!("{what}.{i}"))
            })
            .collect(),
        _ => TokenStream::new(),
    }
}

/// What a length counts, for the text of errors.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Bytes,
    Elements,
}

/// The check of a length alone, for buffers and raw lists whose elements are plain numbers.
pub(super) fn length(place: &Place, bounds: &Bounds, unit: Unit, what: &str) -> TokenStream {
    if bounds.is_empty() {
        return TokenStream::new();
    }
    let value = place.any();
    let (min, max) = (length_end(bounds, End::Min), length_end(bounds, End::Max));
    let check = match unit {
        Unit::Bytes => quote!(bytes),
        Unit::Elements => quote!(len),
    };
    quote!(__rt::bound::#check(#what, #value.len(), #min, #max)?;)
}

/// The largest length that `bounds` allow.
pub(super) fn longest(bounds: &Bounds) -> TokenStream {
    length_end(bounds, End::Max)
}

fn each(place: &Place, item: &Type, what: &str) -> TokenStream {
    let inner = check(&Place::Reference(quote!(__item)), item, &format!("{what}[]"));
    if inner.is_empty() {
        return inner;
    }
    let list = place.any();
    quote!(for __item in #list.iter() { #inner })
}

fn each_pair(place: &Place, key: &Type, value: &Type, what: &str) -> TokenStream {
    let keys = check(&Place::Reference(quote!(__key)), key, &format!("{what}{{key}}"));
    let values = check(&Place::Reference(quote!(__value)), value, &format!("{what}{{value}}"));
    let map = place.any();
    match (keys.is_empty(), values.is_empty()) {
        (true, true) => TokenStream::new(),
        (false, true) => quote!(for __key in #map.keys() { #keys }),
        (true, false) => quote!(for __value in #map.values() { #values }),
        (false, false) => quote!(for (__key, __value) in #map.iter() { #keys #values }),
    }
}

fn outcome(place: &Place, value: &Type, error: &Type, what: &str) -> TokenStream {
    let values = check(&Place::Reference(quote!(__ok)), value, &format!("{what}{{ok}}"));
    let errors = check(&Place::Reference(quote!(__err)), error, &format!("{what}{{err}}"));
    if values.is_empty() && errors.is_empty() {
        return TokenStream::new();
    }
    let result = place.reference();
    let [value, error] = [(&values, quote!(__ok)), (&errors, quote!(__err))]
        .map(|(check, name)| if check.is_empty() { quote!(_) } else { name });
    quote! {
        match #result {
            ::core::result::Result::Ok(#value) => { #values }
            ::core::result::Result::Err(#error) => { #errors }
        }
    }
}

#[derive(Clone, Copy)]
enum End {
    Min,
    Max,
}

impl End {
    fn of(self, bounds: &Bounds) -> Option<&Expr> {
        match self {
            End::Min => bounds.min.as_deref(),
            End::Max => bounds.max.as_deref(),
        }
    }
}

fn length_end(bounds: &Bounds, end: End) -> TokenStream {
    match (end.of(bounds).map(|end| &end.kind), end) {
        (Some(ExprKind::Int(number)), _) => value::digits(*number),
        // Lengths are `usize`, `u32` or `u64` constants in people's programs, so there must be a
        // cast. The constant makes it happen, and fail, when the program is compiled.
        (Some(ExprKind::Rust(code)), _) => {
            let code = &code.0;
            quote!({ const __BOUND: u64 = (#code) as u64; __BOUND })
        }
        (_, End::Min) => quote!(0),
        (_, End::Max) => quote!(u64::MAX),
    }
}

fn int_end(bound: &Option<Box<Expr>>, kind: IntKind, end: End) -> TokenStream {
    match (bound.as_ref().map(|bound| &bound.kind), end) {
        (Some(ExprKind::Int(number)), _) => value::int(*number, kind),
        (Some(ExprKind::Rust(code)), _) => {
            let name = super::ty::word(kind.name());
            let code = &code.0;
            quote!({ const __BOUND: #name = #code; __BOUND })
        }
        (_, End::Min) => value::int(Integer::min_of(kind), kind),
        (_, End::Max) => value::int(Integer::max_of(kind), kind),
    }
}

fn duration_end(bounds: &Bounds, end: End) -> Option<TokenStream> {
    match &end.of(bounds)?.kind {
        ExprKind::Duration(value) => Some(value::duration(*value)),
        ExprKind::Rust(code) => {
            let code = &code.0;
            Some(quote!({ const __BOUND: ::core::time::Duration = #code; __BOUND }))
        }
        _ => None,
    }
}

fn float_end(bound: &Option<Box<Expr>>, kind: FloatKind, end: End) -> TokenStream {
    let name = super::ty::word(kind.name());
    match (bound, end) {
        (Some(bound), _) => {
            let ty = Type::new(TypeKind::Float(kind, Bounds::none()), bound.span);
            value::borrowed(bound, &ty, &quote!(__rt))
        }
        (None, End::Min) => quote!(#name::NEG_INFINITY),
        (None, End::Max) => quote!(#name::INFINITY),
    }
}
