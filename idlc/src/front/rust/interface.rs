//! Traits.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;

use super::attribute::{self, Argument, Arguments};
use super::availability::{availability, look, version};
use super::docs::docs;
use super::later;
use super::params::{self, is_call_context};
use super::results::{Returns, raised, results};
use super::{bases, inside, references, report, report_syntax, span_of, streams};
use crate::codegen::{self, Runtime};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{At, Context, Interface, Method, Name, Param, RustCode};
use crate::source::Span;

/// A trait, taken in.
pub struct LoweredTrait {
    /// What it says.
    pub interface: Interface,
    /// The trait as the Rust compiler is to see it.
    pub kept: syn::ItemTrait,
    /// Where the runtime is.
    pub runtime: Runtime,
}

/// Takes in `#[alpc_interface(arguments)] item`. Reports what cannot be said on the wire and leaves
/// it out of the result.
pub fn lower_trait(
    arguments: TokenStream,
    mut item: syn::ItemTrait,
    found: &mut Diagnostics,
) -> LoweredTrait {
    refuse_what_is_no_interface(&item, found);
    let name = Name::new(item.ident.unraw().to_string(), Span::Tokens(item.ident.span()));
    let mut interface = Interface {
        qualified: name.text.clone(),
        name,
        docs: docs(&item.attrs),
        uuid: None,
        version: None,
        endpoint: None,
        availability: availability(&item.attrs),
        look: look(&item.attrs),
        stable: None,
        bases: bases::bases(&item, found),
        consts: Vec::new(),
        methods: Vec::new(),
        events: Vec::new(),
        reserved: Vec::new(),
        visibility: RustCode(item.vis.to_token_stream()),
    };
    let runtime = read_arguments(arguments, &mut interface, found);
    for member in &mut item.items {
        match member {
            syn::TraitItem::Fn(function) if references::is_event(function) => {
                interface.events.push(references::event(function, found));
            }
            syn::TraitItem::Fn(function) => {
                interface.methods.extend(method(function, found));
            }
            other => {
                report(
                    found,
                    codes::UNEXPECTED,
                    other,
                    "an interface has methods and nothing else",
                );
            }
        }
    }
    // Nobody implements an event, nor what is no more.
    let gone = |function: &syn::TraitItemFn| {
        let name = function.sig.ident.unraw().to_string();
        let mut all = interface.methods.iter();
        all.any(|method| method.name.text == name && method.availability.is_removed())
    };
    item.items.retain(|member| match member {
        syn::TraitItem::Fn(function) => !references::is_event(function) && !gone(function),
        _ => true,
    });
    item.items.extend(codegen::emitter_method(&interface).map(syn::TraitItem::Verbatim));
    require_supertraits(&mut item);
    if let Some(hidden) = codegen::supertrait(&interface) {
        item.supertraits.push(syn::TypeParamBound::Verbatim(hidden));
    }
    codegen::complete(&mut item, &interface, &runtime);
    LoweredTrait { interface, kept: item, runtime }
}

fn refuse_what_is_no_interface(item: &syn::ItemTrait, found: &mut Diagnostics) {
    if !item.generics.params.is_empty() {
        let message = "an interface is not generic: the other side must know every type";
        report(found, codes::UNEXPECTED, &item.generics, message);
    }
    if let Some(clause) = &item.generics.where_clause {
        report(found, codes::UNEXPECTED, clause, "an interface has no `where` clause");
    }
    if let Some(word) = &item.unsafety {
        report(found, codes::UNEXPECTED, word, "an interface is not `unsafe`");
    }
}

const ARGUMENTS: [&str; 8] =
    ["uuid", "version", "name", "endpoint", "stable", "added", "reserved", "crate"];

