//! The cases, with clients whose calls are futures.

use alpc_rpc::{AsyncClient, CallError, EventStream};
use alpc_tests::club::{ClubAsyncClient, MemberEvent};
use alpc_tests::everything::twin::api::{Closed, EverythingAsyncClient, Failure};
use alpc_tests::executor::{Task, join_all};
use alpc_tests::roles::TRIAL;
use alpc_tests::trial::api::TrialAsyncClient;

type Everything = EverythingAsyncClient;
type Trial = TrialAsyncClient;
type Club = ClubAsyncClient;

/// Waits for a call.
macro_rules! wait {
    ($call:expr) => {
        $call.await
    };
}

include!("cases.rs");

async fn connect<C: AsyncClient>(scene: &Scene, port: &str) -> Result<C, ConnectError> {
    C::connect_with(port, &scene.attributes).await
}

fn with_timeout(client: &Trial, timeout: Duration) -> Trial {
    client.with_timeout(timeout)
}

async fn next(
    events: &mut EventStream<MemberEvent>,
) -> Option<Result<MemberEvent, TransportError>> {
    events.next().await
}

/// Calls that have to be there at the same time.
async fn meet(client: &Trial, count: u32) -> Vec<u64> {
    let call = |number| -> Task<'_, u64> {
        Box::pin(async move { client.meet(count, number).await.unwrap() })
    };
    join_all((0..u64::from(count)).map(call)).await
}

async fn read(
    client: &Everything,
    (from, upto): (u8, u64),
    buffer: Vec<u8>,
) -> Result<(Vec<u8>, usize, u64), CallError<Failure>> {
    let (filled, capacity) = client.read(from, upto, buffer).await?;
    Ok((filled.buffer, filled.written, capacity))
}

async fn invert(client: &Everything, buffer: Vec<u8>) -> Result<(Vec<u8>, usize), Failed> {
    let filled = client.invert(buffer).await?;
    Ok((filled.buffer, filled.written))
}

async fn scale(
    client: &Everything,
    values: Vec<i32>,
    (by, keep): (i32, u32),
) -> Result<(Vec<i32>, usize), CallError<Closed>> {
    let filled = client.scale(values, by, keep).await?;
    Ok((filled.buffer, filled.written))
}

type Ramps = (Vec<f32>, usize, Vec<i64>, usize, u32);

async fn ramp(client: &Everything, step: f32) -> Result<Ramps, Failed> {
    let (left, right, sum) = client.ramp(vec![0.0; 1000], step, vec![9; 11]).await?;
    Ok((left.buffer, left.written, right.buffer, right.written, sum))
}
