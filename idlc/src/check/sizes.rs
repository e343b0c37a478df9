//! Types that contain themselves in place, and so would be of infinite size.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Item, Module, Payload, Type, TypeKind};

/// How far the walk has come with a type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// It is on the way from the start to here.
    Underway,
    /// All that it contains has been looked at.
    Done,
}

/// A type on the way, with what it contains and has not been looked at.
struct Step<'m> {
    name: String,
    left: Vec<(String, &'m Type)>,
}

impl<'m> Checker<'m> {
    /// Walks from each type to those that it contains in place; whoever comes back to a type on the
    /// way has found one without end. Without recursion: a file may hold a chain of any length.
    pub(super) fn infinite_sizes(&mut self, module: &'m Module) {
        let mut visits: HashMap<String, Visit> = HashMap::new();
        for item in &module.items {
            let mut way = Vec::new();
            self.enter(item.name().ident().to_string(), &mut visits, &mut way);
            while let Some(step) = way.last_mut() {
                let Some((next, held)) = step.left.pop() else {
                    visits.insert(step.name.clone(), Visit::Done);
                    way.pop();
                    continue;
                };
                match visits.get(&next) {
                    Some(Visit::Underway) => self.report_infinite_size(&next, held),
                    Some(Visit::Done) => {}
                    None => self.enter(next, &mut visits, &mut way),
                }
            }
        }
    }

    fn enter(&self, name: String, visits: &mut HashMap<String, Visit>, way: &mut Vec<Step<'m>>) {
        let Some(item) = self.items.get(&name).filter(|_| !visits.contains_key(&name)) else {
            return;
        };
        visits.insert(name.clone(), Visit::Underway);
        let mut left = Vec::new();
        for ty in types_inside(item) {
            held_in_place(ty, ty, &mut left);
        }
        left.reverse();
        way.push(Step { name, left });
    }

    fn report_infinite_size(&mut self, name: &str, held: &Type) {
        let message = format!("`{name}` contains itself, so it has no end");
        let error = Diagnostic::error(codes::INFINITE_SIZE, message, held.span);
        self.push(error.help(format!("put it into a list: `list<{name}, ..=1>`")));
    }
}

/// The types of an item's fields.
fn types_inside(item: &Item) -> Vec<&Type> {
    match item {
        Item::Struct(item) => item.fields.iter().map(|field| &field.ty).collect(),
        Item::Union(item) => {
            let payloads = item.variants.iter().map(|variant| &variant.payload);
            payloads.flat_map(Payload::fields).map(|field| &field.ty).collect()
        }
        _ => Vec::new(),
    }
}

/// The named types that a value of `ty`, the type of the field `whole`, holds in place.
fn held_in_place<'m>(ty: &'m Type, whole: &'m Type, held: &mut Vec<(String, &'m Type)>) {
    match &ty.kind {
        TypeKind::Named(named) => held.push((named.rust.to_string(), whole)),
        TypeKind::Optional(item) | TypeKind::Array(item, _) => held_in_place(item, whole, held),
        TypeKind::Result(value, error) => {
            held_in_place(value, whole, held);
            held_in_place(error, whole, held);
        }
        TypeKind::Tuple(items) => items.iter().for_each(|item| held_in_place(item, whole, held)),
        _ => {}
    }
}
