//! One list of cases, run by threads that block, by an executor of a few lines and by tokio, with shared
//! memory and without: what comes back is the same.

#![expect(clippy::result_large_err, reason = "the interface's own error is what it is")]

mod blocking;
mod scene;
mod tasks;

use alpc_rpc::PortAttributes;
use alpc_rpc::transport::Accelerator;
use alpc_tests::executor::block_on;
use scene::{Record, Scene};
use tokio::runtime::Builder;

/// How the cases are run.
type Run = fn(&Scene) -> Vec<Record>;

fn in_tokio(scene: &Scene) -> Vec<Record> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_io().build().unwrap();
    runtime.block_on(tasks::all(scene))
}

const RUNS: [(&str, Run); 3] = [
    ("threads", |scene| block_on(blocking::all(scene))),
    ("an executor of a few lines", |scene| block_on(tasks::all(scene))),
    ("tokio", in_tokio),
];

type Change = fn(PortAttributes) -> PortAttributes;

fn unchanged(attributes: PortAttributes) -> PortAttributes {
    attributes
}

fn without_memory(attributes: PortAttributes) -> PortAttributes {
    attributes.accelerator(Accelerator::Off)
}

#[test]
fn whoever_waits_and_however_bytes_travel_the_results_are_the_same() {
    let mut expected: Option<Vec<Record>> = None;
    for (memory, change) in [("with", unchanged as Change), ("without", without_memory)] {
        for (who, run) in RUNS {
            let scene = Scene::new(&format!("{who}, {memory} shared memory"), change);
            let records = run(&scene);
            assert!(records.iter().all(|record| !record.lines.is_empty()), "{records:?}");
            let expected = expected.get_or_insert_with(|| records.clone());
            assert_eq!(records.len(), expected.len());
            for (record, expected) in records.iter().zip(expected.iter()) {
                assert_eq!(record, expected, "{who}, {memory} shared memory");
            }
        }
    }
}
