//! The tables of the report.

use crate::operation::UserOperation;
use crate::tenant::Latencies;

/// The figures at one size: each operation in the growing tenant and in the small one.
pub(crate) struct Figures {
    pub(crate) size: usize,
    pub(crate) rows: Vec<(UserOperation, Latencies, Latencies)>,
}

impl Figures {
    pub(crate) fn print(&self) {
        println!("| operation | p50, p99 ms | requests per second | small tenant: p50, p99 ms | per second |");
        println!("|---|---|---|---|---|");
        for (operation, large, small) in &self.rows {
            println!(
                "| {} | {:.2}, {:.2} | {:.0} | {:.2}, {:.2} | {:.0} |",
                operation.name(),
                large.at(50),
                large.at(99),
                large.per_second,
                small.at(50),
                small.at(99),
                small.per_second
            );
        }
    }
}

/// How much longer each operation takes in the largest directory than in the smallest, and how much of that is due
/// to the engine.
pub(crate) fn growth(all: &[Figures]) {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return };
    println!("\nGrowth of p50 from {} to {} users:\n", first.size, last.size);
    println!("| operation | factor | factor in the small tenant | quotient |\n|---|---|---|---|");
    for ((operation, before, small_before), (_, after, small_after)) in first.rows.iter().zip(&last.rows) {
        let own = after.at(50) / before.at(50);
        let engine = small_after.at(50) / small_before.at(50);
        println!("| {} | {own:.2} | {engine:.2} | {:.2} |", operation.name(), own / engine);
    }
}
