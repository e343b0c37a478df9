//! The interface of `types.idl` as a trait, without most bounds of what is inside of lists and maps. They
//! are no part of a fingerprint, so the two are one interface, and the one can be sent what the other
//! must refuse.

#![allow(missing_docs, reason = "types.idl documents what a reader of the tests needs")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use alpc_rpc::Uuid;
use alpc_rpc::prelude::*;

#[derive(Alpc, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[alpc(
    flags(FILLED = 0x1, DASHED = 0x2, FAT = 0x4, OUTLINE = DASHED | FAT),
    name = "tests.types.Style"
)]
pub struct Style(u16);

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(name = "tests.types.Shape")]
pub enum Shape {
    Empty,
    Dot(u32, u32),
    Circle {
        #[alpc(min = 1, max = 100)]
        radius: u32,
        #[alpc(default = Style::FILLED)]
        style: Style,
        name: Option<String>,
    },
    Group(#[alpc(max = 8)] Vec<Shape>),
    #[alpc(tag = 9)]
    Image {
        #[alpc(max = 64)]
        from: PathBuf,
        taken: SystemTime,
    },
    Unrecognized {
        tag: u32,
        payload: Vec<u8>,
    },
}

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(final, name = "tests.types.Verdict")]
pub enum Verdict {
    Yes,
    No(#[alpc(max = 8)] String),
    Later {
        #[alpc(max = "30s")]
        by: Duration,
    },
}

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(union, name = "tests.types.Switch")]
pub enum Switch {
    On,
    Off,
    Unrecognized { tag: u32, payload: Vec<u8> },
}

const PATIENCE: Duration = Duration::from_secs(30);
const NAMESPACE: Uuid = Uuid::from_u128(0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8);

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(name = "tests.types.Everything")]
pub struct Everything {
    #[alpc(min = 1, max = 64)]
    pub at: PathBuf,
    pub id: Uuid,
    #[alpc(max = PATIENCE)]
    pub age: Duration,
    #[alpc(min = "0s")]
    pub made: SystemTime,
    #[alpc(default = Style::FILLED | Style::DASHED)]
    pub style: Style,
    #[alpc(default = "250ms")]
    pub kept: Duration,
    #[alpc(default = "1s")]
    pub seen: SystemTime,
    #[alpc(default = "/")]
    pub under: PathBuf,
    #[alpc(default = NAMESPACE)]
    pub space: Uuid,
    pub last: Option<Duration>,
}

impl Everything {
    pub fn new(at: PathBuf, id: Uuid, age: Duration, made: SystemTime) -> Everything {
        Everything {
            at,
            id,
            age,
            made,
            style: Style::FILLED | Style::DASHED,
            kept: Duration::from_millis(250),
            seen: SystemTime::UNIX_EPOCH + Duration::from_secs(1),
            under: PathBuf::from("/"),
            space: NAMESPACE,
            last: None,
        }
    }
}

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(name = "tests.types.Nested")]
pub struct Nested {
    #[alpc(max = 3)]
    pub blobs: Vec<Vec<u8>>,
    pub files: BTreeMap<Uuid, Vec<PathBuf>>,
    pub waits: BTreeMap<Duration, (SystemTime, Vec<u8>)>,
    pub pair: (PathBuf, Uuid),
    pub digest: [u8; 64],
    pub places: [Option<PathBuf>; 2],
    pub outcomes: Vec<Result<Vec<u8>, Duration>>,
    pub styles: BTreeMap<Style, Switch>,
}

impl Nested {
    #[allow(clippy::too_many_arguments, clippy::type_complexity, reason = "as generated")]
    pub fn new(
        blobs: Vec<Vec<u8>>,
        files: BTreeMap<Uuid, Vec<PathBuf>>,
        waits: BTreeMap<Duration, (SystemTime, Vec<u8>)>,
        pair: (PathBuf, Uuid),
        digest: [u8; 64],
        places: [Option<PathBuf>; 2],
        outcomes: Vec<Result<Vec<u8>, Duration>>,
        styles: BTreeMap<Style, Switch>,
    ) -> Nested {
        Nested { blobs, files, waits, pair, digest, places, outcomes, styles }
    }
}

#[derive(Alpc, Debug, Clone, PartialEq)]
#[alpc(error, name = "tests.types.Trouble")]
pub enum Trouble {
    /// {path} was gone after {after}
    Gone {
        path: PathBuf,
        after: Duration,
    },
    /// {0} is not allowed
    Forbidden(Style),
    Unrecognized {
        tag: u32,
        payload: Vec<u8>,
    },
}

#[alpc_interface(
    uuid = "6e2b4a50-8c0f-4f6a-9a55-5d1f3d2c7b61",
    version = "1.0",
    name = "tests.types.Types",
    endpoint = "tests.types"
)]
#[allow(clippy::too_many_arguments, clippy::type_complexity, reason = "that is what is tried")]
pub trait Types {
    #[returns(#[max(64)] at, id, #[max("30s")] age, #[min("0s")] made, style)]
    fn plain(
        &self,
        cx: &Call<'_>,
        #[max(64)] at: PathBuf,
        id: Uuid,
        #[max("30s")] age: Duration,
        #[min("0s")] made: SystemTime,
        #[copy] style: Style,
    ) -> (PathBuf, Uuid, Duration, SystemTime, Style);

    #[returns(#[max(64)] at, id, age, made, style, blobs, shape)]
    fn optional(
        &self,
        cx: &Call<'_>,
        #[max(64)] at: Option<PathBuf>,
        id: Option<Uuid>,
        age: Option<Duration>,
        made: Option<SystemTime>,
        #[copy] style: Option<Style>,
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
    );

    #[returns(#[max(4)] paths, ages, blobs)]
    fn lists(
        &self,
        cx: &Call<'_>,
        #[max(4)] paths: Vec<PathBuf>,
        ages: Vec<Duration>,
        blobs: Vec<Vec<u8>>,
    ) -> (Vec<PathBuf>, Vec<Duration>, Vec<Vec<u8>>);

    #[returns(shape, #[max(8)] all, verdict, switch)]
    fn shapes(
        &self,
        cx: &Call<'_>,
        shape: Shape,
        #[max(8)] all: Vec<Shape>,
        verdict: Verdict,
        switch: Switch,
    ) -> (Shape, Vec<Shape>, Verdict, Switch);

    #[returns(all, nested)]
    fn records(&self, cx: &Call<'_>, all: Everything, nested: Nested) -> (Everything, Nested);

    #[returns(way, done)]
    fn outcomes(
        &self,
        cx: &Call<'_>,
        way: Result<PathBuf, Uuid>,
        done: Result<(), Verdict>,
    ) -> (Result<PathBuf, Uuid>, Result<(), Verdict>);

    #[returns(age, id, style, at, made)]
    fn defaults(
        &self,
        cx: &Call<'_>,
        #[max("30s")]
        #[default("1s")]
        age: Duration,
        #[default(NAMESPACE)] id: Uuid,
        #[copy]
        #[default(Style::DASHED)]
        style: Style,
        #[default("/tmp")] at: PathBuf,
        #[default("0s")] made: SystemTime,
    ) -> (Duration, Uuid, Style, PathBuf, SystemTime);

    fn fail(&self, cx: &Call<'_>, how: Trouble) -> Result<(), Trouble>;
}
