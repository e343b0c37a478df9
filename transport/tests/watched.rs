//! Calls that are made in tasks while an event loop watches the port: every test of `tasks`.

#[path = "tasks.rs"]
mod tasks;

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
    // One that has just ended has none.
    names.filter_map(Result::ok).collect()
}

#[test]
fn no_thread_of_the_ports_watches_beside_the_event_loop() {
    tasks::a_call_is_a_future_for_any_executor();
    tasks::tasks_wait_for_credits_too();
    let threads = threads();
    assert!(!threads.iter().any(|name| name.starts_with("alpc-driver")), "{threads:?}");
}