fn read_arguments(
    arguments: TokenStream,
    interface: &mut Interface,
    found: &mut Diagnostics,
) -> Runtime {
    let arguments = syn::parse2::<Arguments>(arguments).unwrap_or_else(|error| {
        report_syntax(found, &error);
        Arguments(Vec::new())
    });
    let mut runtime = Runtime::default();
    let mut name = None;
    for argument in &arguments.0 {
        if argument.is("uuid") {
            let text = attribute::text(argument, found);
            interface.uuid = text.and_then(|text| attribute::uuid(&text, found));
        } else if argument.is("version") {
            let text = attribute::text(argument, found);
            interface.version = text.and_then(|text| attribute::version(&text, found));
        } else if argument.is("endpoint") {
            interface.endpoint = attribute::text(argument, found);
        } else if argument.is("stable") {
            attribute::no_value(argument, found);
            interface.stable = Some(At::new((), Span::Tokens(argument.key.span())));
        } else if argument.is("added") {
            interface.availability.added = version(argument, found);
        } else if argument.is("reserved") {
            interface.reserved = reserved(argument, found);
        } else if argument.is("name") {
            name = attribute::text(argument, found).and_then(|name| dotted(name, found));
        } else if argument.is("crate") {
            runtime = attribute::path(argument, found).map_or(runtime, |path| Runtime::at(&path));
        } else {
            attribute::unknown(argument, &ARGUMENTS, found);
        }
    }
    let has = |key: &str| arguments.0.iter().any(|argument| argument.is(key));
    if !has("uuid") && !has("name") {
        let message = "an interface needs an identity that stays when its file moves";
        let error = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, interface.name.span);
        let example = format!("`name = \"module.{}\"`", interface.name);
        found.push(
            error.help(format!("give it `uuid = \"..\"` (`uuidgen` makes one) or {example}")),
        );
    }
    refuse_repeated(&arguments.0, found);
    if let Some(name) = name {
        interface.qualified = name;
    }
    runtime
}

/// The names in `reserved(get_all, older)`.
fn reserved(argument: &Argument, found: &mut Diagnostics) -> Vec<Name> {
    let parse = |input: syn::parse::ParseStream<'_>| {
        Punctuated::<syn::Ident, syn::Token![,]>::parse_terminated_with(
            input,
            syn::Ident::parse_any,
        )
    };
    let names = argument.group.clone().map(|said| parse.parse2(said));
    match names {
        Some(Ok(names)) if !names.is_empty() => names
            .iter()
            .map(|name| Name::new(name.unraw().to_string(), Span::Tokens(name.span())))
            .collect(),
        Some(Err(error)) => {
            report_syntax(found, &error);
            Vec::new()
        }
        _ => {
            let message = "write the names of methods that must not come back: `reserved(get_all)`";
            report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
            Vec::new()
        }
    }
}

/// Reports arguments that are given twice.
pub(super) fn refuse_repeated(arguments: &[Argument], found: &mut Diagnostics) {
    for (at, argument) in arguments.iter().enumerate() {
        let mut before = arguments.iter().take(at);
        // One for each thing that is no more, and for each member of a tuple.
        let may_repeat = argument.is("removed") || argument.is(inside::MEMBER);
        if !may_repeat && before.any(|earlier| earlier.key == argument.key) {
            let message = format!("`{}` is given twice", argument.key);
            report(found, codes::REPEATED_ATTRIBUTE, &argument.key, message);
        }
    }
}

/// A name of an interface or a type with its module: `acme.kv.KeyValue`.
pub(super) fn dotted(name: At<String>, found: &mut Diagnostics) -> Option<String> {
    let is_identifier = |part: &str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if name.value.split('.').all(is_identifier) {
        return Some(name.value);
    }
    let message = format!("`{}` is not a name", name.value);
    let error = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, name.span);
    found.push(error.help("write identifiers with dots between them, as in `acme.kv.KeyValue`"));
    None
}

