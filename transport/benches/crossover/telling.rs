//! What was measured, for people and for programs.

use std::collections::BTreeMap;

use crate::placement::Placement;
use crate::{Choice, Direction, FITS_MESSAGE, How, KIB, Key, MIB};

pub(crate) fn size(len: usize) -> String {
    match len {
        FITS_MESSAGE => "message".to_owned(),
        _ if len >= MIB => format!("{} MiB", len / MIB),
        _ if len >= KIB => format!("{} KiB", len / KIB),
        _ => format!("{len} B"),
    }
}

pub(crate) fn print_table(medians: &BTreeMap<Key, f64>, sizes: &[usize]) {
    for placement in Placement::ALL {
        for direction in Direction::ALL {
            print!("\n{:<20}", format!("{}, {}", direction.name(), placement.name()));
            How::ALL.iter().for_each(|how| print!("{:>14}", how.name()));
            println!("   (us; times memcpy)");
            for &len in sizes {
                print!("{:<20}", size(len));
                let memcpy = medians.get(&(placement, direction, len, How::Memcpy)).copied();
                for how in How::ALL {
                    match medians.get(&(placement, direction, len, how)).zip(memcpy) {
                        Some((&took, _)) if how == How::Memcpy => print!("{took:>14.2}"),
                        Some((&took, memcpy)) => print!("{took:>9.1} {:>4.1}", took / memcpy),
                        None => print!("{:>14}", "-"),
                    }
                }
                println!();
            }
        }
    }
}

pub(crate) fn print_json(
    medians: &BTreeMap<Key, f64>,
    latencies: &[(Placement, f64, f64)],
    choice: &Choice,
) {
    let rows = medians.iter().map(|((placement, direction, len, how), took)| {
        let (placement, direction) = (placement.name(), direction.name());
        let how = how.name();
        format!(
            r#"    {{"placement": "{placement}", "direction": "{direction}", "bytes": {len}, "way": "{how}", "us": {took:.3}}}"#
        )
    });
    let small = latencies.iter().map(|(placement, ours, raw)| {
        let name = placement.name();
        format!(
            r#"    {{"placement": "{name}", "call_us": {ours:.3}, "seqpacket_us": {raw:.3}, "ratio": {:.4}}}"#,
            ours / raw
        )
    });
    let rows: Vec<_> = rows.collect();
    let small: Vec<_> = small.collect();
    println!("{{\n  \"round_trip_64\": [\n{}\n  ],", small.join(",\n"));
    println!("  \"bulk\": [\n{}\n  ],", rows.join(",\n"));
    println!(
        "  \"copy_limit\": {},\n  \"view_limit\": {}\n}}",
        choice.copy_limit, choice.view_limit
    );
}
