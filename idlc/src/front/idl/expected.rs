//! What the grammar would have accepted, in words.

use super::grammar::Rule;

/// The rules as a phrase, most telling first: "`,` or `)`". `None` if there is nothing to tell.
pub(super) fn describe(rules: &[Rule]) -> Option<String> {
    let has = |rule: Rule| rules.contains(&rule);
    if has(Rule::k_interface) || has(Rule::file) || (has(Rule::item) && !has(Rule::ident)) {
        return Some(
            "a declaration (`struct`, `enum`, `flags`, `union`, `error`, `interface`, `const` or `type`)".into(),
        );
    }
    if has(Rule::k_fn) || has(Rule::interface_member) {
        return Some("`fn`, `const` or `}`".into());
    }
    let mut names: Vec<&str> = Vec::new();
    let telling = TELLING.iter().filter(|(rule, _)| has(*rule)).map(|(_, name)| *name);
    for name in telling {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names = OPTIONAL.iter().filter(|(rule, _)| has(*rule)).map(|(_, name)| *name).collect();
    }
    join(&names)
}

fn join(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some((*name).to_owned()),
        [most @ .., last] => Some(format!("{} or {last}", most.join(", "))),
    }
}

/// What a declaration needs, in the order in which it is told.
const TELLING: &[(Rule, &str)] = &[
    (Rule::result, "a type"),
    (Rule::ty, "a type"),
    (Rule::ty_arg, "a type or a bound"),
    (Rule::expr, "a value"),
    (Rule::unary, "a value"),
    (Rule::bound, "a bound"),
    (Rule::tags, "a number"),
    (Rule::tag, "a number"),
    (Rule::attr, "an attribute"),
    (Rule::attr_name, "an attribute"),
    (Rule::attr_arg, "an argument"),
    (Rule::uuid_text, "a uuid"),
    (Rule::string_lit, "a string"),
    (Rule::path, "a name"),
    (Rule::ident, "a name"),
    (Rule::field, "a field"),
    (Rule::member, "a member"),
    (Rule::variant, "a variant"),
    (Rule::param, "a parameter"),
    (Rule::params, "`(`"),
    (Rule::colon, "`:`"),
    (Rule::fields, "`{`"),
    (Rule::members, "`{`"),
    (Rule::variants, "`{`"),
    (Rule::l_brace, "`{`"),
    (Rule::equals, "`=`"),
    (Rule::comma, "`,`"),
    (Rule::semi, "`;`"),
    (Rule::r_angle, "`>`"),
    (Rule::r_brack, "`]`"),
    (Rule::r_paren, "`)`"),
    (Rule::r_brace, "`}`"),
];

/// What may follow but need not. It is told only if nothing is needed.
const OPTIONAL: &[(Rule, &str)] = &[
    (Rule::results, "`->`"),
    (Rule::arrow, "`->`"),
    (Rule::raises, "`raises`"),
    (Rule::range_op, "`..=`"),
    (Rule::l_angle, "`<`"),
    (Rule::ty_args, "`<`"),
    (Rule::l_paren, "`(`"),
    (Rule::operator, "an operator"),
    (Rule::question, "`?`"),
];
