//! The workshop.

use crate::program::Scratch;

const WORKERS: &str = env!("CARGO_BIN_EXE_workers");

#[test]
fn the_workshop_opens_changes_its_limit_and_closes_by_itself() {
    let scratch = Scratch::new();
    let day = scratch.run(WORKERS, &["--seconds", "2"]);
    assert_eq!(day.code, Some(0), "{}\n{}", day.text(), day.stderr);
    let lines: Vec<&str> = day.text().lines().collect();
    for (line, limit) in lines.iter().zip([2, 6, 1, 12, 4]) {
        assert!(line.contains(&format!("limit {limit:2}")), "{line}");
    }
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[5].starts_with("closed: "), "{lines:?}");
}

#[test]
fn no_more_orders_are_worked_on_than_the_limit_says() {
    let scratch = Scratch::new();
    let day = scratch.run(WORKERS, &["--seconds", "2", "--json"]);
    assert_eq!(day.code, Some(0), "{}\n{}", day.text(), day.stderr);
    let moments: Vec<serde_json::Value> =
        day.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let number = |moment: &serde_json::Value, key: &str| moment[key].as_u64().unwrap();
    // Those that were begun under a higher limit are finished: the largest holds at any time.
    assert!(moments.iter().all(|moment| number(moment, "most") <= 12));
    let first = moments.iter().take_while(|moment| number(moment, "limit") == 2);
    assert!(first.into_iter().all(|moment| number(moment, "most") <= 2));
    let last = moments.last().unwrap();
    assert!(number(last, "done") > 0 && number(last, "cancelled") > 0, "{last}");
}

#[test]
fn wrong_usage_is_told() {
    let scratch = Scratch::new();
    for arguments in [&["--seconds", "0"][..], &["--seconds", "soon"], &["--jsno"]] {
        let told = scratch.run(WORKERS, arguments);
        assert_eq!(told.code, Some(2), "{}", told.stderr);
    }
    assert_eq!(scratch.run(WORKERS, &["--help"]).code, Some(0));
}
