//! A server that sends back what it gets.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use alpc_rpc::Uuid;
use alpc_rpc::prelude::*;

use super::api::{Everything, Nested, Shape, Style, Switch, Trouble, Types, TypesServer, Verdict};

/// The server, ready to be served.
pub fn server() -> TypesServer<Echo> {
    TypesServer::new(Echo)
}

/// Sends back what it gets.
#[derive(Debug)]
pub struct Echo;

#[allow(clippy::type_complexity, reason = "that is what is tried")]
impl Types for Echo {
    fn plain(
        &self,
        _: &Call<'_>,
        at: PathBuf,
        id: Uuid,
        age: Duration,
        made: SystemTime,
        style: Style,
    ) -> (PathBuf, Uuid, Duration, SystemTime, Style) {
        (at, id, age, made, style)
    }

    fn optional(
        &self,
        _: &Call<'_>,
        at: Option<PathBuf>,
        id: Option<Uuid>,
        age: Option<Duration>,
        made: Option<SystemTime>,
        style: Option<Style>,
        blobs: Option<Vec<Vec<u8>>>,
        shape: Option<Shape>,
    ) -> (
        Option<PathBuf>,
        Option<Uuid>,
        Option<Duration>,
        Option<SystemTime>,
        Option<Style>,
        Option<Vec<Vec<u8>>>,
        Option<Shape>,
    ) {
        (at, id, age, made, style, blobs, shape)
    }

    fn lists(
        &self,
        _: &Call<'_>,
        paths: Vec<PathBuf>,
        ages: Vec<Duration>,
        blobs: Vec<Vec<u8>>,
    ) -> (Vec<PathBuf>, Vec<Duration>, Vec<Vec<u8>>) {
        (paths, ages, blobs)
    }

    fn shapes(
        &self,
        _: &Call<'_>,
        shape: Shape,
        all: Vec<Shape>,
        verdict: Verdict,
        switch: Switch,
    ) -> (Shape, Vec<Shape>, Verdict, Switch) {
        (shape, all, verdict, switch)
    }

    fn records(&self, _: &Call<'_>, all: Everything, nested: Nested) -> (Everything, Nested) {
        (all, nested)
    }

    fn outcomes(
        &self,
        _: &Call<'_>,
        way: Result<PathBuf, Uuid>,
        done: Result<(), Verdict>,
    ) -> (Result<PathBuf, Uuid>, Result<(), Verdict>) {
        (way, done)
    }

    fn defaults(
        &self,
        _: &Call<'_>,
        age: Duration,
        id: Uuid,
        style: Style,
        at: PathBuf,
        made: SystemTime,
    ) -> (Duration, Uuid, Style, PathBuf, SystemTime) {
        (age, id, style, at, made)
    }

    fn fail(&self, _: &Call<'_>, how: Trouble) -> Result<(), Trouble> {
        Err(how)
    }
}
