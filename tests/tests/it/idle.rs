//! A thousand clients that do nothing cost next to nothing.

use alpc_tests::idle::{Figures, measure};

#[test]
fn a_thousand_idle_clients_cost_no_time_and_little_memory() {
    let figures = measure(env!("CARGO_BIN_EXE_peer").into(), 1000);
    println!("{figures}");
    let Figures { before, connected, later, called, answered, .. } = figures;
    assert_eq!(later.cpu, connected.cpu, "the idle server used a CPU");
    assert_eq!(later.switches, connected.switches, "the idle server woke up");
    assert_eq!([connected.threads, called.threads], [before.threads; 2]);
    assert!(figures.private_for_each() <= 16.0, "{}", figures.private_for_each());
    assert_eq!(answered, 1000);
}
