//! What others depend on is pinned down: `[stable]` modules and interfaces.
//!
//! An identity made from a name changes when the name does, and a number that is counted changes when
//! something is put in front. Both are fine while everybody builds everything at once.

use std::collections::HashSet;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{
    At, Enum, Expr, ExprKind, Interface, Item, Module, Name, Payload, Type, TypeKind, Union,
};
use crate::source::Span;

impl Checker<'_> {
    /// All of a stable module, and what a stable interface refers to.
    pub(super) fn stable(&mut self, module: &Module) {
        let mut pinned: HashSet<String> = HashSet::new();
        for item in &module.items {
            let of_item = match item {
                Item::Interface(interface) => interface.stable,
                _ => None,
            };
            if let Some(stable) = module.stable.or(of_item) {
                self.pinned(item, stable, &mut pinned);
            }
        }
    }

    fn pinned(&mut self, item: &Item, stable: At<()>, pinned: &mut HashSet<String>) {
        if !pinned.insert(item.name().text.clone()) {
            return;
        }
        match item {
            Item::Interface(item) => {
                self.has_uuid(item, stable);
                let params = item.methods.iter().flat_map(|method| &method.params);
                let results = item.methods.iter().flat_map(|method| &method.results);
                let raised = item.methods.iter().filter_map(|method| method.raises.as_ref());
                let told = item.events.iter().flat_map(|event| &event.params);
                let types = params.chain(told).map(|param| &param.ty);
                let types = types.chain(results.map(|result| &result.ty)).chain(raised);
                types.for_each(|ty| self.pinned_type(ty, stable, pinned));
                // The numbers of what is inherited are made from the base's identity.
                for base in &item.bases {
                    if let TypeKind::Object(object) = &base.kind
                        && let Some(base) = self.items.get(&object.rust.to_string()).copied()
                    {
                        self.pinned(base, stable, pinned);
                    }
                }
            }
            Item::Struct(item) => {
                item.fields.iter().for_each(|field| self.pinned_type(&field.ty, stable, pinned));
            }
            Item::Enum(item) => self.has_values(item, stable),
            Item::Union(item) => {
                self.has_tags(item, stable);
                let fields = item.variants.iter().flat_map(|variant| variant.payload.fields());
                fields.for_each(|field| self.pinned_type(&field.ty, stable, pinned));
            }
            _ => {}
        }
    }

    fn pinned_type(&mut self, ty: &Type, stable: At<()>, pinned: &mut HashSet<String>) {
        if let TypeKind::Named(named) = &ty.kind
            && let Some(item) = self.items.get(&named.rust.to_string()).copied()
        {
            self.pinned(item, stable, pinned);
        }
        ty.parts().into_iter().for_each(|part| self.pinned_type(part, stable, pinned));
    }

    fn has_uuid(&mut self, item: &Interface, stable: At<()>) {
        if item.uuid.is_some() {
            return;
        }
        let message = format!("`{}` is stable, so it needs a uuid", item.name);
        let error = Diagnostic::error(codes::UNSTABLE, message, item.name.span);
        let error = error.also(stable.span, "stable because of this");
        let note = "without one its identity is made from its name and its module's";
        self.push(error.note(note).help("`uuidgen` makes one: `[uuid(..)]`"));
    }

    fn has_values(&mut self, item: &Enum, stable: At<()>) {
        // The value of a member of a `[final]` enum is its position, and cannot change.
        if !item.growth.is_closed() {
            for member in &item.members {
                let place = Some(member.name.span.after());
                self.numbered("value", &member.name, member.value.as_ref(), place, stable);
            }
        }
    }

    fn has_tags(&mut self, item: &Union, stable: At<()>) {
        if !item.growth.is_closed() {
            for variant in &item.variants {
                // Behind what it carries; where that ends is not known any more.
                let place = match variant.payload {
                    Payload::Unit => Some(variant.name.span.after()),
                    _ => None,
                };
                self.numbered("tag", &variant.name, variant.tag.as_ref(), place, stable);
            }
        }
    }

    /// The number of `name` is written; `place` is where it could stand.
    fn numbered(
        &mut self,
        what: &str,
        name: &Name,
        number: Option<&Expr>,
        place: Option<Span>,
        stable: At<()>,
    ) {
        let Some(number) = number.filter(|number| is_counted(number.span, name.span)) else {
            return;
        };
        let message = format!("`{name}` belongs to something stable, so its {what} is written");
        let error = Diagnostic::error(codes::UNSTABLE, message, name.span);
        let error = error.also(stable.span, "stable because of this");
        self.push(match (&number.kind, place) {
            (ExprKind::Int(number), Some(place)) => {
                error.suggest("write the one that it has", place, format!(" = {number}"))
            }
            (ExprKind::Int(number), None) => {
                error.help(format!("write the one that it has: `= {number}`"))
            }
            _ => error,
        });
    }
}

/// Whether a number stands nowhere: `resolve` puts those it counts at the name.
fn is_counted(number: Span, name: Span) -> bool {
    matches!((number.range(), name.range()), (Some(number), Some(name)) if number == name)
}
