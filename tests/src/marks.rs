//! Servers of what attributes change: methods that came later, tombstones, calls that are given up;
//! and of an interface that has its types from other files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alpc_rpc::Way;
use alpc_rpc::prelude::*;

use crate::goldens::attributes::{Switches, SwitchesServer};
use crate::goldens::imports::places::{Box as Case, Place, Places, PlacesServer};
use crate::goldens::imports::types::{Described, Failure as Nowhere, Mode, Point, Size};
use crate::goldens::sensitive::{Key, Level, LoginError, Logins, LoginsServer};
use crate::goldens::tombstones::{Failure, Person, Persons, PersonsServer};
use crate::strict::callback_results::{ChooserClient, Row, RowRef, Table, TableServer};
use crate::strict::via::{Ways, WaysServer};

/// Serves `Persons` as a program of version 1.0 would: what was added later is not implemented.
#[derive(Debug, Default)]
pub struct Old;

/// The server of it.
pub fn persons() -> PersonsServer<Old> {
    PersonsServer::new(Old)
}

impl Persons for Old {
    fn put(&self, _: &Call<'_>, person: Person) -> Result<(u32, u32), Failure> {
        if person.name == "nobody" {
            return Err(Failure::NotFound { name: person.name });
        }
        Ok((person.age, person.notes.len() as u32))
    }

    fn none(&self, _: &Call<'_>) -> u32 {
        7
    }
}

/// Searches until nobody waits.
#[derive(Debug, Default)]
pub struct Searcher {
    was_cancelled: AtomicBool,
}

/// The server of it.
pub fn switches() -> SwitchesServer<Searcher> {
    SwitchesServer::new(Searcher::default())
}

impl Switches for Searcher {
    fn private_mode(&self, _: &Call<'_>, _: bool) {}

    fn search(&self, cx: &Call<'_>, text: &str) -> u64 {
        if text == "for long" {
            while !cx.is_cancelled() {
                std::thread::yield_now();
            }
            self.was_cancelled.store(true, Ordering::SeqCst);
        }
        u64::from(self.was_cancelled.load(Ordering::SeqCst))
    }
}

/// Gives away what it is told.
#[derive(Debug, Default)]
pub struct Blabber;

/// The server of it.
pub fn logins() -> LoginsServer<Blabber> {
    LoginsServer::new(Blabber)
}

impl Logins for Blabber {
    fn login(
        &self,
        _: &Call<'_>,
        password: &str,
        pin: u32,
        _: Key,
    ) -> Result<(u64, Level), LoginError> {
        match password {
            "no token" => Ok((0, Level::High)),
            "unknown" => {
                let (user, guess) = ("joe".to_owned(), password.to_owned());
                Err(LoginError::Unknown { user, guess })
            }
            _ => Ok((u64::from(pin), Level::Low)),
        }
    }
}

/// Knows two places.
#[derive(Debug, Default)]
pub struct Atlas;

/// The server of it.
pub fn places() -> PlacesServer<Atlas> {
    PlacesServer::new(Atlas)
}

impl Described for Atlas {
    fn describe(&self, _: &Call<'_>) -> String {
        "an atlas".to_owned()
    }
}

impl crate::goldens::imports::base::Limits for Atlas {}

impl Places for Atlas {
    fn find(&self, _: &Call<'_>, key: &str, mode: Mode) -> Result<Place, Nowhere> {
        match (key, mode) {
            ("here", Mode::Fast) => Ok(Place::new(key.to_owned(), Point::new(1.5))),
            _ => Err(Nowhere::NotFound { key: key.to_owned() }),
        }
    }

    fn all(&self, _: &Call<'_>) -> (Vec<Point>, Vec<Case>) {
        let size = Size { width: 3, height: 4 };
        (vec![Point::new(1.5).with_y(2.5)], vec![Case { size, count: 2 }])
    }
}

/// Sends back what it gets.
#[derive(Debug, Default)]
pub struct Returner;

/// The server of it.
pub fn ways() -> WaysServer<Returner> {
    WaysServer::new(Returner)
}

impl Ways for Returner {
    fn send(&self, cx: &Call<'_>, _: &[u8], _: &[u8], _: &[u8], _: &[u8]) -> u64 {
        // How each that did not stand among the small ones came, as digits.
        let ways = cx.bulk().iter().map(|part| match part.way {
            Way::Copy => 1,
            Way::Section => 2,
            Way::Direct => 3,
            _ => 9,
        });
        ways.fold(0, |all, way| all * 10 + way)
    }

    fn text(&self, _: &Call<'_>, text: &str) -> String {
        text.chars().rev().collect()
    }

    fn numbers(&self, _: &Call<'_>, numbers: &[f32]) -> (f32, Vec<f32>, Vec<u8>) {
        let squares: Vec<f32> = numbers.iter().map(|number| number * number).collect();
        let all = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        (numbers.iter().sum(), squares, all)
    }

    fn fill(
        &self,
        _: &Call<'_>,
        near: &mut OutBuf<'_>,
        far: &mut OutBuf<'_>,
        both: &mut InOutBuf<'_, u16>,
    ) -> u32 {
        near.put(b"near");
        far.put(b"far");
        both.as_mut_slice().reverse();
        7
    }

    fn tell(&self, _: &Call<'_>, _: View) {}
}

/// A row of [`Rows`].
#[derive(Debug)]
pub struct Numbered(u32);

impl Row for Numbered {
    fn number(&self, _: &Call<'_>) -> u32 {
        self.0
    }
}

/// Lets its clients choose.
#[derive(Debug, Default)]
pub struct Rows;

/// The server of it.
pub fn table() -> TableServer<Rows> {
    TableServer::new(Rows)
}

impl Table for Rows {
    fn row(&self, _: &Call<'_>, number: u32) -> Arc<dyn Row> {
        Arc::new(Numbered(number))
    }

    fn ask(&self, cx: &Call<'_>, chooser: ChooserClient) -> (u32, bool, String) {
        let text = |error: &dyn std::fmt::Display| (0, false, error.to_string());
        let asked = || {
            let chosen = chooser.choose()?;
            let perhaps = chooser.perhaps()?;
            let note = chooser.note()?.text()?;
            Ok::<_, CallError<std::convert::Infallible>>((chosen, perhaps, note))
        };
        match asked() {
            Ok((RowRef::Local(row), perhaps, note)) => (row.number(cx), perhaps.is_none(), note),
            Ok((RowRef::Remote(_), ..)) => text(&"a row of somebody else's"),
            Err(error) => text(&error),
        }
    }
}
