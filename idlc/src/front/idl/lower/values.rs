//! Constant expressions.

use pest::iterators::Pair;

use super::literal::{self, Number, Quoted};
use super::{Lowerer, Rule, parts};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{BinaryOp, Expr, ExprKind, Float, UnaryOp};
use crate::source::Span;

/// How many operators may stand inside of each other.
const DEEPEST: usize = 64;

/// An expression and how deep it is.
struct Built {
    expr: Expr,
    depth: usize,
}

impl Lowerer<'_> {
    /// Reads an expression; `None` if something is wrong with it, which is told.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        self.build(pair).map(|built| built.expr)
    }

    fn build(&mut self, pair: Pair<'_, Rule>) -> Option<Built> {
        // Operators wait here until one that binds less tightly comes, or the end.
        let mut waiting: Vec<BinaryOp> = Vec::new();
        let mut operands: Vec<Built> = Vec::new();
        let mut complete = true;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::operator => {
                    let operator = binary(part.as_str())?;
                    while waiting.last().is_some_and(|last| tightness(*last) >= tightness(operator))
                    {
                        self.apply(&mut waiting, &mut operands)?;
                    }
                    waiting.push(operator);
                }
                // After a bad operand the others are still looked at: they may be bad, too.
                _ => match self.unary(part) {
                    Some(operand) => operands.push(operand),
                    None => complete = false,
                },
            }
            if !complete {
                waiting.clear();
            }
        }
        if !complete {
            return None;
        }
        while !waiting.is_empty() {
            self.apply(&mut waiting, &mut operands)?;
        }
        operands.pop()
    }

    /// Joins the last two operands by the last operator.
    fn apply(&mut self, waiting: &mut Vec<BinaryOp>, operands: &mut Vec<Built>) -> Option<()> {
        let (operator, right, left) = (waiting.pop()?, operands.pop()?, operands.pop()?);
        let span = left.expr.span.to(right.expr.span);
        let depth = left.depth.max(right.depth) + 1;
        self.check_depth(depth, span)?;
        let kind = ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr));
        operands.push(Built { expr: Expr { kind, span }, depth });
        Some(())
    }

    fn check_depth(&mut self, depth: usize, span: Span) -> Option<()> {
        if depth <= DEEPEST {
            return Some(());
        }
        let message = format!("an expression with more than {DEEPEST} operators in a row");
        let told = Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, span)
            .help("give parts of it names, with `const`");
        self.found.push(told);
        None
    }

    fn unary(&mut self, pair: Pair<'_, Rule>) -> Option<Built> {
        let span = self.span(&pair);
        let mut inner = parts(pair);
        let first = inner.next()?;
        if first.as_rule() != Rule::sign {
            return self.atom(first);
        }
        let operator = if first.as_str() == "-" { UnaryOp::Negate } else { UnaryOp::Complement };
        let operand = self.atom(inner.next()?)?;
        let depth = operand.depth + 1;
        self.check_depth(depth, span)?;
        let kind = ExprKind::Unary(operator, Box::new(operand.expr));
        Some(Built { expr: Expr { kind, span }, depth })
    }

    fn atom(&mut self, pair: Pair<'_, Rule>) -> Option<Built> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::group => return self.build(parts(pair).next()?),
            Rule::list => return self.list(pair, span),
            Rule::path => ExprKind::Path(self.path(pair)),
            Rule::bool_lit => ExprKind::Bool(pair.as_str() == "true"),
            Rule::number_lit => self.number(pair.as_str(), span)?,
            Rule::uuid_lit => ExprKind::Uuid(self.uuid_literal(pair.as_str(), span)?),
            Rule::string_lit => {
                let bytes = self.quoted(&pair, Quoted::Text)?;
                ExprKind::Str(String::from_utf8(bytes).ok()?)
            }
            Rule::bytes_lit => ExprKind::Bytes(self.quoted(&pair, Quoted::Bytes)?),
            _ => return None,
        };
        Some(Built { expr: Expr { kind, span }, depth: 1 })
    }

    fn list(&mut self, pair: Pair<'_, Rule>, span: Span) -> Option<Built> {
        let count = parts(pair.clone()).count();
        let items: Vec<_> = parts(pair).filter_map(|item| self.build(item)).collect();
        if items.len() != count {
            return None;
        }
        let depth = items.iter().map(|item| item.depth).max().unwrap_or(0) + 1;
        self.check_depth(depth, span)?;
        let kind = ExprKind::List(items.into_iter().map(|item| item.expr).collect());
        Some(Built { expr: Expr { kind, span }, depth })
    }

    fn number(&mut self, text: &str, span: Span) -> Option<ExprKind> {
        match literal::number(text) {
            Ok(Number::Int(value)) => Some(ExprKind::Int(value)),
            Ok(Number::Float(value)) => Some(ExprKind::Float(Float(value))),
            Ok(Number::Duration(value)) => Some(ExprKind::Duration(value)),
            Err(flaw) => {
                self.found.push(flaw.tell(text, span));
                None
            }
        }
    }

    fn uuid_literal(&mut self, text: &str, span: Span) -> Option<u128> {
        match literal::uuid(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                let message = format!("`{text}` is not a uuid");
                self.found.push(Diagnostic::error(codes::BAD_UUID, message, span).label(problem));
                None
            }
        }
    }

    pub(super) fn quoted(&mut self, pair: &Pair<'_, Rule>, kind: Quoted) -> Option<Vec<u8>> {
        let quoted = pair.as_str();
        let opening = quoted.find('"')? + 1;
        let text = quoted.get(opening..quoted.len().checked_sub(1)?)?;
        match literal::unescape(text, kind) {
            Ok(bytes) => Some(bytes),
            Err((range, why)) => {
                let start = pair.as_span().start() + opening;
                let place = self.working.origin(start + range.start..start + range.end);
                let part = text.get(range).unwrap_or_default();
                let message = match part.starts_with('\\') {
                    true => format!("`{part}` is not an escape here"),
                    false => format!("`{part}` cannot stand in bytes"),
                };
                let span = Span::text(self.file, place);
                self.found.push(Diagnostic::error(codes::BAD_LITERAL, message, span).label(why));
                None
            }
        }
    }
}

fn binary(operator: &str) -> Option<BinaryOp> {
    Some(match operator {
        "<<" => BinaryOp::ShiftLeft,
        ">>" => BinaryOp::ShiftRight,
        "|" => BinaryOp::Or,
        "&" => BinaryOp::And,
        "^" => BinaryOp::Xor,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Remainder,
        _ => return None,
    })
}

/// As in Rust.
fn tightness(operator: BinaryOp) -> u8 {
    match operator {
        BinaryOp::Or => 0,
        BinaryOp::Xor => 1,
        BinaryOp::And => 2,
        BinaryOp::ShiftLeft | BinaryOp::ShiftRight => 3,
        BinaryOp::Add | BinaryOp::Subtract => 4,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 5,
    }
}