/// A server is called from several threads, for as long as the program runs.
fn require_supertraits(item: &mut syn::ItemTrait) {
    let written: Vec<String> =
        item.supertraits.iter().map(|bound| bound.to_token_stream().to_string()).collect();
    let is_there = |last: &str| {
        written.iter().any(|bound| bound.rsplit(' ').next().is_some_and(|word| word == last))
    };
    let required: [(&str, TokenStream); 3] = [
        ("Send", quote!(::core::marker::Send)),
        ("Sync", quote!(::core::marker::Sync)),
        ("'static", quote!('static)),
    ];
    for (last, bound) in required {
        if !is_there(last) {
            item.colon_token.get_or_insert_default();
            item.supertraits.push(syn::TypeParamBound::Verbatim(bound));
        }
    }
}

/// Takes in a method, and takes our attributes off it.
fn method(item: &mut syn::TraitItemFn, found: &mut Diagnostics) -> Option<Method> {
    refuse_what_is_no_method(item, found);
    let mut method = Method {
        name: Name::new(item.sig.ident.unraw().to_string(), Span::Tokens(item.sig.ident.span())),
        wire_name: None,
        docs: docs(&item.attrs),
        oneway: None,
        idempotent: None,
        timeout: None,
        must_understand: None,
        cancellable: None,
        availability: availability(&item.attrs),
        look: look(&item.attrs),
        params: Vec::new(),
        results: Vec::new(),
        raises: None,
        context: Context::Omitted,
        handler: later::handler(item),
    };
    let mut returns = None;
    item.attrs.retain(|attribute| !read(attribute, &mut method, &mut returns, found));
    let mut kept = Punctuated::new();
    for (at, mut input) in core::mem::take(&mut item.sig.inputs).into_iter().enumerate() {
        let mut stays = true;
        match &mut input {
            _ if at == 0 => {}
            syn::FnArg::Typed(input) if is_call_context(&input.ty) => {
                if at > 1 {
                    let message = "the call's context comes first";
                    report(found, codes::UNEXPECTED, input, message);
                }
                method.context = Context::Taken;
            }
            syn::FnArg::Typed(input) if later::is_responder(&input.ty) => {}
            syn::FnArg::Typed(input) => {
                let param = params::param(input, found);
                stays = !param.as_ref().is_some_and(Param::is_removed);
                method.params.extend(param);
            }
            syn::FnArg::Receiver(_) => {}
        }
        if stays {
            kept.push(input);
        }
    }
    item.sig.inputs = kept;
    let answer = later::answer(item, method.handler, found);
    (method.results, method.raises) = results(&answer, returns, found);
    let raised = method.raises.as_ref().and_then(|_| raised(&answer));
    for input in &item.sig.inputs {
        if let syn::FnArg::Typed(input) = input {
            streams::check_param(&input.ty, raised, found);
        }
    }
    later::rewrite(item, method.handler);
    Some(method)
}

fn refuse_what_is_no_method(item: &syn::TraitItemFn, found: &mut Diagnostics) {
    let signature = &item.sig;
    let takes_self = match signature.inputs.first() {
        Some(syn::FnArg::Receiver(receiver)) => {
            matches!(receiver.kind, syn::ReceiverKind::Reference(_, None, None))
        }
        _ => false,
    };
    if !takes_self {
        let message = "a method takes `&self`: calls come from several threads at once";
        report(found, codes::UNEXPECTED, &signature.ident, message);
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        let message = "a method is not generic: the other side must know every type";
        report(found, codes::UNEXPECTED, &signature.generics, message);
    }
    if let Some(word) = &signature.constness {
        report(found, codes::UNEXPECTED, word, "a method of an interface is not `const`");
    }
    if let Some(abi) = &signature.abi {
        report(found, codes::UNEXPECTED, abi, "a method of an interface is not `extern`");
    }
}

/// Reads an attribute of a method; says whether it is ours.
fn read(
    attribute: &syn::Attribute,
    method: &mut Method,
    returns: &mut Option<Returns>,
    found: &mut Diagnostics,
) -> bool {
    let Some(name) = attribute.path().get_ident().map(|name| name.to_string()) else {
        return false;
    };
    let here = Some(At::new((), span_of(attribute.path())));
    match name.as_str() {
        "oneway" => method.oneway = here,
        "idempotent" => method.idempotent = here,
        "must_understand" => method.must_understand = here,
        "cancellable" => method.cancellable = here,
        "timeout" => match attribute.parse_args::<syn::LitStr>() {
            Ok(text) => {
                let text = At::new(text.value(), span_of(&text));
                method.timeout = attribute::duration(&text, found);
            }
            Err(error) => report_syntax(found, &error),
        },
        "wire_name" => method.wire_name = wire_name(attribute, found),
        "added" => method.availability.added = params::version(attribute, found),
        "removed" => method.availability.removed = params::version(attribute, found),
        "returns" => *returns = Returns::read(attribute, found),
        "cfg" | "cfg_attr" => {
            let message = "what is on the wire cannot depend on how a program is built";
            report(found, codes::MISPLACED_ATTRIBUTE, attribute, message);
        }
        _ => {
            let elsewhere = (attribute::OF_PARAMETERS, "parameters and results");
            return attribute::slip(attribute, attribute::OF_METHODS, elsewhere, found);
        }
    }
    true
}

pub(super) fn wire_name(attribute: &syn::Attribute, found: &mut Diagnostics) -> Option<At<String>> {
    let value = match &attribute.meta {
        syn::Meta::NameValue(pair) => Some(pair.value.clone()),
        _ => None,
    };
    let key = proc_macro2::Ident::new("wire_name", proc_macro2::Span::call_site());
    attribute::text(&Argument { key, value, group: None }, found)
}
