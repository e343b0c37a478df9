//! The cases, with clients whose calls block.

use std::thread;

use alpc_rpc::{CallError, Client, Events};
use alpc_tests::club::{ClubClient, MemberEvent};
use alpc_tests::everything::twin::api::{Closed, EverythingClient, Failure};
use alpc_tests::roles::TRIAL;
use alpc_tests::trial::api::TrialClient;

type Everything = EverythingClient;
type Trial = TrialClient;
type Club = ClubClient;

/// Waits for a call.
macro_rules! wait {
    ($call:expr) => {
        $call
    };
}

include!("cases.rs");

fn connect<C: Client>(scene: &Scene, port: &str) -> Result<C, ConnectError> {
    C::connect_with(port, &scene.attributes)
}

fn with_timeout(client: &Trial, timeout: Duration) -> Trial {
    client.with_timeout(timeout)
}

fn next(events: &mut Events<MemberEvent>) -> Option<Result<MemberEvent, TransportError>> {
    events.next()
}

/// Calls that have to be there at the same time.
fn meet(client: &Trial, count: u32) -> Vec<u64> {
    thread::scope(|scope| {
        let call = |number| scope.spawn(move || client.meet(count, number).unwrap());
        let calls: Vec<_> = (0..u64::from(count)).map(call).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

fn read(
    client: &Everything,
    (from, upto): (u8, u64),
    mut buffer: Vec<u8>,
) -> Result<(Vec<u8>, usize, u64), CallError<Failure>> {
    let (written, capacity) = client.read(from, upto, &mut buffer)?;
    Ok((buffer, written, capacity))
}

fn invert(client: &Everything, mut buffer: Vec<u8>) -> Result<(Vec<u8>, usize), Failed> {
    let written = client.invert(&mut buffer)?;
    Ok((buffer, written))
}

fn scale(
    client: &Everything,
    mut values: Vec<i32>,
    (by, keep): (i32, u32),
) -> Result<(Vec<i32>, usize), CallError<Closed>> {
    let written = client.scale(&mut values, by, keep)?;
    Ok((values, written))
}

type Ramps = (Vec<f32>, usize, Vec<i64>, usize, u32);

fn ramp(client: &Everything, step: f32) -> Result<Ramps, Failed> {
    let (mut left, mut right) = (vec![0.0; 1000], vec![9; 11]);
    let (left_len, right_len, sum) = client.ramp(&mut left, step, &mut right)?;
    Ok((left, left_len, right, right_len, sum))
}
